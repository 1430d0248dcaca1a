/**
 * Duplicate suppression for the cleartext profile, where a duplicate would run a request twice (relay.md W4).
 * Releases count frames from 0, but no receiver ever read their numbers, so a peer is believed to count only once it
 * has shown that it does; until then every frame is taken. Order is left alone: arrival order is the contract (§4.2.2).
 */

export interface DuplicateFilter {
  /** `unproven` until the second frame; `uncounted` for ever when the numbers make no sense. */
  readonly trust: 'unproven' | 'counting' | 'uncounted';
  /** Highest seq taken; -1 before the first frame. */
  readonly highest: number;
  /** Bit i says that highest - i was taken. */
  readonly taken: number;
}

const WIDTH = 32;

export const newDuplicateFilter: DuplicateFilter = { trust: 'unproven', highest: -1, taken: 0 };

/** Judges one frame; the filter to use for the next one comes with the verdict. */
export function filterDuplicate(
  filter: DuplicateFilter,
  seq: number,
): { readonly filter: DuplicateFilter; readonly duplicate: boolean } {
  if (filter.trust === 'uncounted') return { filter, duplicate: false };
  if (filter.highest === -1) {
    return seq === 0
      ? { filter: { trust: 'unproven', highest: 0, taken: 1 }, duplicate: false }
      : { filter: { ...filter, trust: 'uncounted' }, duplicate: false };
  }
  // Signed distance, so that the wrap at 2^32 is one step forward.
  const ahead = (seq - filter.highest) | 0;
  if (filter.trust === 'unproven') {
    return ahead === 1
      ? { filter: { trust: 'counting', highest: seq, taken: 0b11 }, duplicate: false }
      : { filter: { ...filter, trust: 'uncounted' }, duplicate: false };
  }
  if (ahead > 0) {
    const taken = ahead >= WIDTH ? 1 : ((filter.taken << ahead) | 1) >>> 0;
    return { filter: { ...filter, highest: seq, taken }, duplicate: false };
  }
  const back = -ahead;
  if (back >= WIDTH) return { filter, duplicate: true };
  const bit = (1 << back) >>> 0;
  if ((filter.taken & bit) !== 0) return { filter, duplicate: true };
  return { filter: { ...filter, taken: (filter.taken | bit) >>> 0 }, duplicate: false };
}
