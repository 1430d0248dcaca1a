import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ackBitsOf,
  emptyReceiveWindow,
  hasGap,
  type ReceiveBounds,
  type ReceiveWindow,
  receive,
} from '../../../machines/protocol/receive-window.js';
import { LAST_RELIABLE_SEQ } from '../../../machines/protocol/sequence.js';
import type { DataBody } from '../../../proto/frame.js';

const bounds: ReceiveBounds = { windowSegments: 32, outOfOrderBytes: 100, messageBytes: 1000, messageSegments: 50 };

function segment(seq: number, payload: string | Uint8Array = `m${seq}`, segmentIndex = 0, segmentCount = 1): DataBody {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  return { kind: 'data', seq, segmentIndex, segmentCount, payload: bytes };
}

const texts = (messages: readonly Uint8Array[]) => messages.map((message) => Buffer.from(message).toString());

function receivedAll(segments: readonly DataBody[], from: ReceiveWindow = emptyReceiveWindow) {
  const received = receive(from, segments, bounds);
  const { window } = received;
  return { ...received, texts: texts(received.messages), ack: window.ack, bits: ackBitsOf(window) };
}

describe('the receive window', () => {
  it('hands segments on in order', () => {
    const { texts, ack, bits, fresh, duplicates, window, violation } = receivedAll([segment(1), segment(2)]);
    expect({ texts, ack, bits, fresh, duplicates }).toEqual({
      texts: ['m1', 'm2'],
      ack: 2,
      bits: 0,
      fresh: 2,
      duplicates: 0,
    });
    expect(hasGap(window)).toBe(false);
    expect(violation).toBeUndefined();
  });

  it('holds what lies beyond a gap and hands it on when the gap is filled', () => {
    const gapped = receivedAll([segment(1), segment(4), segment(3)]);
    expect(gapped.texts).toEqual(['m1']);
    expect([gapped.ack, gapped.bits, gapped.fresh]).toEqual([1, 0b110, 3]);
    expect(hasGap(gapped.window)).toBe(true);
    expect(gapped.window.held.map(({ seq }) => seq)).toEqual([3, 4]);
    expect(gapped.window.heldBytes).toBe(4);
    const filled = receivedAll([segment(2)], gapped.window);
    expect(filled.texts).toEqual(['m2', 'm3', 'm4']);
    expect([filled.ack, filled.bits, filled.fresh, filled.window.heldBytes]).toEqual([4, 0, 1, 0]);
  });

  it('fills one gap and keeps the next', () => {
    const { texts, ack, bits } = receivedAll([segment(2), segment(5), segment(1)]);
    expect({ texts, ack, bits }).toEqual({ texts: ['m1', 'm2'], ack: 2, bits: 0b100 });
  });

  it('counts duplicates, delivered or held, and hands none on', () => {
    const { texts, duplicates, fresh, window } = receivedAll([segment(1), segment(1), segment(3), segment(3)]);
    expect({ texts, duplicates, fresh }).toEqual({ texts: ['m1'], duplicates: 2, fresh: 2 });
    expect(window.heldBytes).toBe(2);
  });

  it('puts messages together over gaps', () => {
    const pieces = [segment(1, 'ab', 0, 3), segment(2, 'cd', 1, 3), segment(3, 'e', 2, 3), segment(4, 'x')];
    const { texts, ack } = receivedAll([pieces[3], pieces[1], pieces[2], pieces[0]] as DataBody[]);
    expect({ texts, ack }).toEqual({ texts: ['abcde', 'x'], ack: 4 });
  });

  it('leaves the window it was given as it was', () => {
    const { window } = receivedAll([segment(1), segment(3)]);
    const before = structuredClone(window);
    receivedAll([segment(2), segment(4)], window);
    expect(window).toEqual(before);
  });

  it('copies a held payload that would keep a much larger message alive', () => {
    const socketBuffer = new Uint8Array(100);
    const small = receivedAll([segment(2, socketBuffer.subarray(0, 50))]).window.held[0]?.payload;
    expect(small?.buffer).not.toBe(socketBuffer.buffer);
    expect(small?.length).toBe(50);
    const large = receivedAll([segment(2, socketBuffer.subarray(0, 51))]).window.held[0]?.payload;
    expect(large?.buffer).toBe(socketBuffer.buffer);
  });
});

