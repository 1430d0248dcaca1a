import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DuplicateFilter,
  DuplicateFilterDraft,
  isFrameMissing,
  newDuplicateFilter,
} from '../../../machines/protocol/duplicate-filter.js';

/** The filter after these frames. */
function filterAfter(seqs: readonly number[], from = newDuplicateFilter): DuplicateFilter {
  const draft = new DuplicateFilterDraft(from);
  for (const seq of seqs) draft.isDuplicate(seq);
  return draft.finish();
}

const isMissing = (...seqs: number[]) => isFrameMissing(filterAfter(seqs));

/** Which of these frames are taken, in arrival order. */
function taken(seqs: readonly number[], from = newDuplicateFilter): number[] {
  let filter: DuplicateFilter = from;
  return seqs.filter((seq) => {
    // A draft a frame: what one batch remembers must be what the next one knows.
    const draft = new DuplicateFilterDraft(filter);
    const duplicate = draft.isDuplicate(seq);
    filter = draft.finish();
    return !duplicate;
  });
}

describe('R8: the duplicate filter', () => {
  it('takes frames that count, once each', () => {
    expect(taken([0, 1, 2, 2, 3, 1, 0, 3, 4])).toEqual([0, 1, 2, 3, 4]);
  });

  it('leaves the order of arrival alone, and gaps too', () => {
    expect(taken([0, 1, 3, 2, 7, 3, 5, 7])).toEqual([0, 1, 3, 2, 7, 5]);
  });

  it('takes everything from a peer that does not count', () => {
    expect(taken([0, 0, 0])).toEqual([0, 0, 0]);
    expect(taken([5, 5, 6, 6])).toEqual([5, 5, 6, 6]);
    expect(taken([1, 2, 2])).toEqual([1, 2, 2]);
    expect(taken([0, 2, 2, 3, 3])).toEqual([0, 2, 2, 3, 3]);
  });

  it('knows nothing of what it leapt over, at the width of its memory and beyond', () => {
    for (const leap of [31, 32, 33, 64, 1000]) {
      const to = 1 + leap;
      // What lies 31 back or less and was not seen is taken; what was, or lies further back, is not.
      const late = [to, to - 1, to - 31, to - 32, to - 33].filter((seq) => seq >= 0);
      const expected = late.filter((seq) => seq !== to && seq > 1 && to - seq < 32);
      expect(taken([0, 1, to, ...late])).toEqual([0, 1, to, ...expected]);
    }
  });

  it('knows the last 32 numbers, and takes nothing older', () => {
    const start = Array.from({ length: 40 }, (_, seq) => seq).filter((seq) => seq !== 7 && seq !== 8 && seq !== 39);
    const counting = [...start, 39];
    // 39 is the highest: 8 is 31 back and unseen, 7 is 32 back.
    expect(taken([...counting, 8])).toEqual([...counting, 8]);
    expect(taken([...counting, 8, 8])).toEqual([...counting, 8]);
    expect(taken([...counting, 7])).toEqual(counting);
  });

  it('forgets what lies behind a leap', () => {
    // 31 ahead keeps the oldest bit, 32 ahead keeps none.
    expect(taken([0, 1, 32, 1])).toEqual([0, 1, 32]);
    expect(taken([0, 1, 32, 2])).toEqual([0, 1, 32, 2]);
    expect(taken([0, 1, 33, 1, 2, 33])).toEqual([0, 1, 33, 2]);
    expect(taken([0, 1, 1000, 999, 1000])).toEqual([0, 1, 1000, 999]);
  });

  it('counts on over the wrap at 2^32', () => {
    const last = 4_294_967_295;
    const near: DuplicateFilter = { trust: 'counting', highest: last - 1, taken: 0b1, complete: last - 1 };
    expect(taken([last, 0, last, 1, 0, 2], near)).toEqual([last, 0, 1, 2]);
  });

  it('takes each number once whatever duplicates and neighbours a network makes', () => {
    const length = fc.integer({ min: 2, max: 200 });
    const mischief = fc.array(fc.tuple(fc.nat(200), fc.constantFrom('double', 'swap')), { maxLength: 30 });
    fc.assert(
      fc.property(length, mischief, (count, faults) => {
        const arriving = Array.from({ length: count }, (_, seq) => seq);
        for (const [place, fault] of faults) {
          // The first two arrive in order: they are what the peer is believed by.
          const at = 2 + (place % Math.max(1, arriving.length - 2));
          if (at >= arriving.length - 1) continue;
          if (fault === 'double') arriving.splice(at, 0, arriving[at] as number);
          else arriving.splice(at, 2, arriving[at + 1] as number, arriving[at] as number);
        }
        // At most 30 swaps: no frame falls further back than the filter remembers.
        expect(taken(arriving)).toEqual([...new Set(arriving)]);
      }),
    );
  });

  it('knows a gap from when a later frame came until the missing ones did', () => {
    expect(isMissing()).toBe(false);
    expect(isMissing(0)).toBe(false);
    expect(isMissing(0, 1)).toBe(false);
    expect(isMissing(0, 1, 3)).toBe(true);
    expect(isMissing(0, 1, 3, 2)).toBe(false);
    expect(isMissing(0, 1, 5, 2, 4)).toBe(true);
    expect(isMissing(0, 1, 5, 2, 4, 3)).toBe(false);
    expect(isMissing(0, 1, 2, 2, 1)).toBe(false);
  });

  it('knows how far nothing is missing', () => {
    expect(filterAfter([0, 1, 3]).complete).toBe(1);
    expect(filterAfter([0, 1, 3, 5, 6]).complete).toBe(1);
    expect(filterAfter([0, 1, 3, 5, 6, 2]).complete).toBe(3);
    expect(filterAfter([0, 1, 3, 5, 6, 2, 4]).complete).toBe(6);
  });

  it('misses nothing of a peer that does not count', () => {
    expect(isMissing(0, 0, 5)).toBe(false);
    expect(isMissing(0, 2, 3)).toBe(false);
    expect(isMissing(1, 5, 9)).toBe(false);
  });

  it('fills a gap as long as the missing frame is still taken, and keeps it for ever after', () => {
    const upTo = (last: number) => Array.from({ length: last + 1 }, (_, seq) => seq).filter((seq) => seq !== 7);
    expect(isMissing(...upTo(38))).toBe(true);
    expect(filterAfter([...upTo(38), 7]).complete).toBe(38);
    expect(isMissing(...upTo(39), 7)).toBe(true);
    expect(filterAfter([...upTo(200), 7]).complete).toBe(6);
    // Leaps, after which the distance no longer fits 32 bits with a sign.
    expect(filterAfter([0, 1, 2 ** 30, 2 ** 31, 3 * 2 ** 30]).complete).toBe(1);
  });

  it('has gaps over the wrap at 2^32', () => {
    const last = 4_294_967_295;
    const near: DuplicateFilter = { trust: 'counting', highest: last - 1, taken: 0b1, complete: last - 1 };
    expect(isFrameMissing(filterAfter([last, 0], near))).toBe(false);
    expect(filterAfter([0], near)).toMatchObject({ highest: 0, complete: last - 1 });
    expect(filterAfter([0, last, 1], near)).toMatchObject({ highest: 1, complete: 1 });
  });

  it('agrees about gaps with a list of all that came', () => {
    const arriving = fc.array(fc.nat(40), { maxLength: 60 });
    fc.assert(
      fc.property(arriving, (later) => {
        let filter = filterAfter([0, 1]);
        const came = new Set([0, 1]);
        for (const seq of later) {
          const draft = new DuplicateFilterDraft(filter);
          if (!draft.isDuplicate(seq)) came.add(seq);
          filter = draft.finish();
          let complete = 1;
          while (came.has(complete + 1)) complete += 1;
          expect(filter.complete).toBe(complete);
          expect(isFrameMissing(filter)).toBe(complete !== Math.max(...came));
        }
      }),
    );
  });
});
