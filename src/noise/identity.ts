/**
 * The static keys of one end. An executor makes one at its start and keeps it over reconnects and registrations; a
 * harness makes one per environment. Never written anywhere (relay.md §6.9).
 */
import type { KeyObject } from 'node:crypto';
import type { Kem, KemKeyPair } from './kem.js';
import type { NoisePublicKey } from './public-key.js';
import type { SecretBytes } from './secret-bytes.js';
import { type DhKeyPair, generateDhKeyPair } from './x25519.js';

export class NoiseIdentity {
  readonly publicKey: NoisePublicKey;
  readonly #dh: DhKeyPair;
  readonly #kem: KemKeyPair;

  constructor(dh: DhKeyPair, kem: KemKeyPair) {
    this.publicKey = { dh: dh.publicKey, kem: kem.publicKey };
    this.#dh = dh;
    this.#kem = kem;
  }

  /** `kem` must be the one that handshakes with this identity use. */
  static async generate(kem: Kem): Promise<NoiseIdentity> {
    return new NoiseIdentity(generateDhKeyPair(), await kem.generate());
  }

  get dhSecret(): KeyObject {
    return this.#dh.secretKey;
  }

  get kemSecret(): SecretBytes {
    return this.#kem.secretKey;
  }

  /** Handshakes that still need it fail from now on. */
  wipe(): void {
    this.#kem.secretKey.wipe();
  }
}
