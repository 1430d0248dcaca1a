import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../../machines/protocol/fair-queue.js';
import { type Frame, type FrameBody, plainFrame } from '../../../proto/frame.js';

const QUANTUM = 64 * 1024;
const OVERHEAD = 64;

const data = (streamId: string, seq: number, bytes = 100): Frame =>
  plainFrame(streamId, { kind: 'data', seq, segmentIndex: 0, segmentCount: 1, payload: new Uint8Array(bytes) });
const control = (streamId: string, body: FrameBody, ack = 0): Frame => ({ ...plainFrame(streamId, body), ack });
const ack = (streamId: string, upTo: number) => control(streamId, { kind: 'ack' }, upTo);
const reset = (streamId: string) => control(streamId, { kind: 'reset', reason: 'r' });

const sizeOf = (frame: Frame) => ('payload' in frame.body ? frame.body.payload.length : 0) + OVERHEAD;
const nameOf = ({ streamId, body }: Frame) => `${streamId} ${body.kind === 'data' ? body.seq : body.kind}`;

function filled(frames: readonly Frame[]): FairQueue {
  const queue = new FairQueue();
  for (const frame of frames) queue.push(frame);
  return queue;
}

function drained(queue: FairQueue): Frame[] {
  const frames: Frame[] = [];
  for (let frame = queue.next(); frame !== undefined; frame = queue.next()) frames.push(frame);
  return frames;
}

const names = (queue: FairQueue) => drained(queue).map(nameOf);

