/**
 * How segments and frames are numbered (relay.md §4.1, DESIGN §5.2.1).
 * Only numbers: who may send one, and when, is for the windows.
 */
import { UINT32_MAX } from '../../proto/frame.js';

/** Reliable streams number segments from here, so that ack 0 can mean "nothing yet". */
export const FIRST_RELIABLE_SEQ = 1;

/** The last number a reliable stream can give out; numbers never wrap there, the stream is reset instead. */
export const LAST_RELIABLE_SEQ = UINT32_MAX;

/** Releases number frames from here. */
export const FIRST_RELEASE_SEQ = 0;

/** The number after `seq` towards a release; in the clear nobody reads it, and 2^32 wraps to 0. */
export function nextReleaseSeq(seq: number): number {
  return (seq + 1) >>> 0;
}
