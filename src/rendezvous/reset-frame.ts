/**
 * The resets that a rendezvous sends itself: plain frames, because it speaks no profile; and those it passes on.
 */
import { plainFrame } from '../../proto/frame.js';
import { encodeFrame } from '../../proto/frame-codec.js';
import type { RelaySocket } from './relay-socket.js';

/** A reset frame beyond this is replaced by one of ours: its reason is any party's text and unbounded (§11 duty 13). */
const LARGEST_RESET_BYTES = 8 * 1024;

/** Machine-readable, stable. */
export type ResetReason =
  | 'environment_offline'
  | 'executor_disconnected'
  | 'executor_replaced'
  | 'executor_too_slow'
  | 'harness_disconnected'
  | 'harness_too_slow'
  | 'stream_id_in_use'
  | 'token_revoked'
  | 'too_many_streams'
  | 'unknown_stream'
  | 'reset_reason_too_long';

export function resetFrame(streamId: string, reason: ResetReason): Buffer {
  const bytes = encodeFrame(plainFrame(streamId, { kind: 'reset', reason }));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function forwardReset(to: RelaySocket, streamId: string, message: Buffer, from: RelaySocket): void {
  to.send(message.length <= LARGEST_RESET_BYTES ? message : resetFrame(streamId, 'reset_reason_too_long'), from);
}
