import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countSegments, segmentOf } from '../../../machines/protocol/segmentation.js';

describe('segmentation', () => {
  it('counts the segments of a message', () => {
    expect([0, 1, 9, 10, 11, 20, 21].map((bytes) => countSegments(bytes, 10))).toEqual([1, 1, 1, 1, 2, 2, 3]);
    expect(countSegments(1e9, Number.POSITIVE_INFINITY)).toBe(1);
  });

  it('cuts a message into full pieces and a rest, which together are the message', () => {
    const message = fc.uint8Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(message, fc.integer({ min: 1, max: 320 }), (whole, segmentBytes) => {
        const count = countSegments(whole.length, segmentBytes);
        const pieces = Array.from({ length: count }, (_, index) => segmentOf(whole, index, segmentBytes));
        expect(pieces.flatMap((piece) => [...piece])).toEqual([...whole]);
        for (const [index, piece] of pieces.entries()) {
          if (index < count - 1) expect(piece.length).toBe(segmentBytes);
          expect(piece.length).toBeGreaterThan(0);
          expect(piece.buffer).toBe(whole.buffer);
        }
      }),
    );
  });
});
