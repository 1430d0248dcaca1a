import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  endedLately,
  isRetired,
  noRetiredStreams,
  reinstate,
  retire,
} from '../../../machines/protocol/retired-streams.js';

describe('R2: retired streams', () => {
  const bounds = { retiredStreams: 3, retiredStreamMs: 100 };

  it('may still have frames under way for a moment', () => {
    const retired = retire(noRetiredStreams, 'a', 1000, { retiredStreams: 4, retiredStreamMs: 60_000 });
    expect([1000, 5999, 6000].map((now) => endedLately(retired, 'a', now))).toEqual([true, true, false]);
    expect(endedLately(retired, 'b', 1000)).toBe(false);
  });

  it('are remembered for their time and not longer', () => {
    const retired = retire(noRetiredStreams, 'a', 50, bounds);
    expect(isRetired(retired, 'a', 50, bounds)).toBe(true);
    expect(isRetired(retired, 'a', 149, bounds)).toBe(true);
    expect(isRetired(retired, 'a', 150, bounds)).toBe(false);
    expect(isRetired(retired, 'b', 50, bounds)).toBe(false);
    expect(noRetiredStreams.size).toBe(0);
  });

  it('may be used again once reinstated', () => {
    const retired = retire(noRetiredStreams, 'a', 0, bounds);
    const after = reinstate(retired, 'a');
    expect(isRetired(after, 'a', 0, bounds)).toBe(false);
    expect(isRetired(retired, 'a', 0, bounds)).toBe(true);
    expect(reinstate(retired, 'b')).toBe(retired);
  });

  it('are the newest ones, and forgotten from memory when their time is over', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(60)), { maxLength: 40 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (ends, retiredStreams) => {
        const small = { ...bounds, retiredStreams };
        let now = 0;
        let retired = noRetiredStreams;
        let model: { id: string; since: number }[] = [];
        for (const [id, pause] of ends) {
          now += pause;
          retired = retire(retired, id, now, small);
          model = [...model.filter((entry) => entry.id !== id), { id, since: now }];
          model = model.filter(({ since }) => now - since < 100).slice(-retiredStreams);
          expect([...retired]).toEqual(model.map((entry) => [entry.id, entry.since]));
        }
      }),
    );
  });
});
