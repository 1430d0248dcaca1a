/**
 * Stream ids that are over, so that a late frame cannot open one again and run its requests twice (DESIGN §5.2.7).
 * Bounded in number and in time; a pure value.
 */

/** Stream id → when it ended, oldest first. */
export type RetiredStreams = ReadonlyMap<string, number>;

export interface RetirementBounds {
  readonly retiredStreams: number;
  readonly retiredStreamMs: number;
}

export const noRetiredStreams: RetiredStreams = new Map();

export function retire(
  retired: RetiredStreams,
  streamId: string,
  now: number,
  bounds: RetirementBounds,
): RetiredStreams {
  const after = new Map(retired);
  after.delete(streamId);
  after.set(streamId, now);
  for (const [id, since] of after) {
    if (after.size <= bounds.retiredStreams && now - since < bounds.retiredStreamMs) break;
    after.delete(id);
  }
  return after;
}

export function isRetired(retired: RetiredStreams, streamId: string, now: number, bounds: RetirementBounds): boolean {
  const since = retired.get(streamId);
  return since !== undefined && now - since < bounds.retiredStreamMs;
}

/** What was under way when a stream ended arrives within this time, in milliseconds, or is a repetition. */
const LATE_MS = 5000;

/** Whether a frame of the stream may be one that its sender sent before it could hear of the end. */
export function endedLately(retired: RetiredStreams, streamId: string, now: number): boolean {
  const since = retired.get(streamId);
  return since !== undefined && now - since < LATE_MS;
}

/** A cleartext harness may use an id again (relay.md §4.2.5): then it is no longer retired. */
export function reinstate(retired: RetiredStreams, streamId: string): RetiredStreams {
  if (!retired.has(streamId)) return retired;
  const after = new Map(retired);
  after.delete(streamId);
  return after;
}
