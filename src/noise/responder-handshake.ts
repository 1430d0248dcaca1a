/**
 * The executor's side of the handshake (relay.md §6.4 to 6.6): reads message 1, waits while somebody asks the registry
 * about the harness (§6.10), writes message 2. It asks nobody itself.
 */
import { beginHandshake, opened } from './handshake-start.js';
import type { NoiseIdentity } from './identity.js';
import type { Kem } from './kem.js';
import { NoiseChannel } from './noise-channel.js';
import { NoiseError } from './noise-error.js';
import type { StreamBinding } from './prologue.js';
import type { NoisePublicKey } from './public-key.js';
import { wipe } from './secret-bytes.js';
import {
  AUTHORIZATION_BYTES,
  CREDENTIAL_REJECTED,
  DH_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  MESSAGE_1_BYTES,
  TAG_BYTES,
} from './suite.js';
import type { SymmetricState } from './symmetric-state.js';
import { type DhKeyPair, generateDhKeyPair, sharedDhSecret } from './x25519.js';

const NOTHING = new Uint8Array();

export interface ResponderOptions {
  readonly identity: NoiseIdentity;
  readonly binding: StreamBinding;
  readonly kem: Kem;
  /** Bytes of one message over the channel; default: {@link NoiseChannel}'s. */
  readonly messageBytes?: number;
  /** For tests with fixed keys. */
  readonly newEphemeral?: () => DhKeyPair;
}

export interface AcceptedHandshake {
  /** Message 2, the payload of the `handshake` frame that answers. */
  readonly message: Uint8Array;
  readonly channel: NoiseChannel;
}

/** A message 1 that opened: somebody holds the harness key, but nobody said yet that he may do anything. */
export class ResponderHandshake {
  readonly harnessKey: NoisePublicKey;
  /** What the registry must be asked about; a bearer secret, not for logs. */
  readonly #authorization: string;
  readonly #state: SymmetricState;
  readonly #options: ResponderOptions;
  readonly #peerEphemeral: NoisePublicKey;

  private constructor(
    state: SymmetricState,
    options: ResponderOptions,
    peer: { harnessKey: NoisePublicKey; ephemeral: NoisePublicKey; authorization: string },
  ) {
    this.harnessKey = peer.harnessKey;
    this.#authorization = peer.authorization;
    this.#peerEphemeral = peer.ephemeral;
    this.#state = state;
    this.#options = options;
  }

  /** Rejects with {@link NoiseError}: nothing is kept then, and the stream is answered with `reset`. */
  static async read(message: Uint8Array, options: ResponderOptions): Promise<ResponderHandshake> {
    // Judged before any cryptography: it costs nothing to send such a message.
    judgeLength(message.length);
    const { identity, binding, kem } = options;
    const state = beginHandshake(binding, identity.publicKey);
    try {
      let offset = 0;
      const take = (bytes: number) => {
        offset += bytes;
        return message.subarray(offset - bytes, offset);
      };
      const open = (bytes: number) => opened(state.decryptAndHash(take(bytes)), 'harness');
      // skem
      const ciphertext = take(KEM_CIPHERTEXT_BYTES);
      state.mixHash(ciphertext);
      state.mixKeyAndHash(await kem.decapsulate(identity.kemSecret, ciphertext));
      // e; copied, because the frame they lie in must not be kept while the registry is asked.
      const ephemeral = { dh: take(DH_BYTES).slice(), kem: take(KEM_PUBLIC_KEY_BYTES).slice() };
      state.mixHash(ephemeral.dh);
      state.mixHash(ephemeral.kem);
      // es
      state.mixKey(sharedDhSecret(identity.dhSecret, ephemeral.dh));
      // s
      const harnessKey = { dh: open(DH_BYTES + TAG_BYTES), kem: open(KEM_PUBLIC_KEY_BYTES + TAG_BYTES) };
      // ss
      state.mixKey(sharedDhSecret(identity.dhSecret, harnessKey.dh));
      const authorization = textOf(open(message.length - offset));
      return new ResponderHandshake(state, options, { harnessKey, ephemeral, authorization });
    } catch (error) {
      state.wipe();
      throw error;
    }
  }

  get authorization(): string {
    return this.#authorization;
  }

  /** The registry said yes. Rejects with {@link NoiseError}; this handshake is over either way. May be called once. */
  async accept(): Promise<AcceptedHandshake> {
    try {
      const message = await this.#write(NOTHING);
      const handshakeHash = this.#state.hash;
      const { initiatorToResponder, responderToInitiator } = this.#state.split();
      const keys = { sending: responderToInitiator, receiving: initiatorToResponder, handshakeHash };
      return { message, channel: new NoiseChannel(keys, this.#options.messageBytes) };
    } finally {
      this.discard();
    }
  }

  /** The registry no longer knows this executor: message 2 that tells the harness so, and no channel (§6.6). */
  async rejectCredential(): Promise<Uint8Array> {
    try {
      return await this.#write(Buffer.from(CREDENTIAL_REJECTED));
    } finally {
      this.discard();
    }
  }

  /** The registry said no, or the stream is gone; also safe while `accept` is under way, which then rejects. */
  discard(): void {
    this.#state.wipe();
  }

  async #write(payload: Uint8Array): Promise<Uint8Array> {
    const { kem, newEphemeral = generateDhKeyPair } = this.#options;
    const state = this.#state;
    const peer = this.#peerEphemeral;
    const ekem = await kem.encapsulate(peer.kem);
    const parts: Uint8Array[] = [ekem.ciphertext];
    state.mixHash(ekem.ciphertext);
    state.mixKey(ekem.sharedSecret);
    const skem = await kem.encapsulate(this.harnessKey.kem);
    parts.push(state.encryptAndHash(skem.ciphertext));
    state.mixKeyAndHash(skem.sharedSecret);
    // e; the pattern wants an ephemeral KEM key here, to which nothing is ever encapsulated.
    const ephemeralKem = await kem.generate();
    ephemeralKem.secretKey.wipe();
    const ephemeralDh = newEphemeral();
    parts.push(ephemeralDh.publicKey, ephemeralKem.publicKey);
    state.mixHash(ephemeralDh.publicKey);
    state.mixHash(ephemeralKem.publicKey);
    // ee, se
    state.mixKey(sharedDhSecret(ephemeralDh.secretKey, peer.dh));
    state.mixKey(sharedDhSecret(ephemeralDh.secretKey, this.harnessKey.dh));
    parts.push(state.encryptAndHash(payload));
    return Buffer.concat(parts);
  }
}

function judgeLength(length: number): void {
  const smallest = MESSAGE_1_BYTES;
  const largest = MESSAGE_1_BYTES + AUTHORIZATION_BYTES;
  if (length >= smallest && length <= largest) return;
  const message = `the harness's handshake has ${length} bytes, not ${smallest} to ${largest}`;
  throw new NoiseError('noise_handshake_malformed', message, 'peer');
}

function textOf(payload: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
    if (text !== '') return text;
  } catch {
    // Not UTF-8: said below.
  } finally {
    wipe(payload);
  }
  throw new NoiseError('noise_authorization_invalid', 'the authorization of the harness is empty or no text', 'peer');
}
