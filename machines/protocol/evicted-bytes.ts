/**
 * How many bytes of output a reader has missed, exactly, from where it stopped reading: pure arithmetic beside
 * `OutputLog`, which evicts. It keeps one number an evicted chunk and never a byte of output.
 */

/** Seqs start here, so that reading after anything below means reading from the start. */
const FIRST_SEQ = 1;

export class EvictedBytes {
  readonly #mostSeqs: number;
  /** Bytes evicted up to and with each seq, from `#firstSeq` without a gap. */
  #through: number[] = [];
  #firstSeq = FIRST_SEQ;
  #total = 0;

  /** `mostSeqs`: how far back it remembers at most; at least half of it is always remembered. */
  constructor(mostSeqs: number) {
    this.#mostSeqs = Math.max(2, mostSeqs);
  }

  /** Takes evicted chunks in the order of their seqs. */
  add(seq: number, bytes: number): void {
    // Exit and end of a process take seqs too, and no bytes.
    while (this.#firstSeq + this.#through.length < seq) this.#through.push(this.#total);
    this.#total += bytes;
    this.#through.push(this.#total);
    if (this.#through.length <= this.#mostSeqs) return;
    const forgotten = this.#through.length - (this.#mostSeqs >>> 1);
    this.#through = this.#through.slice(forgotten);
    this.#firstSeq += forgotten;
  }

  /**
   * Bytes evicted with a seq above `afterSeq`; null when some are, but that seq is so long gone that nobody can tell
   * how many.
   */
  after(afterSeq: number): number | null {
    if (afterSeq < FIRST_SEQ) return this.#total;
    const at = afterSeq - this.#firstSeq;
    if (at >= this.#through.length) return 0;
    // The entry before the first one is known as long as nothing was forgotten.
    if (at >= 0) return this.#total - (this.#through[at] ?? 0);
    return null;
  }
}
