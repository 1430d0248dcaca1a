import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Faults } from './faulty-lane.js';
import { faultyLink } from './faulty-link.js';
import { StepClock } from './step-clock.js';

/** Sends 0..count-1 as single numbers, one a millisecond, and answers with what arrived and when. */
function carry(faults: Faults, count: number, seed = 1) {
  const clock = new StepClock();
  const link = faultyLink({ clock, seed, aToB: faults });
  const arrived: number[] = [];
  const times: number[] = [];
  link.b.onMessage((message) => {
    arrived.push(new DataView(message.buffer).getUint32(0));
    times.push(clock.now());
  });
  for (let index = 0; index < count; index++) {
    const message = new Uint8Array(4);
    new DataView(message.buffer).setUint32(0, index);
    link.a.send(message);
    message.fill(0xff);
    clock.advance(1);
  }
  clock.advance(1000);
  return { arrived, times, counts: link.a.counts, clock };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('faulty link', () => {
  it('carries everything in order and at once when it has no faults', () => {
    const { arrived, times, counts } = carry({}, 100);
    expect(arrived).toEqual(upTo(100));
    expect(times).toEqual(upTo(100));
    expect(counts).toEqual({ offered: 100, dropped: 0, duplicated: 0, swapped: 0, delayed: 0, delivered: 100 });
  });

  it('drops and duplicates about as often as asked', () => {
    const { arrived, counts } = carry({ drop: 0.1, duplicate: 0.1 }, 10_000);
    expect(counts.dropped).toBeGreaterThan(800);
    expect(counts.dropped).toBeLessThan(1200);
    expect(counts.duplicated).toBeGreaterThan(700);
    expect(counts.duplicated).toBeLessThan(1100);
    expect(arrived.length).toBe(10_000 - counts.dropped + counts.duplicated);
  });

  it('swaps neighbours only', () => {
    const { arrived, counts } = carry({ swap: 0.3 }, 1000);
    expect(counts.swapped).toBeGreaterThan(100);
    expect([...arrived].sort((one, other) => one - other)).toEqual(upTo(1000));
    for (const [place, message] of arrived.entries()) expect(Math.abs(place - message)).toBeLessThanOrEqual(1);
    expect(arrived).not.toEqual(upTo(1000));
  });

  it('lets the last message go although none follows that it could be swapped with', () => {
    expect(carry({ swap: 1 }, 1).arrived).toEqual([0]);
  });

  it('holds a delayed message for its delay while others overtake it', () => {
    const { arrived, times } = carry({ delay: 1, delayMs: 50, latencyMs: 5 }, 3);
    expect(arrived).toEqual([0, 1, 2]);
    expect(times).toEqual([55, 56, 57]);
    const mixed = carry({ delay: 0.2, delayMs: 50 }, 100);
    expect(mixed.arrived).not.toEqual(upTo(100));
    expect(mixed.arrived.length).toBe(100);
  });

  it('does the same again with the same seed, and something else with another', () => {
    const faults = { drop: 0.05, duplicate: 0.05, swap: 0.2, delay: 0.1 };
    expect(carry(faults, 500, 7).arrived).toEqual(carry(faults, 500, 7).arrived);
    expect(carry(faults, 500, 7).arrived).not.toEqual(carry(faults, 500, 8).arrived);
  });

  it('accounts for every message, whatever the faults', () => {
    const probability = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        probability,
        probability,
        probability,
        probability,
        fc.nat(),
        (drop, duplicate, swap, delay, seed) => {
          const { arrived, counts, clock } = carry({ drop, duplicate, swap, delay }, 60, seed);
          expect(counts.offered).toBe(60);
          expect(arrived.length).toBe(counts.delivered);
          expect(new Set(arrived).size).toBe(60 - counts.dropped);
          expect(counts.delivered).toBe(60 - counts.dropped + counts.duplicated);
          expect(clock.pending()).toEqual([]);
        },
      ),
    );
  });

  it('loses what is under way and what is sent while it is cut, and carries again once joined', () => {
    const clock = new StepClock();
    const link = faultyLink({ clock, seed: 1, aToB: { latencyMs: 10 }, bToA: { latencyMs: 10 } });
    const atA: string[] = [];
    const atB: string[] = [];
    link.a.onMessage((message) => atA.push(Buffer.from(message).toString()));
    link.b.onMessage((message) => atB.push(Buffer.from(message).toString()));
    link.a.send(Buffer.from('under way'));
    clock.advance(5);
    link.cut();
    expect([link.connected, ...clock.pending()]).toEqual([false]);
    link.b.send(Buffer.from('into the void'));
    link.join();
    link.a.send(Buffer.from('again'));
    link.b.send(Buffer.from('back'));
    clock.advance(10);
    expect([atA, atB]).toEqual([['back'], ['again']]);
  });

  it('has no faults once healed', () => {
    const clock = new StepClock();
    const link = faultyLink({ clock, seed: 1, aToB: { drop: 1, latencyMs: 3 } });
    const arrived: number[] = [];
    link.b.onMessage((message) => arrived.push(message.length));
    link.a.send(new Uint8Array(1));
    link.heal();
    link.a.send(new Uint8Array(2));
    clock.advance(3);
    expect(arrived).toEqual([2]);
  });
});
