import { describe, expect, it } from 'vitest';
import type { Clock } from '../../machines/clock.js';
import { type Frame, type FrameBody, plainFrame } from '../../proto/frame.js';
import { Turnover } from '../../src/carrier/turnover.js';
import { StepClock } from '../stand-ins/step-clock.js';

const handshake: FrameBody = { kind: 'handshake', payload: new Uint8Array(1) };
const reset: FrameBody = { kind: 'reset', reason: 'gone' };
const heartbeat: FrameBody = { kind: 'heartbeat' };
const frames = (streamId: string, ...bodies: FrameBody[]): Frame[] => bodies.map((body) => plainFrame(streamId, body));

function waiting(most = 10) {
  const clock = new StepClock();
  const passed: string[] = [];
  /** Ids of the streams that were passed on, turn by turn. */
  const turns: string[][] = [];
  const counting: Clock = {
    now: () => clock.now(),
    setTimeout: (fn, ms) =>
      clock.setTimeout(() => {
        turns.push([]);
        fn();
      }, ms),
    clearTimeout: (id) => clock.clearTimeout(id),
  };
  const turnover = new Turnover(counting, most, (streamId, kept) => {
    passed.push(`${streamId} ${kept.map(({ body }) => body.kind).join(' ')}`);
    turns.at(-1)?.push(streamId);
  });
  return { clock, passed, turns, turnover };
}

describe('handshakes that arrive together', () => {
  it('are let in one a turn, the first at once, in their order', () => {
    const { clock, passed, turns, turnover } = waiting();
    expect(['a', 'b', 'c'].map((id) => turnover.holds(id, frames(id, handshake), false))).toEqual([false, true, true]);
    expect(passed).toEqual([]);
    clock.advance(1);
    expect(passed).toEqual(['b handshake', 'c handshake']);
    expect(turns).toEqual([['b'], ['c'], []]);
    // Later ones find nobody before them.
    clock.advance(1);
    expect(turnover.holds('d', frames('d', handshake), false)).toBe(false);
    clock.advance(1);
    expect(clock.pending()).toEqual([]);
  });

  it('keep what comes for them meanwhile, in order and so much of it', () => {
    const { clock, passed, turnover } = waiting();
    turnover.holds('a', frames('a', handshake), false);
    turnover.holds('b', frames('b', { kind: 'resume', nextSeq: 0 }, handshake), false);
    expect(turnover.holds('b', frames('b', heartbeat), false)).toBe(true);
    for (let count = 0; count < 100; count += 1) turnover.holds('b', frames('b', heartbeat), false);
    clock.advance(1);
    expect(passed[0]?.split(' ').slice(0, 4)).toEqual(['b', 'resume', 'handshake', 'heartbeat']);
    expect(passed[0]?.split(' ')).toHaveLength(1 + 64);
  });

  it('do not wait behind more than a number of others, and nothing else waits at all', () => {
    const { turnover } = waiting(2);
    const held = ['a', 'b', 'c', 'd'].map((id) => turnover.holds(id, frames(id, handshake), false));
    expect(held).toEqual([false, true, true, false]);
    expect(turnover.holds('e', frames('e', heartbeat), false)).toBe(false);
  });

  it('wait while others are being read, and hold up nobody who ends', async () => {
    const { clock, passed, turnover } = waiting();
    const done: (() => void)[] = [];
    const read = () => turnover.reading(new Promise<void>((resolve) => done.push(resolve)));
    const first = read();
    expect(turnover.holds('a', frames('a', handshake), false)).toBe(true);
    expect(turnover.holds('b', frames('b', reset), true)).toBe(true);
    clock.advance(1);
    expect(passed).toEqual(['b reset']);
    const second = turnover.reading(Promise.reject(new Error('malformed')));
    done[0]?.();
    await first;
    await expect(second).rejects.toThrow('malformed');
    clock.advance(1);
    expect(passed).toEqual(['b reset', 'a handshake']);
    expect(clock.pending()).toEqual([]);
  });

  it('are forgotten with their socket', () => {
    const { clock, passed, turnover } = waiting();
    for (const id of ['a', 'b']) turnover.holds(id, frames(id, handshake), false);
    turnover.finish();
    clock.advance(10);
    expect(passed).toEqual([]);
    expect(clock.pending()).toEqual([]);
  });
});

describe('streams that end together', () => {
  it('end a few a turn, the first at once, in their order', () => {
    const { clock, turns, turnover } = waiting();
    const ids = [...'abcdefghij'];
    expect(ids.filter((id) => turnover.holds(id, frames(id, reset), true))).toEqual([...'efghij']);
    clock.advance(1);
    expect(turns.map((each) => each.join(''))).toEqual(['efgh', 'ij', '']);
    expect(clock.pending()).toEqual([]);
  });

  it('are followed by nothing that came behind their end', () => {
    const { clock, passed, turnover } = waiting();
    for (const id of 'abcd') turnover.holds(id, frames(id, reset), true);
    expect(turnover.holds('e', frames('e', heartbeat, reset), true)).toBe(true);
    expect(turnover.holds('e', frames('e', heartbeat), true)).toBe(true);
    clock.advance(1);
    expect(passed).toEqual(['e heartbeat reset heartbeat']);
  });

  it('do not hold up streams that run, and wait however many they are', () => {
    const { turnover } = waiting(2);
    for (let n = 0; n < 100; n += 1) expect(turnover.holds(`s${n}`, frames('', reset), true)).toBe(n >= 4);
    expect(turnover.holds('running', frames('running', heartbeat), true)).toBe(false);
    // One that nobody serves has nothing to end.
    expect(turnover.holds('unknown', frames('unknown', reset), false)).toBe(false);
  });

  it('have ended once their socket is gone', () => {
    const { clock, passed, turnover } = waiting();
    for (const id of 'abcdef') turnover.holds(id, frames(id, reset), true);
    turnover.holds('g', frames('g', handshake), false);
    turnover.finish();
    expect(passed).toEqual(['e reset', 'f reset']);
    clock.advance(10);
    expect(passed).toHaveLength(2);
    expect(clock.pending()).toEqual([]);
  });
});
