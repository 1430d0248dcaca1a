/**
 * ML-KEM-768 in JavaScript on the main thread, for programs that shake hands once and wait for it anyway: a harness. The
 * thread of kem-pool.ts would take longer to start than these operations take. Each has a turn of the event loop.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { Encapsulated, KemKeyPair, OpenedKem } from './kem.js';
import { kemClosed, kemRefused } from './kem-error.js';
import { SecretBytes } from './secret-bytes.js';

export class MainThreadKem implements OpenedKem {
  #closed = false;

  async generate(): Promise<KemKeyPair> {
    await this.#turn();
    const { publicKey, secretKey } = ml_kem768.keygen();
    return { publicKey, secretKey: new SecretBytes(secretKey) };
  }

  async encapsulate(publicKey: Uint8Array): Promise<Encapsulated> {
    await this.#turn();
    try {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey);
      return { ciphertext: cipherText, sharedSecret };
    } catch {
      throw kemRefused();
    }
  }

  async decapsulate(secretKey: SecretBytes, ciphertext: Uint8Array): Promise<Uint8Array> {
    await this.#turn();
    const { bytes } = secretKey;
    try {
      return ml_kem768.decapsulate(ciphertext, bytes);
    } catch {
      throw kemRefused();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #turn(): Promise<void> {
    await nextTurn();
    if (this.#closed) throw kemClosed();
  }
}
