/**
 * The keys of a harness: made once and presented for every stream it opens (relay.md §6.9), never written anywhere.
 */
import { NoiseIdentity } from '../noise/identity.js';
import type { Kem } from '../noise/kem.js';
import { MainThreadKem } from '../noise/main-thread-kem.js';
import { nativeKem } from '../noise/native-kem.js';

export interface HarnessKeys {
  readonly kem: Kem;
  readonly identity: Promise<NoiseIdentity>;
  /** No handshake can be begun any more. */
  wipe(): void;
}

export function makeHarnessKeys(): HarnessKeys {
  const kem = nativeKem() ?? new MainThreadKem();
  const identity = NoiseIdentity.generate(kem);
  const wipe = () => {
    identity.then(
      (made) => made.wipe(),
      () => {},
    );
  };
  // Whoever needs it is told; nobody may.
  identity.catch(() => {});
  return { kem, identity, wipe };
}
