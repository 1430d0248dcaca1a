import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteRing } from '../../machines/protocol/byte-ring.js';

/** Bytes that tell where they are, counted round 251. */
const pattern = Buffer.from(Array.from({ length: 10_000 }, (_, n) => n % 251));

describe('ring of bytes', () => {
  it('gives back what was written and is to be kept, however it was written', () => {
    const step = fc.record({ size: fc.nat(9000), keep: fc.nat(12_000), trim: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 20_000 }), (steps, usualRoom) => {
        const ring = new ByteRing(usualRoom);
        let all = Buffer.alloc(0);
        let kept = 0;
        for (const { size, keep, trim } of steps) {
          kept = Math.max(kept, all.length - keep);
          const bytes = pattern.subarray(all.length % 251, (all.length % 251) + size);
          ring.write(bytes, kept);
          all = Buffer.concat([all, bytes]);
          if (trim) ring.trim(kept);
          expect(ring.end).toBe(all.length);
          expect(all.subarray(kept).equals(ring.read(kept, ring.end))).toBe(true);
          const middle = kept + Math.floor((all.length - kept) / 2);
          expect(all.subarray(kept, middle).equals(ring.read(kept, middle))).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('takes no more memory than usual while what is kept fits', () => {
    const ring = new ByteRing(100_000);
    for (let written = 0; written < 3_000_000; written += 1000) {
      ring.write(new Uint8Array(1000), Math.max(0, ring.end - 99_000));
      expect(ring.room).toBeLessThanOrEqual(100_000);
    }
    ring.trim(ring.end - 10);
    expect(ring.room).toBe(10);
  });
});
