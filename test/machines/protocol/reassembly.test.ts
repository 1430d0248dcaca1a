import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, noPartialMessage, type PartialMessage } from '../../../machines/protocol/reassembly.js';
import { countSegments, segmentOf } from '../../../machines/protocol/segmentation.js';

const bounds = { messageBytes: 100, messageSegments: 5 };
const piece = (segmentIndex: number, segmentCount: number, bytes = 1) => ({
  segmentIndex,
  segmentCount,
  payload: new Uint8Array(bytes),
});

function begun(count: number, bytes = 1): PartialMessage {
  const assembled = assemble(noPartialMessage, piece(0, count, bytes), bounds);
  if (assembled.kind !== 'incomplete') throw new Error(assembled.kind);
  return assembled.partial;
}

describe('R19: reassembly', () => {
  it('hands a message of one segment on as it came, without a copy', () => {
    const segment = piece(0, 1, 3);
    const assembled = assemble(noPartialMessage, segment, bounds);
    expect(assembled).toEqual({ kind: 'complete', message: segment.payload });
    expect(assembled.kind === 'complete' && assembled.message).toBe(segment.payload);
  });

  it('puts together what was cut', () => {
    const message = fc.uint8Array({ minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(message, fc.integer({ min: 20, max: 120 }), (whole, segmentBytes) => {
        const segmentCount = countSegments(whole.length, segmentBytes);
        let partial = noPartialMessage;
        for (let segmentIndex = 0; segmentIndex < segmentCount; segmentIndex += 1) {
          const payload = segmentOf(whole, segmentIndex, segmentBytes);
          const assembled = assemble(partial, { segmentIndex, segmentCount, payload }, bounds);
          if (segmentIndex < segmentCount - 1) {
            if (assembled.kind !== 'incomplete') throw new Error(assembled.kind);
            partial = assembled.partial;
            expect(partial.parts.length).toBe(segmentIndex + 1);
            expect(partial.bytes).toBe((segmentIndex + 1) * segmentBytes);
          } else {
            expect(assembled).toEqual({ kind: 'complete', message: whole });
          }
        }
      }),
    );
  });

  it('contradicts a message that does not start with its first segment', () => {
    expect(assemble(noPartialMessage, piece(1, 3), bounds)).toEqual({
      kind: 'contradictory',
      message: 'segment 1 of 3 came where the first of a message belongs',
    });
  });

  it('contradicts a segment that is not the next of its message', () => {
    for (const wrong of [piece(0, 3), piece(2, 3), piece(1, 4), piece(1, 2), piece(0, 1)]) {
      const assembled = assemble(begun(3), wrong, bounds);
      expect(assembled.kind).toBe('contradictory');
      expect(assembled.kind === 'contradictory' && assembled.message).toContain('where segment 1 of 3 belongs');
    }
  });

  it('takes a message of exactly its bounds and nothing beyond', () => {
    expect(assemble(noPartialMessage, piece(0, 1, 100), bounds).kind).toBe('complete');
    expect(assemble(noPartialMessage, piece(0, 1, 101), bounds).kind).toBe('oversized');
    expect(assemble(begun(2, 60), piece(1, 2, 40), bounds).kind).toBe('complete');
    expect(assemble(begun(2, 60), piece(1, 2, 41), bounds).kind).toBe('oversized');
    expect(assemble(noPartialMessage, piece(0, 5), bounds).kind).toBe('incomplete');
    expect(assemble(noPartialMessage, piece(0, 6), bounds)).toEqual({
      kind: 'oversized',
      message: 'the message has more than 100 bytes or 5 segments',
    });
  });
});
