/**
 * Key encapsulation (ML-KEM-768, FIPS 203) as handshakes need it. Behind this port stands Node's own where it has one
 * (native-kem.ts), else JavaScript in threads of its own (kem-pool.ts).
 */
import type { SecretBytes } from './secret-bytes.js';

export interface KemKeyPair {
  /** 1,184 bytes. */
  readonly publicKey: Uint8Array;
  /** In a form that only the implementation it came from understands. */
  readonly secretKey: SecretBytes;
}

export interface Encapsulated {
  /** 1,088 bytes, for the peer. */
  readonly ciphertext: Uint8Array;
  /** 32 bytes, the caller's to wipe. */
  readonly sharedSecret: Uint8Array;
}

/**
 * Many may be asked for at once: none of them keeps the main thread for longer than a small part of a millisecond at a
 * stretch. All of them reject with NoiseError: `noise_kem_saturated` when too much waits already, `noise_kem_lost` when closed,
 * and `noise_handshake_failed` for a public key or ciphertext that is none.
 */
export interface Kem {
  generate(): Promise<KemKeyPair>;
  encapsulate(publicKey: Uint8Array): Promise<Encapsulated>;
  /** 32 bytes, the caller's to wipe. A wrong ciphertext gives another secret, not an error (implicit rejection). */
  decapsulate(secretKey: SecretBytes, ciphertext: Uint8Array): Promise<Uint8Array>;
}

/** What a program opens once, and closes at its end. */
export interface OpenedKem extends Kem {
  /** Whatever is under way or asked for later rejects. */
  close(): Promise<void>;
}
