/**
 * The only source of time for machines and arithmetic: XState's own clock, plus a reading of it.
 * Nothing below src/ may ask the operating system what time it is.
 */

export interface Clock {
  /** Milliseconds that only ever grow; the zero point means nothing. */
  now(): number;
  // XState's Clock, which its actors arm their delays on.
  setTimeout(callback: (...args: unknown[]) => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Node turns longer delays into 1 ms, so every delay is cut to this many milliseconds (about 24 days). */
export const LONGEST_DELAY_MS = 2 ** 31 - 1;
