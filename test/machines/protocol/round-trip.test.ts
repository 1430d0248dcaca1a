import { describe, expect, it } from 'vitest';
import {
  lossDelayMs,
  observeRoundTrip,
  type ProbeTiming,
  probeDelayMs,
  type RoundTrip,
  unmeasuredRoundTrip,
} from '../../../machines/protocol/round-trip.js';

const timing: ProbeTiming = { peerAckDelayMs: 25, longestProbeMs: 10_000 };
const observed = (...samples: number[]) => samples.reduce(observeRoundTrip, unmeasuredRoundTrip);

describe('R24: the round trip', () => {
  it('starts with the first sample and half of it (RFC 6298 §2.2)', () => {
    expect(observed(100)).toEqual({ smoothedMs: 100, varianceMs: 50, latestMs: 100, samples: 1 });
  });

  it('follows by an eighth and a quarter, the variance first (§2.3)', () => {
    // |100 - 180| = 80: variance 50 + (80 - 50)/4 = 57.5; smoothed 100 + (180 - 100)/8 = 110.
    expect(observed(100, 180)).toEqual({ smoothedMs: 110, varianceMs: 57.5, latestMs: 180, samples: 2 });
    // |110 - 30| = 80: variance 57.5 + (80 - 57.5)/4 = 63.125; smoothed 110 - 80/8 = 100.
    expect(observed(100, 180, 30)).toEqual({ smoothedMs: 100, varianceMs: 63.125, latestMs: 30, samples: 3 });
  });

  it('forgets its variance while nothing varies', () => {
    const steady = observed(...new Array<number>(60).fill(40));
    expect(steady.smoothedMs).toBe(40);
    expect(steady.varianceMs).toBeLessThan(0.001);
  });

  it('takes no sample for less than nothing', () => {
    expect(observed(-5)).toEqual({ smoothedMs: 0, varianceMs: 0, latestMs: 0, samples: 1 });
  });
});

describe('the loss delay', () => {
  const roundTrip = (smoothedMs: number, latestMs: number): RoundTrip => ({
    smoothedMs,
    latestMs,
    varianceMs: 1000,
    samples: 2,
  });

  it('is 9/8 of the larger of the smoothed and the latest round trip', () => {
    expect(lossDelayMs(roundTrip(80, 40))).toBe(90);
    expect(lossDelayMs(roundTrip(40, 80))).toBe(90);
  });

  it('is at least 10 ms, and a second before anything was measured', () => {
    expect(lossDelayMs(roundTrip(2, 1))).toBe(10);
    expect(lossDelayMs(unmeasuredRoundTrip)).toBe(1000);
  });
});

describe('the probe delay', () => {
  it('is the round trip, four variances and the delay of the peer', () => {
    // 100 + 4 · 50 + 25
    expect(probeDelayMs(observed(100), 0, 0, timing)).toBe(325);
    expect(probeDelayMs(observed(100), 0, 0, { ...timing, peerAckDelayMs: 0 })).toBe(300);
  });

  it('counts a variance below the granularity of timers as 10 ms', () => {
    expect(probeDelayMs({ smoothedMs: 100, varianceMs: 2, latestMs: 100, samples: 9 }, 0, 0, timing)).toBe(135);
    expect(probeDelayMs({ smoothedMs: 100, varianceMs: 3, latestMs: 100, samples: 9 }, 0, 0, timing)).toBe(137);
  });

  it('is a second before anything was measured', () => {
    expect(probeDelayMs(unmeasuredRoundTrip, 0, 0, timing)).toBe(1000);
  });

  it('doubles with each unanswered probe up to the longest', () => {
    const delays = [0, 1, 2, 3, 4, 5, 6, 40].map((probes) => probeDelayMs(observed(100), probes, 0, timing));
    expect(delays).toEqual([325, 650, 1300, 2600, 5200, 10_000, 10_000, 10_000]);
    expect(probeDelayMs(unmeasuredRoundTrip, 17, 0, { ...timing, longestProbeMs: 1e9 })).toBe(65_536_000);
  });

  it('is spread by up to a quarter, but not the first time and never beyond the longest', () => {
    expect(probeDelayMs(observed(100), 0, 1, timing)).toBe(325);
    expect(probeDelayMs(observed(100), 1, 1, timing)).toBe(812.5);
    expect(probeDelayMs(observed(100), 1, 0.5, timing)).toBe(731.25);
    expect(probeDelayMs(observed(100), 9, 1, timing)).toBe(10_000);
  });
});
