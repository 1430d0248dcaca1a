/**
 * Notices that this machine, or this process, has slept: wall time went on while no timer fired. Monotonic time stands
 * still in a suspended machine and goes on in a stopped process; the wall clock goes on in both. A wall clock that
 * somebody sets forward looks the same and costs one ping.
 */
import type { Clock } from '../../machines/clock.js';
import { realClock } from '../observe/real-clock.js';

/** Between two looks at the wall clock. */
const LOOK_MS = 2000;
/** No event loop is so late by itself. */
const SLEPT_MS = 5000;

export interface SleepWatchOptions {
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
}

/** The machine this program runs on. */
const thisMachine: SleepWatchOptions = { clock: realClock, wallNow: Date.now };

/** Calls `woke` after each sleep; answers with how to stop that. */
export function watchSleep(woke: () => void, { clock, wallNow }: SleepWatchOptions = thisMachine): () => void {
  let lookedAt = wallNow();
  let timer: unknown;
  const look = () => {
    const now = wallNow();
    const slept = now - lookedAt > LOOK_MS + SLEPT_MS;
    lookedAt = now;
    timer = clock.setTimeout(look, LOOK_MS);
    if (slept) woke();
  };
  timer = clock.setTimeout(look, LOOK_MS);
  return () => clock.clearTimeout(timer);
}
