import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACK_BITS_WIDTH, acknowledges, highestAcknowledged, toAckBits } from '../../../machines/protocol/ack-bits.js';

describe('R18: ack bits', () => {
  it('stand for ack + 1 + i, the least significant first', () => {
    expect(toAckBits(5, [])).toBe(0);
    expect(toAckBits(5, [6])).toBe(0b1);
    expect(toAckBits(5, [7, 9])).toBe(0b1010);
    expect(toAckBits(0, [32])).toBe(0x8000_0000);
    expect(toAckBits(0, [2, 32])).toBe(0x8000_0002);
  });

  it('leave out what the map cannot speak of', () => {
    expect(ACK_BITS_WIDTH).toBe(32);
    expect(toAckBits(5, [4, 5, 38, 1000])).toBe(0);
    expect(toAckBits(5, [37])).toBe(0x8000_0000);
  });

  it('cover everything up to ack, and beyond it what has a bit', () => {
    expect([0, 4, 5, 6, 7, 8].map((seq) => acknowledges(5, 0b10, seq))).toEqual([true, true, true, false, true, false]);
    expect(acknowledges(5, 0x8000_0000, 37)).toBe(true);
    // A shift by 32 is a shift by 0: the segment after the map must not look at its first bit.
    expect(acknowledges(5, 0b1, 38)).toBe(false);
    expect(acknowledges(0, 0, 1)).toBe(false);
  });

  it('claim no more than their highest', () => {
    expect(highestAcknowledged(7, 0)).toBe(7);
    expect(highestAcknowledged(7, 0b1)).toBe(8);
    expect(highestAcknowledged(7, 0b1000)).toBe(11);
    expect(highestAcknowledged(7, 0x8000_0000)).toBe(39);
    expect(highestAcknowledged(4_294_967_290, 0b10)).toBe(4_294_967_292);
  });

  it('say exactly what was received', () => {
    const base = fc.integer({ min: 0, max: 4_294_967_000 });
    fc.assert(
      fc.property(base, fc.uniqueArray(fc.integer({ min: 1, max: 40 })), (ack, offsets) => {
        const seqs = offsets.map((offset) => ack + offset);
        const told = seqs.filter((seq) => seq <= ack + 32);
        const bits = toAckBits(ack, seqs);
        for (let seq = ack + 1; seq <= ack + 45; seq += 1) {
          expect(acknowledges(ack, bits, seq)).toBe(told.includes(seq));
        }
        expect(highestAcknowledged(ack, bits)).toBe(Math.max(ack, ...told));
      }),
    );
  });
});
