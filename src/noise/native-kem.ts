/**
 * ML-KEM-768 by node:crypto, where Node has it (24.7 and later): some 40 microseconds an operation, so it needs no
 * thread. A secret key is kept as its seed, the 64 bytes d and z of FIPS 203.
 */
import * as crypto from 'node:crypto';
import type { Encapsulated, Kem, KemKeyPair } from './kem.js';
import { NoiseError } from './noise-error.js';
import { SecretBytes, wipe } from './secret-bytes.js';
import { KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_KEY_BYTES } from './suite.js';

/** What DER puts before a public key and before a seed (RFC 9935). */
const PUBLIC_PREFIX = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');
const SEED_PREFIX = Buffer.from('3054020100300b060960864801650304040204428040', 'hex');
const SEED_BYTES = 64;

/** The part of node:crypto that the oldest supported Node does not have. */
interface KemFunctions {
  encapsulate(key: crypto.KeyObject): { readonly sharedKey: Buffer; readonly ciphertext: Buffer };
  decapsulate(key: crypto.KeyObject, ciphertext: Uint8Array): Buffer;
}

/** Undefined where this Node, or the OpenSSL it was built with, has no ML-KEM-768. */
export function nativeKem(): Kem | undefined {
  const functions = crypto as Partial<KemFunctions>;
  const { encapsulate, decapsulate } = functions;
  if (encapsulate === undefined || decapsulate === undefined) return undefined;
  try {
    keyPairOf(crypto.randomBytes(SEED_BYTES)).secretKey.wipe();
  } catch {
    return undefined;
  }
  return new NativeKem({ encapsulate, decapsulate });
}

class NativeKem implements Kem {
  readonly #functions: KemFunctions;

  constructor(functions: KemFunctions) {
    this.#functions = functions;
  }

  async generate(): Promise<KemKeyPair> {
    return keyPairOf(crypto.randomBytes(SEED_BYTES));
  }

  async encapsulate(publicKey: Uint8Array): Promise<Encapsulated> {
    if (publicKey.length !== KEM_PUBLIC_KEY_BYTES) throw unusable('public key');
    try {
      const der = Buffer.concat([PUBLIC_PREFIX, publicKey]);
      const key = crypto.createPublicKey({ key: der, format: 'der', type: 'spki' });
      const { ciphertext, sharedKey } = this.#functions.encapsulate(key);
      return { ciphertext, sharedSecret: sharedKey };
    } catch {
      throw unusable('public key');
    }
  }

  async decapsulate(secretKey: SecretBytes, ciphertext: Uint8Array): Promise<Uint8Array> {
    if (ciphertext.length !== KEM_CIPHERTEXT_BYTES) throw unusable('ciphertext');
    return this.#functions.decapsulate(secretKeyOf(secretKey.bytes), ciphertext);
  }
}

function keyPairOf(seed: Uint8Array): KemKeyPair {
  const publicKey = crypto.createPublicKey(secretKeyOf(seed)).export({ format: 'der', type: 'spki' });
  return { publicKey: publicKey.subarray(-KEM_PUBLIC_KEY_BYTES), secretKey: new SecretBytes(seed) };
}

function secretKeyOf(seed: Uint8Array): crypto.KeyObject {
  const der = Buffer.concat([SEED_PREFIX, seed]);
  try {
    return crypto.createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    wipe(der);
  }
}

function unusable(what: string): NoiseError {
  return new NoiseError('noise_handshake_failed', `the peer sent an ML-KEM-768 ${what} that is none`, 'peer');
}
