/**
 * The resets that a rendezvous sends itself: plain frames, because it speaks no profile.
 */
import { plainFrame } from '../../proto/frame.js';
import { encodeFrame } from '../../proto/frame-codec.js';

/** Machine-readable, stable. */
export type ResetReason =
  | 'environment_offline'
  | 'executor_disconnected'
  | 'executor_replaced'
  | 'executor_too_slow'
  | 'harness_disconnected'
  | 'harness_too_slow'
  | 'stream_id_in_use'
  | 'too_many_streams'
  | 'unknown_stream'
  | 'reset_reason_too_long';

export function resetFrame(streamId: string, reason: ResetReason): Buffer {
  const bytes = encodeFrame(plainFrame(streamId, { kind: 'reset', reason }));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
