/**
 * ML-KEM-768 without threads, which remembers every secret it has handed out: so that a test can see what became of them.
 */
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { Encapsulated, Kem, KemKeyPair } from '../../src/noise/kem.js';
import { SecretBytes } from '../../src/noise/secret-bytes.js';

export class InlineKem implements Kem {
  /** Secret keys and shared secrets, the memory itself and not copies. */
  readonly secrets: Uint8Array[] = [];

  async generate(): Promise<KemKeyPair> {
    const { publicKey, secretKey } = ml_kem768.keygen();
    this.secrets.push(secretKey);
    return { publicKey, secretKey: new SecretBytes(secretKey) };
  }

  async encapsulate(publicKey: Uint8Array): Promise<Encapsulated> {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey);
    this.secrets.push(sharedSecret);
    return { ciphertext: cipherText, sharedSecret };
  }

  async decapsulate(secretKey: SecretBytes, ciphertext: Uint8Array): Promise<Uint8Array> {
    const sharedSecret = ml_kem768.decapsulate(ciphertext, secretKey.bytes);
    this.secrets.push(sharedSecret);
    return sharedSecret;
  }
}
