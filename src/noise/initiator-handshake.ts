/**
 * The harness's side of the handshake (relay.md §6.4 to 6.6): writes message 1, reads message 2. The executor's key
 * comes from the registry, so whoever answers with another one cannot finish.
 */

import { beginHandshake, opened } from './handshake-start.js';
import type { NoiseIdentity } from './identity.js';
import type { Kem, KemKeyPair } from './kem.js';
import { NoiseChannel } from './noise-channel.js';
import { NoiseError } from './noise-error.js';
import type { StreamBinding } from './prologue.js';
import type { NoisePublicKey } from './public-key.js';
import {
  AUTHORIZATION_BYTES,
  CREDENTIAL_REJECTED,
  DH_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  MESSAGE_2_BYTES,
  NOISE_MESSAGE_BYTES,
  TAG_BYTES,
} from './suite.js';
import type { SymmetricState } from './symmetric-state.js';
import { type DhKeyPair, generateDhKeyPair, sharedDhSecret } from './x25519.js';

export interface InitiatorOptions {
  readonly identity: NoiseIdentity;
  /** As the registry's `connect` gave it. */
  readonly executorKey: NoisePublicKey;
  readonly binding: StreamBinding;
  /** `harness_key_authorization` of the same reply; 1 to 4,096 bytes as UTF-8. */
  readonly authorization: string;
  readonly kem: Kem;
  /** Bytes of one message over the channel; default: {@link NoiseChannel}'s. */
  readonly messageBytes?: number;
  /** For tests with fixed keys. */
  readonly newEphemeral?: () => DhKeyPair;
}

export class InitiatorHandshake {
  /** Message 1, the payload of the first `handshake` frame. */
  readonly message: Uint8Array;
  readonly #state: SymmetricState;
  readonly #options: InitiatorOptions;
  readonly #ephemeralDh: DhKeyPair;
  readonly #ephemeralKem: KemKeyPair;

  private constructor(
    message: Uint8Array,
    state: SymmetricState,
    options: InitiatorOptions,
    ephemeralDh: DhKeyPair,
    ephemeralKem: KemKeyPair,
  ) {
    this.message = message;
    this.#state = state;
    this.#options = options;
    this.#ephemeralDh = ephemeralDh;
    this.#ephemeralKem = ephemeralKem;
  }

  /** Rejects with {@link NoiseError}. */
  static async begin(options: InitiatorOptions): Promise<InitiatorHandshake> {
    const { identity, executorKey, binding, kem } = options;
    const payload = payloadOf(options.authorization);
    const state = beginHandshake(binding, executorKey);
    const ephemeralDh = (options.newEphemeral ?? generateDhKeyPair)();
    let ephemeralKem: KemKeyPair | undefined;
    try {
      ephemeralKem = await kem.generate();
      const { ciphertext, sharedSecret } = await kem.encapsulate(executorKey.kem);
      const parts: Uint8Array[] = [];
      // skem
      parts.push(state.encryptAndHash(ciphertext));
      state.mixKeyAndHash(sharedSecret);
      // e
      parts.push(ephemeralDh.publicKey, ephemeralKem.publicKey);
      state.mixHash(ephemeralDh.publicKey);
      state.mixHash(ephemeralKem.publicKey);
      // es
      state.mixKey(sharedDhSecret(ephemeralDh.secretKey, executorKey.dh));
      // s
      parts.push(state.encryptAndHash(identity.publicKey.dh), state.encryptAndHash(identity.publicKey.kem));
      // ss
      state.mixKey(sharedDhSecret(identity.dhSecret, executorKey.dh));
      parts.push(state.encryptAndHash(payload));
      return new InitiatorHandshake(Buffer.concat(parts), state, options, ephemeralDh, ephemeralKem);
    } catch (error) {
      state.wipe();
      ephemeralKem?.secretKey.wipe();
      throw error;
    }
  }

  /**
   * The channel, from message 2. Rejects with {@link NoiseError}: `noise_credential_rejected` when trying again is of no
   * use, else another; this handshake is over either way. May be called once.
   */
  async finish(message: Uint8Array): Promise<NoiseChannel> {
    const { identity, kem } = this.#options;
    const state = this.#state;
    try {
      if (message.length < MESSAGE_2_BYTES || message.length > NOISE_MESSAGE_BYTES) throw malformed(message.length);
      let offset = 0;
      const take = (bytes: number) => {
        offset += bytes;
        return message.subarray(offset - bytes, offset);
      };
      // ekem
      const ephemeralCiphertext = take(KEM_CIPHERTEXT_BYTES);
      state.mixHash(ephemeralCiphertext);
      state.mixKey(await kem.decapsulate(this.#ephemeralKem.secretKey, ephemeralCiphertext));
      // skem
      const staticCiphertext = opened(state.decryptAndHash(take(KEM_CIPHERTEXT_BYTES + TAG_BYTES)), 'executor');
      state.mixKeyAndHash(await kem.decapsulate(identity.kemSecret, staticCiphertext));
      // e
      const peerDh = take(DH_BYTES);
      state.mixHash(peerDh);
      state.mixHash(take(KEM_PUBLIC_KEY_BYTES));
      // ee, se
      state.mixKey(sharedDhSecret(this.#ephemeralDh.secretKey, peerDh));
      state.mixKey(sharedDhSecret(identity.dhSecret, peerDh));
      judgePayload(opened(state.decryptAndHash(message.subarray(offset)), 'executor'));

      const handshakeHash = state.hash;
      const { initiatorToResponder, responderToInitiator } = state.split();
      const keys = { sending: initiatorToResponder, receiving: responderToInitiator, handshakeHash };
      return new NoiseChannel(keys, this.#options.messageBytes);
    } finally {
      this.discard();
    }
  }

  /** Nothing came of it; also safe while `finish` is under way, which then rejects. */
  discard(): void {
    this.#state.wipe();
    this.#ephemeralKem.secretKey.wipe();
  }
}

function payloadOf(authorization: string): Uint8Array {
  const payload = Buffer.from(authorization, 'utf8');
  if (payload.length > 0 && payload.length <= AUTHORIZATION_BYTES && authorization.isWellFormed()) return payload;
  const message = `an authorization has 1 to ${AUTHORIZATION_BYTES} bytes of text, got ${payload.length}`;
  throw new NoiseError('noise_authorization_invalid', message, 'local');
}

function judgePayload(payload: Uint8Array): void {
  if (payload.length === 0) return;
  if (Buffer.from(payload).equals(Buffer.from(CREDENTIAL_REJECTED))) {
    const message = 'the registry refuses the credential of the executor: give the executor a new one and restart it';
    throw new NoiseError('noise_credential_rejected', message, 'peer');
  }
  const message = `the executor answered the handshake with ${payload.length} bytes that this end does not know`;
  throw new NoiseError('noise_payload_unexpected', message, 'peer');
}

function malformed(length: number): NoiseError {
  const message = `the executor's handshake has ${length} bytes; it needs at least ${MESSAGE_2_BYTES}`;
  return new NoiseError('noise_handshake_malformed', message, 'peer');
}
