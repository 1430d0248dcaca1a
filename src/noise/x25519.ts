/**
 * X25519 by node:crypto, with public keys as the 32 bytes that go on the wire.
 */
import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { NoiseError } from './noise-error.js';

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

/** 32 bytes, the caller's to wipe. Throws {@link NoiseError} for a public key that gives no secret (RFC 7748 §6.1). */
export function sharedDhSecret(secretKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  try {
    // As JWK: reading the same key as DER takes OpenSSL six times as long, more than all the rest.
    const jwk = { kty: 'OKP', crv: 'X25519', x: Buffer.from(publicKey).toString('base64url') };
    return diffieHellman({ privateKey: secretKey, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) });
  } catch {
    throw new NoiseError('noise_handshake_failed', 'the peer sent an X25519 key that gives no secret', 'peer');
  }
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return Buffer.from(key.export({ format: 'jwk' }).x as string, 'base64url');
}
