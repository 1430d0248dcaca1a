/**
 * Everything that is random in a handshake, as the vectors fix it: keys from seeds of equal bytes, and key
 * encapsulations from given randomness, one after another.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { NoiseIdentity } from '../../src/noise/identity.js';
import type { Encapsulated, Kem, KemKeyPair } from '../../src/noise/kem.js';
import { SecretBytes } from '../../src/noise/secret-bytes.js';
import type { DhKeyPair } from '../../src/noise/x25519.js';

export interface Fills {
  readonly dhFill: string;
  readonly kemFill: string;
}

/** What DER puts before the 32 bytes of an X25519 secret (RFC 8410). */
const SECRET_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

export function fixedDh({ dhFill }: Fills): DhKeyPair {
  const der = Buffer.concat([SECRET_PREFIX, new Uint8Array(32).fill(byteOf(dhFill))]);
  const secretKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(secretKey).export({ format: 'jwk' });
  return { publicKey: Buffer.from(x as string, 'base64url'), secretKey };
}

export function fixedIdentity(fills: Fills): NoiseIdentity {
  return new NoiseIdentity(fixedDh(fills), fixedKemPair(fills));
}

function fixedKemPair({ kemFill }: Fills): KemKeyPair {
  const { publicKey, secretKey } = ml_kem768.keygen(new Uint8Array(64).fill(byteOf(kemFill)));
  return { publicKey, secretKey: new SecretBytes(secretKey) };
}

/** Does every operation at once. What is not planned fails: nothing in a vector is left to chance. */
export class FixedKem implements Kem {
  readonly #ephemeral: Fills | undefined;
  readonly #randomness: string[];

  constructor(planned: { readonly ephemeral?: Fills; readonly encapsulations?: readonly string[] } = {}) {
    this.#ephemeral = planned.ephemeral;
    this.#randomness = [...(planned.encapsulations ?? [])];
  }

  async generate(): Promise<KemKeyPair> {
    if (this.#ephemeral === undefined) throw new Error('no key pair was planned');
    return fixedKemPair(this.#ephemeral);
  }

  async encapsulate(publicKey: Uint8Array): Promise<Encapsulated> {
    const fill = this.#randomness.shift();
    if (fill === undefined) throw new Error('no encapsulation was planned');
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, new Uint8Array(32).fill(byteOf(fill)));
    return { ciphertext: cipherText, sharedSecret };
  }

  async decapsulate(secretKey: SecretBytes, ciphertext: Uint8Array): Promise<Uint8Array> {
    return ml_kem768.decapsulate(ciphertext, secretKey.bytes);
  }
}

/** The vectors write bytes as two hexadecimal digits. */
function byteOf(digits: string): number {
  return Number.parseInt(digits, 16);
}
