/**
 * How long to wait before trying again: doubling, capped, jittered, so that a thousand daemons do not return at once.
 */

export interface BackoffTiming {
  /** Wait after the first failure, before jitter. */
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Milliseconds before try number `failures` + 1; `jitter` from 0 to 1 takes up to half of it away. */
export function backoffMs(failures: number, jitter: number, timing: BackoffTiming): number {
  const doubled = timing.firstMs * 2 ** Math.min(Math.max(failures - 1, 0), 30);
  return Math.min(doubled, timing.longestMs) * (1 - jitter / 2);
}
