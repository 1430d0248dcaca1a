/**
 * X25519 by node:crypto, with keys as the 32 bytes that go on the wire.
 */
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { NoiseError } from './noise-error.js';
import { wipe } from './secret-bytes.js';
import { DH_BYTES } from './suite.js';

/** What DER puts before the 32 bytes of a public and of a secret key (RFC 8410). */
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const SECRET_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

export interface DhKeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Held by OpenSSL, which clears it when it is collected. */
  readonly secretKey: KeyObject;
}

export function generateDhKeyPair(): DhKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return { publicKey: rawPublicKey(publicKey), secretKey: privateKey };
}

/** The pair of a secret key of 32 bytes, which stays the caller's to wipe. */
export function dhKeyPairOf(secret: Uint8Array): DhKeyPair {
  const der = Buffer.concat([SECRET_PREFIX, secret]);
  try {
    const secretKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    return { publicKey: rawPublicKey(createPublicKey(secretKey)), secretKey };
  } finally {
    wipe(der);
  }
}

/** 32 bytes, the caller's to wipe. Throws {@link NoiseError} for a public key with which there is no secret (RFC 7748 §6.1). */
export function sharedDhSecret(secretKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  try {
    const der = Buffer.concat([PUBLIC_PREFIX, publicKey]);
    return diffieHellman({
      privateKey: secretKey,
      publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
    });
  } catch {
    throw new NoiseError('noise_handshake_failed', 'the peer sent an X25519 key that gives no secret', 'peer');
  }
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'spki' }).subarray(-DH_BYTES);
}
