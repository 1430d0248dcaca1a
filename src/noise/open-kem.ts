/**
 * Which implementation of ML-KEM this process uses: Node's own where there is one, else JavaScript in a thread.
 */
import type { Kem } from './kem.js';
import { KemPool, type KemPoolOptions } from './kem-pool.js';
import { nativeKem } from './native-kem.js';

export interface OpenedKem extends Kem {
  /** Whatever is under way or asked for later rejects. */
  close(): Promise<void>;
}

/** One for the whole process is enough; identities made with it work with it alone. */
export function openKem(options: KemPoolOptions = {}): OpenedKem {
  const native = nativeKem();
  if (native === undefined) return new KemPool(options);
  return {
    generate: () => native.generate(),
    encapsulate: (publicKey) => native.encapsulate(publicKey),
    decapsulate: (secretKey, ciphertext) => native.decapsulate(secretKey, ciphertext),
    close: async () => {},
  };
}
