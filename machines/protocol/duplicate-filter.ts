/**
 * What the numbers of a cleartext peer tell: which frames came twice, where a duplicate would run a request twice
 * (relay.md W4), and whether one never came, where its sender will never send it again (W1).
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
  /** Every seq up to this one was taken; -1 before the first frame. */
  readonly complete: number;
}

const WIDTH = 32;

export const newDuplicateFilter: DuplicateFilter = { trust: 'unproven', highest: -1, taken: 0, complete: -1 };

/** Whether a frame of a peer that counts has not come although a later one has. */
export function isFrameMissing({ trust, highest, complete }: DuplicateFilter): boolean {
  return trust === 'counting' && complete !== highest;
}

/** The filter while a batch is worked on; lives no longer than that. */
export class DuplicateFilterDraft {
  #trust: DuplicateFilter['trust'];
  #highest: number;
  #taken: number;
  #complete: number;

  constructor({ trust, highest, taken, complete }: DuplicateFilter) {
    this.#trust = trust;
    this.#highest = highest;
    this.#taken = taken;
    this.#complete = complete;
  }

  /** Judges the next frame of the batch and remembers it. */
  isDuplicate(seq: number): boolean {
    switch (this.#trust) {
      case 'uncounted':
        return false;
      case 'unproven':
        this.#prove(seq);
        return false;
      case 'counting':
        return this.#wasTaken(seq);
    }
  }

  finish(): DuplicateFilter {
    return { trust: this.#trust, highest: this.#highest, taken: this.#taken, complete: this.#complete };
  }

  #prove(seq: number): void {
    if (seq !== this.#highest + 1) {
      this.#trust = 'uncounted';
      return;
    }
    this.#taken = ((this.#taken << 1) | 1) >>> 0;
    this.#highest = seq;
    this.#complete = seq;
    if (seq === 1) this.#trust = 'counting';
  }

  #wasTaken(seq: number): boolean {
    // Signed distance, so that the wrap at 2^32 is one step forward.
    const ahead = (seq - this.#highest) | 0;
    if (ahead > 0) {
      this.#taken = ahead >= WIDTH ? 1 : ((this.#taken << ahead) | 1) >>> 0;
      this.#highest = seq;
      this.#advance();
      return false;
    }
    const bit = -ahead < WIDTH ? (1 << -ahead) >>> 0 : 0;
    if (bit === 0 || (this.#taken & bit) !== 0) return true;
    this.#taken = (this.#taken | bit) >>> 0;
    this.#advance();
    return false;
  }

  /** Past what is there now; a frame that fell out of the window is not taken any more, so its gap stays. */
  #advance(): void {
    for (;;) {
      const behind = (this.#highest - this.#complete) | 0;
      if (behind <= 0 || behind > WIDTH || (this.#taken & (1 << (behind - 1))) === 0) return;
      this.#complete = (this.#complete + 1) >>> 0;
    }
  }
}
