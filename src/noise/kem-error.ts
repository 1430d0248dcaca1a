/**
 * The three ways in which key encapsulation fails, the same for every implementation.
 */
import { NoiseError } from './noise-error.js';

/** Operations that wait for their turn; a handshake has one at a time, and a socket has 128 streams. */
export const MOST_WAITING = 128;

export function kemSaturated(mostWaiting: number): NoiseError {
  const message = `${mostWaiting} handshakes wait already; let the harness try again later`;
  return new NoiseError('noise_kem_saturated', message, 'local');
}

export function kemClosed(): NoiseError {
  return new NoiseError('noise_kem_lost', 'key encapsulation was closed with its program', 'local');
}

export function kemRefused(): NoiseError {
  const message = 'the peer sent an ML-KEM-768 key or ciphertext that is none';
  return new NoiseError('noise_handshake_failed', message, 'peer');
}
