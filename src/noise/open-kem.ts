/**
 * Which implementation of ML-KEM this process uses: Node's own where there is one, else JavaScript in a thread.
 */
import type { OpenedKem } from './kem.js';
import { KemPool, type KemPoolOptions } from './kem-pool.js';
import { nativeKem } from './native-kem.js';

/** One for the whole process is enough; identities made with it work with it alone. */
export function openKem(options: KemPoolOptions = {}): OpenedKem {
  return nativeKem() ?? new KemPool(options);
}
