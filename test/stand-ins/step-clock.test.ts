import { describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { StepClock } from './step-clock.js';

describe('step clock', () => {
  it('fires a timer armed by another at its own due time, counted from the firing that armed it', () => {
    const clock = new StepClock();
    const fired: number[] = [];
    clock.setTimeout(() => {
      fired.push(clock.now());
      clock.setTimeout(() => fired.push(clock.now()), 15);
    }, 10);
    clock.setTimeout(() => fired.push(clock.now()), 20);
    clock.advance(100);
    expect(fired).toEqual([10, 20, 25]);
    expect(clock.now()).toBe(100);
  });

  it('fires timers due together in the order they were armed', () => {
    const clock = new StepClock();
    const fired: string[] = [];
    clock.setTimeout(() => clock.setTimeout(() => fired.push('armed later'), 5), 5);
    clock.setTimeout(() => fired.push('first'), 10);
    clock.setTimeout(() => fired.push('second'), 10);
    clock.advance(10);
    expect(fired).toEqual(['first', 'second', 'armed later']);
  });

  it('never fires a cancelled timer, also one cancelled by a timer of the same instant', () => {
    const clock = new StepClock();
    const fired: string[] = [];
    const early = clock.setTimeout(() => fired.push('early'), 1);
    clock.clearTimeout(early);
    clock.clearTimeout(undefined);
    clock.setTimeout(() => clock.clearTimeout(late), 5);
    const late = clock.setTimeout(() => fired.push('late'), 5);
    clock.advance(10);
    expect(fired).toEqual([]);
    expect(clock.pending()).toEqual([]);
  });

  it('fires nothing before its time and tells what is pending in firing order', () => {
    const clock = new StepClock();
    let fired = 0;
    clock.setTimeout(() => fired++, 30);
    clock.setTimeout(() => fired++, 10);
    clock.advance(9.999);
    expect([fired, ...clock.pending()]).toEqual([0, 10, 30]);
    clock.advance(0.001);
    expect([fired, ...clock.pending()]).toEqual([1, 30]);
  });

  it('takes a delay that is not a positive number for zero', () => {
    const clock = new StepClock();
    const fired: number[] = [];
    for (const delay of [-5, Number.NaN, 0]) clock.setTimeout(() => fired.push(clock.now()), delay);
    expect(fired).toEqual([]);
    clock.advance(0);
    expect(fired).toEqual([0, 0, 0]);
  });

  it('runs until a condition holds and stands still there, or says that it never held', () => {
    const clock = new StepClock();
    let ticks = 0;
    const tick = () => {
      ticks++;
      clock.setTimeout(tick, 10);
    };
    clock.setTimeout(tick, 10);
    expect(clock.runUntil(() => ticks === 3, 1000)).toBe(true);
    expect(clock.now()).toBe(30);
    expect(clock.runUntil(() => ticks === 1000, 25)).toBe(false);
    expect([ticks, clock.now()]).toEqual([5, 55]);
  });

  it('lets microtasks run between two timers when asked to', async () => {
    const clock = new StepClock();
    const seen: string[] = [];
    clock.setTimeout(() => queueMicrotask(() => clock.setTimeout(() => seen.push(`inner ${clock.now()}`), 5)), 10);
    clock.setTimeout(() => seen.push(`outer ${clock.now()}`), 20);
    await clock.advanceAsync(20);
    expect(seen).toEqual(['inner 15', 'outer 20']);
    queueMicrotask(() => seen.push('last'));
    expect(await clock.runUntilAsync(() => seen.includes('last'), 0)).toBe(true);
  });

  it('tells of timers that arm each other without end instead of hanging', () => {
    const clock = new StepClock();
    const again = () => {
      clock.setTimeout(again, 0);
    };
    again();
    expect(() => clock.advance(1)).toThrow('zero-delay timers arm each other');
  });

  it('is the clock of an actor system', () => {
    const clock = new StepClock();
    const machine = setup({ delays: { patience: 50 } }).createMachine({
      initial: 'waiting',
      states: { waiting: { after: { patience: 'retrying' } }, retrying: { after: { patience: 'failed' } }, failed: {} },
    });
    const actor = createActor(machine, { clock }).start();
    clock.advance(99);
    expect(actor.getSnapshot().value).toBe('retrying');
    clock.advance(1);
    expect(actor.getSnapshot().value).toBe('failed');
  });
});