describe('R19: a peer that breaks the contract', () => {
  const codeOf = (segments: readonly DataBody[], from?: ReceiveWindow) => receivedAll(segments, from).violation?.code;

  it('numbers from 0', () => {
    expect(codeOf([segment(0)])).toBe('seq_zero');
  });

  it('sends beyond the window, which moves with ack', () => {
    expect(codeOf([segment(32)])).toBeUndefined();
    expect(codeOf([segment(33)])).toBe('seq_beyond_window');
    expect(codeOf([segment(1), segment(33)])).toBeUndefined();
    expect(receivedAll([segment(1), segment(34)]).violation?.message).toContain('ends at 33');
  });

  it('has used its last number', () => {
    const near = { ...emptyReceiveWindow, ack: LAST_RELIABLE_SEQ - 2 };
    const last = receivedAll([segment(LAST_RELIABLE_SEQ - 1), segment(LAST_RELIABLE_SEQ)], near);
    expect(last.violation?.code).toBe('seq_exhausted');
    expect(last.texts).toEqual([`m${LAST_RELIABLE_SEQ - 1}`]);
  });

  it('contradicts itself about a held segment', () => {
    expect(codeOf([segment(2, 'a', 0, 2), segment(2, 'a', 0, 2)])).toBeUndefined();
    expect(codeOf([segment(2, 'a', 0, 2), segment(2, 'a', 0, 3)])).toBe('segment_facts_contradictory');
    expect(codeOf([segment(2, 'a', 0, 2), segment(2, 'a', 1, 2)])).toBe('segment_facts_contradictory');
  });

  it('contradicts itself within a message, in order and from behind a gap', () => {
    expect(codeOf([segment(1, 'a', 1, 2)])).toBe('segment_facts_contradictory');
    const behind = receivedAll([segment(2, 'b', 2, 3), segment(3), segment(1, 'a', 0, 3)]);
    expect(behind.violation?.code).toBe('segment_facts_contradictory');
    expect(behind.violation?.message).toContain('seq 2');
    expect([behind.ack, behind.texts]).toEqual([1, []]);
  });

  it('sends a message that is too large', () => {
    expect(codeOf([segment(1, new Uint8Array(1000))])).toBeUndefined();
    expect(codeOf([segment(1, new Uint8Array(1001))])).toBe('message_oversized');
    expect(codeOf([segment(1, 'a', 0, 51)])).toBe('message_oversized');
  });

  it('fills the memory behind a gap', () => {
    const full = receivedAll([segment(2, new Uint8Array(60)), segment(3, new Uint8Array(40))]);
    expect(full.violation).toBeUndefined();
    expect(full.window.heldBytes).toBe(100);
    expect(codeOf([segment(4, 'x')], full.window)).toBe('out_of_order_bytes_exceeded');
    expect(codeOf([segment(3, new Uint8Array(40))], full.window)).toBeUndefined();
    expect(codeOf([segment(1, new Uint8Array(500))], full.window)).toBeUndefined();
  });

  it('is heard up to its mistake and no further', () => {
    const { texts, ack, violation } = receivedAll([segment(1), segment(0), segment(2)]);
    expect(texts).toEqual(['m1']);
    expect(ack).toBe(1);
    expect(violation).toBeDefined();
  });
});

describe('R20: under any order and any duplicates', () => {
  /** What was received, as plainly as it can be kept. */
  class PlainReceiver {
    readonly seen = new Set<number>();
    get ack(): number {
      let ack = 0;
      while (this.seen.has(ack + 1)) ack += 1;
      return ack;
    }
  }

  const message = fc.uint8Array({ minLength: 1, maxLength: 12 });
  const arrivals = fc.array(fc.array(fc.nat(39), { minLength: 1, maxLength: 6 }), { maxLength: 60 });

  it('delivers exactly what is contiguous, and acknowledges exactly what came', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 40 }), arrivals, (messages, batches) => {
        const segments = messages.flatMap((whole) => {
          const segmentCount = Math.ceil(whole.length / 4);
          return Array.from({ length: segmentCount }, (_, segmentIndex) => ({
            segmentIndex,
            segmentCount,
            payload: whole.subarray(segmentIndex * 4, (segmentIndex + 1) * 4),
          }));
        });
        const plain = new PlainReceiver();
        let window = emptyReceiveWindow;
        const delivered: number[][] = [];
        const everything = segments.map((_, index) => [index]);
        for (const batch of [...batches, ...everything]) {
          // A sender is never more than 32 beyond the ack it knows; behind it, everything may come again.
          const seqs = batch.map((pick) => Math.min(plain.ack - 7 + pick, segments.length));
          const inWindow = seqs.filter((seq) => seq >= 1 && seq <= plain.ack + 32);
          const chosen = batch.length === 1 && everything.includes(batch) ? [(batch[0] as number) + 1] : inWindow;
          const repeated = chosen.filter((seq, index) => plain.seen.has(seq) || chosen.indexOf(seq) < index).length;
          const bodies = chosen.map((seq) => ({ kind: 'data' as const, seq, ...(segments[seq - 1] as object) }));
          const received = receive(window, bodies as DataBody[], { ...bounds, outOfOrderBytes: 32 * 4 });
          expect(received.violation).toBeUndefined();
          for (const seq of chosen) plain.seen.add(seq);
          window = received.window;
          delivered.push(...received.messages.map((whole) => [...whole]));
          expect(received.duplicates).toBe(repeated);
          expect(received.fresh).toBe(chosen.length - repeated);
          expect(window.ack).toBe(plain.ack);
          const beyond = [...plain.seen].filter((seq) => seq > plain.ack);
          expect(ackBitsOf(window)).toBe(beyond.reduce((bits, seq) => bits + 2 ** (seq - plain.ack - 1), 0));
          expect(hasGap(window)).toBe(beyond.length > 0);
          expect(window.heldBytes).toBe(window.held.reduce((sum, { payload }) => sum + payload.length, 0));
        }
        expect(delivered).toEqual(messages.map((whole) => [...whole]));
      }),
    );
  });
});
