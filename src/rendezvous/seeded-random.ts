/**
 * Random numbers that are the same for the same seed, so that a run with faults can be had again (mulberry32).
 * For faults and tests only: nothing that anybody must not guess.
 */

/** Numbers from 0 up to, not including, 1. */
export type Random = () => number;

/** `seed` counts as an unsigned 32-bit number. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
