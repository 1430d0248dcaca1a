/**
 * What both roles of a handshake have in common: how it begins, and what a message that does not open means.
 */
import { NoiseError } from './noise-error.js';
import { prologueOf, type StreamBinding } from './prologue.js';
import type { NoisePublicKey } from './public-key.js';
import { SymmetricState } from './symmetric-state.js';

/** The state after prologue and pre-message: the executor's key is known to both (relay.md §6.4). */
export function beginHandshake(binding: StreamBinding, executorKey: NoisePublicKey): SymmetricState {
  const state = new SymmetricState();
  state.mixHash(prologueOf(binding));
  state.mixHash(executorKey.dh);
  state.mixHash(executorKey.kem);
  return state;
}

/** The plaintext, which must be there. Throws {@link NoiseError} `noise_handshake_failed`. */
export function opened(plaintext: Uint8Array | undefined, sender: 'harness' | 'executor'): Uint8Array {
  if (plaintext !== undefined) return plaintext;
  const message =
    `the ${sender}'s handshake does not open: it was made with another key, ` +
    'for another environment, registration or stream, or was altered on its way';
  throw new NoiseError('noise_handshake_failed', message, 'peer');
}
