import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../../machines/protocol/backoff.js';

const timing = { firstMs: 1000, longestMs: 30_000 };

describe('backoff', () => {
  it('doubles with each failure up to the longest', () => {
    const waits = [0, 1, 2, 3, 4, 5, 6, 7, 5000].map((failures) => backoffMs(failures, 0, timing));
    expect(waits).toEqual([1000, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('loses up to half to jitter, the capped wait too', () => {
    expect(backoffMs(2, 1, timing)).toBe(1000);
    expect(backoffMs(2, 0.5, timing)).toBe(1500);
    expect(backoffMs(60, 1, timing)).toBe(15_000);
  });
});
