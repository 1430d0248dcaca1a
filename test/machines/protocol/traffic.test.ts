import { describe, expect, it } from 'vitest';
import { newTraffic, silenceLeftMs, suspectedPongMs } from '../../../machines/protocol/traffic.js';

const timing = { alertMs: 3000, alertPongMs: 5000, pongMs: 10_000 };

describe('silence', () => {
  it('counts from what was heard last, or from what was sent since', () => {
    expect(silenceLeftMs({ ...newTraffic(), heardAt: 1000 }, 1500, timing)).toBe(2500);
    expect(silenceLeftMs({ ...newTraffic(), heardAt: 1000, owedSince: 9000 }, 10_000, timing)).toBe(2000);
    expect(silenceLeftMs({ ...newTraffic(), heardAt: 1000, owedSince: 1000 }, 4000, timing)).toBe(0);
  });

  it('is given longer after more than 256 KiB that nobody acknowledges', () => {
    expect(suspectedPongMs({ ...newTraffic(), plainBytes: 256 * 1024 }, timing)).toBe(5000);
    expect(suspectedPongMs({ ...newTraffic(), plainBytes: 256 * 1024 + 1 }, timing)).toBe(10_000);
  });
});
