import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultNoiseOrderBounds,
  isStalled,
  type NoiseOrder,
  newNoiseOrder,
  putInOrder,
} from '../../../machines/protocol/noise-order.js';
import type { DataBody } from '../../../proto/frame.js';

const data = (seq: number, bytes = 1): DataBody => ({
  kind: 'data',
  seq,
  segmentIndex: 0,
  segmentCount: 1,
  payload: new Uint8Array(bytes).fill(seq),
});

function take(batches: readonly (readonly DataBody[])[], from: NoiseOrder = newNoiseOrder) {
  let order = from;
  const opened: number[] = [];
  for (const batch of batches) {
    const step = putInOrder(order, batch);
    opened.push(...step.records.map((record) => record[0] as number));
    order = step.order;
    if (step.violation) return { order, opened, violation: step.violation };
  }
  return { order, opened };
}

describe('R14: the order of records', () => {
  it('is that of their numbers, each once, however they come within the window', () => {
    const arrival = fc
      .array(fc.nat({ max: 3 }), { minLength: 60, maxLength: 60 })
      // Each of 60 records one to four times, shuffled.
      .chain((copies) => {
        const all = copies.flatMap((more, seq) => new Array<number>(more + 1).fill(seq));
        return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
      });
    fc.assert(
      fc.property(arrival, fc.integer({ min: 1, max: 9 }), (seqs, size) => {
        const batches: DataBody[][] = [];
        for (let at = 0; at < seqs.length; at += size) batches.push(seqs.slice(at, at + size).map((seq) => data(seq)));
        const { order, opened, violation } = take(batches);
        expect(violation).toBeUndefined();
        expect(opened).toEqual(Array.from({ length: 60 }, (_, seq) => seq));
        expect(order).toEqual({ expected: 60, held: [], heldBytes: 0 });
      }),
    );
  });

  it('stalls at a missing record and goes on with it', () => {
    const { order, opened } = take([[data(0), data(2), data(3)]]);
    expect(opened).toEqual([0]);
    expect(isStalled(order)).toBe(true);
    expect(order.heldBytes).toBe(2);
    expect(take([[data(1)]], order)).toMatchObject({ opened: [1, 2, 3], order: { expected: 4, heldBytes: 0 } });
  });

  it('keeps the first copy and counts the others', () => {
    const forged = { ...data(1), payload: Uint8Array.of(99) };
    const { order, duplicates } = putInOrder(newNoiseOrder, [data(1), forged, data(1)]);
    expect(duplicates).toBe(2);
    expect(putInOrder(order, [data(0), data(0)])).toMatchObject({
      records: [Uint8Array.of(0), Uint8Array.of(1)],
      duplicates: 1,
    });
  });

  it('ends beyond a distance of 64', () => {
    expect(take([[data(64)]]).violation).toBeUndefined();
    expect(take([[data(65)]]).violation?.code).toBe('seq_beyond_window');
    expect(take([[data(0), data(65)]]).violation).toBeUndefined();
    expect(take([[data(0), data(66)]])).toMatchObject({ opened: [0], violation: { code: 'seq_beyond_window' } });
  });

  it('ends when more than a mebibyte waits', () => {
    const waiting = (records: number) => Array.from({ length: records }, (_, place) => data(place + 1, 60_000));
    expect(take([waiting(17)]).violation).toBeUndefined();
    expect(take([waiting(18)]).violation?.code).toBe('out_of_order_bytes_exceeded');
  });

  it('takes other bounds than those of releases', () => {
    const { violation } = putInOrder(newNoiseOrder, [data(3)], { ...defaultNoiseOrderBounds, reorderFrames: 2 });
    expect(violation?.code).toBe('seq_beyond_window');
  });

  it('ends before its numbers wrap', () => {
    const last = { expected: 2 ** 32 - 2, held: [], heldBytes: 0 };
    expect(take([[data(2 ** 32 - 2)]], last).violation).toBeUndefined();
    expect(take([[data(2 ** 32 - 1)]], last).violation?.code).toBe('seq_exhausted');
  });

  it('does not keep the message alive in which a held record came', () => {
    const message = new Uint8Array(100_000);
    const body = { ...data(1), payload: message.subarray(10, 20) };
    const [held] = putInOrder(newNoiseOrder, [body]).order.held;
    expect(held?.payload.buffer.byteLength).toBe(10);
  });
});
