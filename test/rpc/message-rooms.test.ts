import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Frame, plainFrame, RELIABILITY_RELIABLE } from '../../proto/frame.js';
import { decodeFrame } from '../../proto/frame-codec.js';
import { defaultLimits } from '../../proto/limits.js';
import { FrameWriter } from '../../src/carrier/frame-writer.js';
import { joinMessage } from '../../src/rpc/base64-message.js';
import { MessageRooms, messageRooms } from '../../src/rpc/message-rooms.js';

const KIB = 1024;

function sameMemory(one: Uint8Array, other: Uint8Array): boolean {
  return one.buffer === other.buffer;
}

describe('rooms for large messages', () => {
  it('are used again once they are given back, and not before', () => {
    const rooms = new MessageRooms();
    const first = rooms.take(50 * KIB);
    const second = rooms.take(50 * KIB);
    expect(sameMemory(first, second)).toBe(false);
    rooms.give(first);
    const third = rooms.take(40 * KIB);
    expect(third.length).toBe(40 * KIB);
    expect(sameMemory(third, first)).toBe(true);
  });

  it('are not given to two when one gives a room back twice', () => {
    const rooms = new MessageRooms();
    const message = rooms.take(50 * KIB);
    rooms.give(message);
    rooms.give(message);
    expect(sameMemory(rooms.take(50 * KIB), rooms.take(50 * KIB))).toBe(false);
  });

  it('take back nothing that they did not lend, a part of a message least of all', () => {
    const rooms = new MessageRooms();
    const message = rooms.take(50 * KIB);
    rooms.give(message.subarray(0, 40 * KIB));
    rooms.give(Buffer.alloc(50 * KIB));
    expect(sameMemory(rooms.take(50 * KIB), message)).toBe(false);
  });

  it('keep a bounded number of bytes for later', () => {
    const rooms = new MessageRooms();
    const lent = Array.from({ length: 20 }, () => rooms.take(1024 * KIB));
    for (const message of lent) rooms.give(message);
    const memories = new Set(lent.map(({ buffer }) => buffer));
    const again = Array.from({ length: 20 }, () => rooms.take(1024 * KIB));
    expect(again.filter(({ buffer }) => memories.has(buffer))).toHaveLength(8);
  });
});

describe('rooms that nobody asks for', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are let go, and not while they are in use', () => {
    vi.useFakeTimers();
    const rooms = new MessageRooms();
    const first = rooms.take(50 * KIB);
    rooms.give(first);
    vi.advanceTimersByTime(5000);
    // Asked for within the first five seconds, so it has five more.
    const second = rooms.take(50 * KIB);
    expect(sameMemory(second, first)).toBe(true);
    rooms.give(second);
    vi.advanceTimersByTime(10_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(sameMemory(rooms.take(50 * KIB), first)).toBe(false);
  });
});

describe('the room of a message that leaves in a frame', () => {
  function sendThrough(copies: boolean, reliability: number) {
    const payload = joinMessage(['{"chunk":"', Buffer.alloc(40 * KIB, 7), '"}']);
    const expected = Buffer.from(payload);
    const sent: Frame[] = [];
    const writer = new FrameWriter(defaultLimits, { left: () => {}, unsendable: () => {} });
    writer.attach({
      bufferedBytes: 0,
      copies,
      onDrained: () => {},
      send: (message) => sent.push(decodeFrame(copies ? Buffer.from(message) : message)),
    });
    const frame = plainFrame('s', { kind: 'data', seq: 1, segmentIndex: 0, segmentCount: 1, payload });
    writer.write([{ ...frame, reliability }]);
    const body = sent[0]?.body;
    expect(body?.kind === 'data' && expected.equals(body.payload)).toBe(true);
    const next = messageRooms.take(payload.length);
    return sameMemory(next, payload);
  }

  it('is free as soon as the socket has copied it', () => {
    expect(sendThrough(true, 0)).toBe(true);
  });

  it('is not, while the socket or the send window still needs it', () => {
    expect(sendThrough(false, 0)).toBe(false);
    expect(sendThrough(true, RELIABILITY_RELIABLE)).toBe(false);
  });
});
