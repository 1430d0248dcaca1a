/**
 * What both ends of a handshake mix, step by step, until they hold the same keys: standard Noise (revision 34 §5.2)
 * with SHA-256 and AES-256-GCM (relay.md §6.2). It knows no tokens and no messages.
 */
import { createHash, createHmac } from 'node:crypto';
import { openRecord, sealRecord } from './aes-gcm.js';
import { SecretBytes, wipe } from './secret-bytes.js';
import { NOISE_PROTOCOL_NAME } from './suite.js';

const NOTHING = new Uint8Array();

export class SymmetricState {
  /** 32 bytes; binds everything that was said. Not secret. */
  hash: Uint8Array;
  protected chainingKey: SecretBytes;
  #key: SecretBytes | undefined;
  #nonce = 0;

  constructor() {
    // The name is longer than a hash, so its hash is the start of both.
    this.hash = createHash('sha256').update(NOISE_PROTOCOL_NAME).digest();
    this.chainingKey = new SecretBytes(Uint8Array.from(this.hash));
  }

  mixHash(data: Uint8Array): void {
    this.hash = createHash('sha256').update(this.hash).update(data).digest();
  }

  /** Takes over the secret and wipes it. */
  mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = this.#derive(secret, 2);
    this.#setChainingKey(chainingKey as Uint8Array);
    this.#setKey(key as Uint8Array);
  }

  /** Takes over the secret and wipes it. */
  mixKeyAndHash(secret: Uint8Array): void {
    const [chainingKey, hashed, key] = this.#derive(secret, 3);
    this.#setChainingKey(chainingKey as Uint8Array);
    this.mixHash(hashed as Uint8Array);
    wipe(hashed);
    this.#setKey(key as Uint8Array);
  }

  /** Ciphertext and tag, or the plaintext itself while there is no key. */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const out = this.#key ? sealRecord(this.#key.bytes, this.#nonce++, this.hash, [plaintext]) : plaintext;
    this.mixHash(out);
    return out;
  }

  /** Undefined when it does not open; then this state is of no more use. */
  decryptAndHash(ciphertext: Uint8Array): Uint8Array | undefined {
    const out = this.#key ? openRecord(this.#key.bytes, this.#nonce++, this.hash, ciphertext) : ciphertext;
    this.mixHash(ciphertext);
    return out;
  }

  /** The keys of both directions; this state is wiped. */
  split(): { readonly initiatorToResponder: SecretBytes; readonly responderToInitiator: SecretBytes } {
    const [first, second] = this.#derive(NOTHING, 2);
    this.wipe();
    return {
      initiatorToResponder: new SecretBytes(first as Uint8Array),
      responderToInitiator: new SecretBytes(second as Uint8Array),
    };
  }

  wipe(): void {
    this.chainingKey.wipe();
    this.#key?.wipe();
  }

  /** Noise's HKDF: so many outputs of 32 bytes. The secret is wiped, also when this state already was. */
  #derive(secret: Uint8Array, outputs: 2 | 3): Uint8Array[] {
    let root: Uint8Array | undefined;
    try {
      root = createHmac('sha256', this.chainingKey.bytes).update(secret).digest();
      const derived: Uint8Array[] = [];
      for (let number = 1; number <= outputs; number += 1) {
        const hmac = createHmac('sha256', root).update(derived.at(-1) ?? NOTHING);
        derived.push(hmac.update(Uint8Array.of(number)).digest());
      }
      return derived;
    } finally {
      wipe(secret, root);
    }
  }

  #setChainingKey(bytes: Uint8Array): void {
    this.chainingKey.wipe();
    this.chainingKey = new SecretBytes(bytes);
  }

  #setKey(bytes: Uint8Array): void {
    this.#key?.wipe();
    this.#key = new SecretBytes(bytes);
    this.#nonce = 0;
  }
}
