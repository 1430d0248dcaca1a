/**
 * The handshake of a harness (relay.md §7.4): writes message 1 for the executor that the registry named, reads
 * message 2, and keeps why it failed for whoever asks.
 */
import type { InitiatorPort } from '../../machines/stream-types.js';
import type { NoiseIdentity } from './identity.js';
import { InitiatorHandshake } from './initiator-handshake.js';
import type { Kem } from './kem.js';
import type { NoisePublicKey } from './public-key.js';
import type { Initiator, OpenedChannel } from './stream-encryption.js';
import type { DhKeyPair } from './x25519.js';

/** What the registry's `connect` gave, good for one handshake (relay.md §9.3). */
export interface ConnectBundle {
  readonly url: string;
  readonly environmentId: string;
  readonly registrationId: string;
  readonly executorKey: NoisePublicKey;
  /** A bearer secret. */
  readonly authorization: string;
}

export interface InitiatorOfficeOptions {
  readonly identity: Promise<NoiseIdentity>;
  readonly kem: Kem;
  /** Undefined before the registry was asked. */
  bundle(): ConnectBundle | undefined;
  /** Bytes of one message over the channel. */
  readonly messageBytes: number;
  /** For tests with fixed keys. */
  readonly newEphemeral?: () => DhKeyPair;
}

export class InitiatorOffice implements Initiator {
  readonly #options: InitiatorOfficeOptions;
  #failure: Error | undefined;

  constructor(options: InitiatorOfficeOptions) {
    this.#options = options;
  }

  /** Why the last handshake failed at this end; undefined when it did not, or the peer ended it. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  initiate(streamId: string, opened: OpenedChannel): InitiatorPort {
    const { kem, messageBytes, newEphemeral } = this.#options;
    let handshake: InitiatorHandshake | undefined;
    let isAbandoned = false;
    this.#failure = undefined;
    const greet = async () => {
      const bundle = this.#options.bundle();
      if (bundle === undefined) throw new Error('the registry was not asked for an executor');
      const { environmentId, registrationId, executorKey, authorization } = bundle;
      const binding = { environmentId, registrationId, streamId };
      const identity = await this.#options.identity;
      const begun = await InitiatorHandshake.begin({
        identity,
        kem,
        executorKey,
        binding,
        authorization,
        messageBytes,
        ...(newEphemeral === undefined ? {} : { newEphemeral }),
      });
      if (isAbandoned) begun.discard();
      else handshake = begun;
      return begun.message;
    };
    const conclude = async (answer: Uint8Array) => {
      if (handshake === undefined) throw new Error('there is no handshake to conclude');
      opened(await handshake.finish(answer));
    };
    return {
      greet: () => this.#told(greet()),
      conclude: (answer) => this.#told(conclude(answer)),
      abandon: () => {
        isAbandoned = true;
        handshake?.discard();
        handshake = undefined;
      },
    };
  }

  async #told<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }
}