describe('R37: the fair queue', () => {
  it('is empty until it is given something, and again at the end', () => {
    const queue = new FairQueue();
    expect([queue.isEmpty, queue.bytes, queue.next()]).toEqual([true, 0, undefined]);
    queue.push(data('a', 1));
    expect(queue.isEmpty).toBe(false);
    queue.next();
    expect(queue.isEmpty).toBe(true);
    queue.push(ack('a', 1));
    expect([queue.isEmpty, queue.bytes]).toEqual([false, 0]);
  });

  it('counts the bytes that wait, with something for each frame', () => {
    const queue = filled([data('a', 1, 10), data('a', 2, 20), data('b', 1, 5), reset('b'), ack('a', 1)]);
    expect([queue.bytes, queue.bytesOf('a'), queue.bytesOf('b'), queue.bytesOf('c')]).toEqual([291, 158, 133, 0]);
    queue.push(control('c', { kind: 'handshake', payload: new Uint8Array(1000) }));
    expect(queue.bytesOf('c')).toBe(1064);
    drained(queue);
    expect([queue.bytes, queue.bytesOf('a'), queue.bytesOf('b')]).toEqual([0, 0, 0]);
  });

  it('takes what is sent again once, and only while its first copy does not wait', () => {
    const queue = new FairQueue();
    queue.pushAgain(data('a', 1));
    queue.pushAgain(reset('a'));
    queue.pushAgain(data('a', 1));
    queue.pushAgain(data('a', 2));
    queue.pushAgain(reset('a'));
    queue.pushAgain(data('b', 1));
    expect(nameOf(queue.next() as Frame)).toBe('a 1');
    queue.pushAgain(data('a', 1));
    expect(names(queue)).toEqual(['a reset', 'a 2', 'a reset', 'a 1', 'b 1']);
  });

  it('counts what is left of a stream after each frame, however many there were', () => {
    const frames = Array.from({ length: 200 }, (_, index) => data('a', index + 1, index));
    const queue = filled(frames);
    let left = frames.reduce((sum, frame) => sum + sizeOf(frame), 0);
    for (const frame of frames) {
      expect([queue.bytesOf('a'), queue.bytes]).toEqual([left, left]);
      expect(queue.next()).toBe(frame);
      left -= sizeOf(frame);
    }
    expect(queue.isEmpty).toBe(true);
  });

  it('forgets everything at once', () => {
    const queue = filled([data('a', 1), ack('b', 1)]);
    queue.clear();
    expect([queue.isEmpty, queue.bytes, queue.bytesOf('a'), queue.next()]).toEqual([true, 0, 0, undefined]);
    queue.push(data('a', 2));
    expect(names(queue)).toEqual(['a 2']);
  });

  it('lets control frames leave first, however much data waits', () => {
    const queue = filled([
      data('a', 1),
      data('b', 1),
      control('c', { kind: 'resume', nextSeq: 1 }),
      control('a', { kind: 'heartbeat' }),
      ack('b', 3),
    ]);
    expect(names(queue)).toEqual(['c resume', 'a heartbeat', 'b ack', 'a 1', 'b 1']);
  });

  it('lets a newer acknowledgement of a stream take the place of an older one', () => {
    const queue = filled([ack('a', 1), ack('b', 1), ack('a', 2), control('a', { kind: 'heartbeat' }, 3)]);
    expect(drained(queue).map((frame) => [nameOf(frame), frame.ack])).toEqual([
      ['a ack', 2],
      ['b ack', 1],
      ['a heartbeat', 3],
    ]);
  });

  it('lets a reset leave after the data before it', () => {
    expect(names(filled([data('a', 1), data('a', 2), reset('a')]))).toEqual(['a 1', 'a 2', 'a reset']);
  });

  it('sends nothing again that has not left yet', () => {
    const queue = filled([data('a', 1), data('a', 2), data('b', 7)]);
    queue.pushAgain(data('a', 2));
    queue.pushAgain(data('b', 2));
    expect(names(queue)).toEqual(['a 1', 'a 2', 'b 7', 'b 2']);
    const left = filled([data('a', 1), data('a', 2)]);
    left.next();
    left.pushAgain(data('a', 1));
    expect(names(left)).toEqual(['a 2', 'a 1']);
  });

  it('serves a small stream while a large one floods', () => {
    const flood = Array.from({ length: 100 }, (_, seq) => data('flood', seq, 60_000));
    const queue = filled([...flood, data('small', 1), data('small', 2)]);
    const order = names(queue);
    expect(order.indexOf('small 2')).toBeLessThanOrEqual(3);
    expect(order).toHaveLength(102);
  });

  it('lets a frame of exactly one turn leave in its first turn', () => {
    const queue = filled([data('exact', 1, QUANTUM - OVERHEAD), data('a', 1, 30_000), data('exact', 2, QUANTUM)]);
    expect(names(queue)).toEqual(['exact 1', 'a 1', 'exact 2']);
  });

  it('lets a frame larger than a turn leave at last', () => {
    const queue = filled([data('big', 1, 10 * QUANTUM), ...Array.from({ length: 40 }, (_, n) => data('a', n, 60_000))]);
    const order = names(queue);
    const place = order.indexOf('big 1');
    // After ten or eleven turns of about 64 KiB.
    expect(place).toBeGreaterThanOrEqual(9);
    expect(place).toBeLessThanOrEqual(13);
  });

  it('gives a stream that comes back no credit from before', () => {
    const queue = filled([data('a', 1, 10), data('b', 1, 10)]);
    drained(queue);
    for (const frame of [data('b', 2, 60_000), data('b', 3, 60_000), data('a', 2, 60_000), data('a', 3, 60_000)]) {
      queue.push(frame);
    }
    expect(names(queue)).toEqual(['b 2', 'a 2', 'b 3', 'a 3']);
  });

  const frames = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 3 * QUANTUM })), {
    minLength: 1,
    maxLength: 200,
  });

  it('keeps the order within a stream, and gives out everything once', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.boolean(), { maxLength: 200 }), (waiting, looks) => {
        const queue = new FairQueue();
        const out: Frame[] = [];
        for (const [seq, [streamId, bytes]] of waiting.entries()) {
          queue.push(data(streamId, seq, bytes));
          const frame = looks[seq] ? queue.next() : undefined;
          if (frame !== undefined) out.push(frame);
        }
        out.push(...drained(queue));
        for (const streamId of ['a', 'b', 'c', 'd']) {
          const given = waiting.flatMap(([id], seq) => (id === streamId ? [`${id} ${seq}`] : []));
          expect(out.filter((frame) => frame.streamId === streamId).map(nameOf)).toEqual(given);
        }
      }),
    );
  });

  it('never lets two streams that wait differ by more than a turn and a frame', () => {
    fc.assert(
      fc.property(frames, (waiting) => {
        const queue = filled(waiting.map(([streamId, bytes], seq) => data(streamId, seq, bytes)));
        const largest = Math.max(...waiting.map(([, bytes]) => bytes)) + OVERHEAD;
        const served = new Map<string, number>(waiting.map(([streamId]) => [streamId, 0]));
        for (let frame = queue.next(); frame !== undefined; frame = queue.next()) {
          served.set(frame.streamId, (served.get(frame.streamId) as number) + sizeOf(frame));
          const backlogged = [...served].flatMap(([id, bytes]) => (queue.bytesOf(id) > 0 ? [bytes] : []));
          if (backlogged.length < 2) continue;
          expect(Math.max(...backlogged) - Math.min(...backlogged)).toBeLessThanOrEqual(QUANTUM + largest);
        }
      }),
    );
  });

  it('keeps the order of a long queue', () => {
    const queue = filled(Array.from({ length: 1000 }, (_, seq) => data('a', seq)));
    expect(names(queue)).toEqual(Array.from({ length: 1000 }, (_, seq) => `a ${seq}`));
  });
});
