/**
 * ML-KEM-768 by node:crypto, where Node has it (24.7 and later): under 100 microseconds an operation, so it needs no
 * thread, but a turn of the event loop each: 128 handshakes on end would keep running streams waiting for 120 ms.
 * A secret key is kept as its seed, the 64 bytes d and z of FIPS 203.
 */
import * as crypto from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Encapsulated, KemKeyPair, OpenedKem } from './kem.js';
import { kemClosed, kemRefused, kemSaturated, MOST_WAITING } from './kem-error.js';
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
export function nativeKem(): OpenedKem | undefined {
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

class NativeKem implements OpenedKem {
  readonly #functions: KemFunctions;
  #lastTurn: Promise<void> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  constructor(functions: KemFunctions) {
    this.#functions = functions;
  }

  async generate(): Promise<KemKeyPair> {
    await this.#turn();
    return keyPairOf(crypto.randomBytes(SEED_BYTES));
  }

  async encapsulate(publicKey: Uint8Array): Promise<Encapsulated> {
    await this.#turn();
    if (publicKey.length !== KEM_PUBLIC_KEY_BYTES) throw kemRefused();
    try {
      const der = Buffer.concat([PUBLIC_PREFIX, publicKey]);
      const key = crypto.createPublicKey({ key: der, format: 'der', type: 'spki' });
      const { ciphertext, sharedKey } = this.#functions.encapsulate(key);
      return { ciphertext, sharedSecret: sharedKey };
    } catch {
      throw kemRefused();
    }
  }

  async decapsulate(secretKey: SecretBytes, ciphertext: Uint8Array): Promise<Uint8Array> {
    await this.#turn();
    if (ciphertext.length !== KEM_CIPHERTEXT_BYTES) throw kemRefused();
    return this.#functions.decapsulate(secretKeyOf(secretKey.bytes), ciphertext);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#lastTurn;
  }

  /** Resolves in a turn of the event loop in which no other operation runs. */
  async #turn(): Promise<void> {
    if (this.#closed) throw kemClosed();
    if (this.#waiting >= MOST_WAITING) throw kemSaturated(MOST_WAITING);
    this.#waiting += 1;
    this.#lastTurn = this.#lastTurn.then(() => nextTurn());
    await this.#lastTurn;
    this.#waiting -= 1;
    if (this.#closed) throw kemClosed();
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
