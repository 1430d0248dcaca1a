import { describe, expect, it } from 'vitest';
import { watchSleep } from '../../src/carrier/sleep-watch.js';
import { StepClock } from '../stand-ins/step-clock.js';

/** A machine whose wall clock is `ahead` of its timers. */
function machine() {
  const clock = new StepClock();
  const wall = { ahead: 1_700_000_000_000 };
  let woken = 0;
  const count = () => {
    woken += 1;
  };
  const stop = watchSleep(count, { clock, wallNow: () => clock.now() + wall.ahead });
  return { clock, wall, stop, woken: () => woken };
}

describe('a machine that is awake', () => {
  it('wakes from nothing', () => {
    const { clock, woken } = machine();
    clock.advance(3_600_000);
    expect(woken()).toBe(0);
  });

  it('may be busy for a while, and have its clock set back', () => {
    const { clock, wall, woken } = machine();
    wall.ahead += 5000;
    clock.advance(60_000);
    wall.ahead -= 3_600_000;
    clock.advance(60_000);
    expect(woken()).toBe(0);
  });
});

describe('a machine that slept', () => {
  it('is told of within two seconds, once a sleep', () => {
    const { clock, wall, woken } = machine();
    clock.advance(1000);
    wall.ahead += 3 * 3_600_000;
    clock.advance(1000);
    expect(woken()).toBe(1);
    clock.advance(60_000);
    expect(woken()).toBe(1);
    wall.ahead += 5001;
    clock.advance(2000);
    expect(woken()).toBe(2);
  });

  it('is told of no more once that was stopped', () => {
    const { clock, wall, stop, woken } = machine();
    stop();
    wall.ahead += 3_600_000;
    clock.advance(60_000);
    expect([woken(), clock.pending()]).toEqual([0, []]);
  });
});
