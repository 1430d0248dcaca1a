import { describe, expect, it } from 'vitest';
import { type Frame, type FrameBody, plainFrame } from '../../proto/frame.js';
import { Arrivals } from '../../src/carrier/arrivals.js';
import { StepClock } from '../stand-ins/step-clock.js';

const handshake: FrameBody = { kind: 'handshake', payload: new Uint8Array(1) };
const heartbeat: FrameBody = { kind: 'heartbeat' };
const frames = (streamId: string, ...bodies: FrameBody[]): Frame[] => bodies.map((body) => plainFrame(streamId, body));

function waiting(most = 10) {
  const clock = new StepClock();
  const admitted: string[] = [];
  const arrivals = new Arrivals(clock, most, (streamId, kept) =>
    admitted.push(`${streamId} ${kept.map(({ body }) => body.kind).join(' ')}`),
  );
  return { clock, admitted, arrivals };
}

describe('handshakes that arrive together', () => {
  it('are let in one a turn, the first at once, in their order', () => {
    const { clock, admitted, arrivals } = waiting();
    expect(['a', 'b', 'c'].map((id) => arrivals.holds(id, frames(id, handshake)))).toEqual([false, true, true]);
    expect(admitted).toEqual([]);
    clock.advance(0);
    expect(admitted[0]).toBe('b handshake');
    clock.advance(1);
    expect(admitted).toEqual(['b handshake', 'c handshake']);
    // Later ones find nobody before them.
    clock.advance(1);
    expect(arrivals.holds('d', frames('d', handshake))).toBe(false);
    clock.advance(1);
    expect(clock.pending()).toEqual([]);
  });

  it('keep what comes for them meanwhile, in order and so much of it', () => {
    const { clock, admitted, arrivals } = waiting();
    arrivals.holds('a', frames('a', handshake));
    arrivals.holds('b', frames('b', { kind: 'resume', nextSeq: 0 }, handshake));
    expect(arrivals.holds('b', frames('b', heartbeat))).toBe(true);
    for (let count = 0; count < 100; count += 1) arrivals.holds('b', frames('b', heartbeat));
    clock.advance(1);
    expect(admitted[0]?.split(' ').slice(0, 4)).toEqual(['b', 'resume', 'handshake', 'heartbeat']);
    expect(admitted[0]?.split(' ')).toHaveLength(1 + 64);
  });

  it('do not wait behind more than a number of others, and nothing else waits at all', () => {
    const { arrivals } = waiting(2);
    const held = ['a', 'b', 'c', 'd'].map((id) => arrivals.holds(id, frames(id, handshake)));
    expect(held).toEqual([false, true, true, false]);
    expect(arrivals.holds('e', frames('e', heartbeat))).toBe(false);
  });

  it('are forgotten with their socket', () => {
    const { clock, admitted, arrivals } = waiting();
    for (const id of ['a', 'b']) arrivals.holds(id, frames(id, handshake));
    arrivals.clear();
    clock.advance(10);
    expect(admitted).toEqual([]);
    expect(clock.pending()).toEqual([]);
  });
});
