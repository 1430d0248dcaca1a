/**
 * The handshakes of an executor (relay.md §7.3): opens message 1, has somebody ask the registry, writes message 2, and
 * says in the log why one failed, which its peer is not told. How long each may take is for the stream's chart.
 */
import type { HandshakeAnswer, ResponderPort } from '../../machines/stream-types.js';
import type { Logger } from '../observe/log.js';
import type { NoiseIdentity } from './identity.js';
import type { Kem } from './kem.js';
import type { NoisePublicKey } from './public-key.js';
import { ResponderHandshake } from './responder-handshake.js';
import type { OpenedChannel, Responder } from './stream-encryption.js';
import { Turnstile } from './turnstile.js';
import type { DhKeyPair } from './x25519.js';

/** What the registry is asked. */
export interface AuthorisationRequest {
  readonly streamId: string;
  readonly registrationId: string;
  readonly harnessKey: NoisePublicKey;
  /** A bearer secret. */
  readonly authorization: string;
}

/** `credential_rejected`: the registry does not know this executor any more. */
export type AuthorisationVerdict = 'granted' | 'refused' | 'credential_rejected';

export interface ResponderOfficeOptions {
  readonly identity: Promise<NoiseIdentity>;
  readonly kem: Kem;
  /** Under which harnesses find this executor now; undefined before the first registration. */
  registration(): { readonly environmentId: string; readonly registrationId: string } | undefined;
  /** Rejects when the registry cannot be asked. */
  ask(request: AuthorisationRequest, signal: AbortSignal): Promise<AuthorisationVerdict>;
  readonly log: Logger;
  /** Harnesses that the registry is asked about at a time (relay.md §3.2); one more waits, as long as it may. */
  readonly mostAsked?: number;
  /** Bytes of one message over a channel. */
  readonly messageBytes: number;
  /** For tests with fixed keys. */
  readonly newEphemeral?: () => DhKeyPair;
}

const MOST_ASKED = 32;

/** More would not be answered sooner, and all of them late: one thread does the work of many operations in turns. */
const ANSWERED_AT_A_TIME = 2;

export class ResponderOffice implements Responder {
  readonly #options: ResponderOfficeOptions;
  readonly #asking: Turnstile;
  readonly #answering = new Turnstile(ANSWERED_AT_A_TIME);

  constructor(options: ResponderOfficeOptions) {
    this.#options = options;
    this.#asking = new Turnstile(options.mostAsked ?? MOST_ASKED);
  }

  respond(streamId: string, greeting: Uint8Array, opened: OpenedChannel): ResponderPort {
    const { log } = this.#options;
    let handshake: ResponderHandshake | undefined;
    let registrationId = '';
    let isAbandoned = false;
    const told = async <T>(step: Promise<T>): Promise<T> => {
      try {
        return await step;
      } catch (error) {
        // Whoever ended the stream meanwhile knows why.
        if (!isAbandoned) log.warn({ streamId, ...reasonOf(error) }, 'an encrypted stream was refused');
        throw error;
      }
    };
    const read = async () => {
      const registration = this.#options.registration();
      if (registration === undefined) throw new Error('this executor is not registered');
      registrationId = registration.registrationId;
      const { kem, messageBytes, newEphemeral } = this.#options;
      const identity = await this.#options.identity;
      const binding = { ...registration, streamId };
      const started = await ResponderHandshake.read(greeting, {
        identity,
        kem,
        binding,
        messageBytes,
        ...(newEphemeral === undefined ? {} : { newEphemeral }),
      });
      if (isAbandoned) started.discard();
      else handshake = started;
    };
    return {
      read: () => told(read()),
      authorise: (signal) => told(this.#authorise(streamId, registrationId, handshake, opened, signal)),
      abandon: () => {
        isAbandoned = true;
        handshake?.discard();
        handshake = undefined;
      },
    };
  }

  async #authorise(
    streamId: string,
    registrationId: string,
    handshake: ResponderHandshake | undefined,
    opened: OpenedChannel,
    signal: AbortSignal,
  ): Promise<HandshakeAnswer> {
    if (handshake === undefined) throw new Error('there is no handshake to authorise');
    const { ask, log } = this.#options;
    const { harnessKey, authorization } = handshake;
    const request = { streamId, registrationId, harnessKey, authorization };
    const verdict = await this.#asking.pass(signal, () => ask(request, signal));
    switch (verdict) {
      case 'granted': {
        const { message, channel } = await this.#answering.pass(signal, () => handshake.accept());
        opened(channel);
        return { message, admitted: true };
      }
      case 'credential_rejected':
        log.error({ streamId }, 'the registry does not accept the token of this executor any more: give it a new one');
        return { message: await handshake.rejectCredential(), admitted: false };
      case 'refused':
        throw new Error('the registry does not know this harness, its authorization is over, or it was used before');
    }
  }
}

/** Never a secret: errors of this folder hold none, and what a registry said is not repeated. */
function reasonOf(error: unknown): { readonly reason: string; readonly code?: string } {
  if (!(error instanceof Error)) return { reason: String(error) };
  const { code } = error as { readonly code?: unknown };
  return { reason: error.message, ...(typeof code === 'string' ? { code } : {}) };
}
