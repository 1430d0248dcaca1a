/**
 * The retained output of one process and its one counter of events (jsonrpc.md §4.2 to §4.4): pure arithmetic.
 * It does not know who reads, when, or what a chunk means; it never copies a chunk.
 */

export type OutputStream = 'stdout' | 'stderr' | 'pty';

export interface OutputChunk {
  /** Position among all events of the process, from 1; never reused, also after eviction. */
  readonly seq: number;
  readonly stream: OutputStream;
  readonly bytes: Uint8Array;
}

export interface OutputLogLimits {
  /** Bytes of output kept; whole chunks are evicted, oldest first. */
  readonly retainedBytes: number;
  /** Chunks kept, so that a program that writes byte by byte is bounded too. */
  readonly retainedChunks: number;
}

const defaultOutputLogLimits: OutputLogLimits = { retainedBytes: 1024 * 1024, retainedChunks: 50_000 };

export interface OutputPage {
  readonly chunks: readonly OutputChunk[];
  /** Where the next read goes on: `afterSeq` = this minus one. */
  readonly nextSeq: number;
}

/** Evicted slots are cut off the array when there are this many, so that eviction costs nothing per chunk. */
const COMPACT_AT = 1024;

export class OutputLog {
  readonly #limits: OutputLogLimits;
  #chunks: OutputChunk[] = [];
  #first = 0;
  #bytes = 0;
  #nextSeq = 1;

  constructor(limits: OutputLogLimits = defaultOutputLogLimits) {
    this.#limits = limits;
  }

  /** The seq the next event of the process will get. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Seq of the newest retained chunk; 0 when none is. */
  get lastChunkSeq(): number {
    return this.#chunks.at(-1)?.seq ?? 0;
  }

  /** Bytes retained now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the next seq for an event that is not output (exited, closed). */
  claimSeq(): number {
    return this.#nextSeq++;
  }

  /** Retains one chunk and returns its seq. The newest chunk always stays, however large. */
  append(stream: OutputStream, bytes: Uint8Array): number {
    const seq = this.claimSeq();
    this.#chunks.push({ seq, stream, bytes });
    this.#bytes += bytes.byteLength;
    this.#evict();
    return seq;
  }

  /**
   * Retained chunks with a seq above `afterSeq`. With `maxBytes` it stops before the chunk that would exceed it,
   * but returns at least one; chunks are never split. A gap in the seqs is output that was evicted.
   */
  read(afterSeq = 0, maxBytes?: number): OutputPage {
    const from = this.#firstAfter(afterSeq);
    if (maxBytes === undefined) return { chunks: this.#chunks.slice(from), nextSeq: this.#nextSeq };
    let end = from;
    let total = 0;
    while (end < this.#chunks.length) {
      total += this.#chunks[end]?.bytes.byteLength ?? 0;
      if (end > from && total > maxBytes) break;
      end++;
    }
    const chunks = this.#chunks.slice(from, end);
    const last = chunks.at(-1);
    return { chunks, nextSeq: last === undefined ? this.#nextSeq : last.seq + 1 };
  }

  /** Index of the first retained chunk above `afterSeq`, by bisection. */
  #firstAfter(afterSeq: number): number {
    let low = this.#first;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.seq ?? 0) > afterSeq) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #evict(): void {
    while (
      this.#chunks.length - this.#first > 1 &&
      (this.#bytes > this.#limits.retainedBytes || this.#chunks.length - this.#first > this.#limits.retainedChunks)
    ) {
      const evicted = this.#chunks[this.#first];
      if (evicted === undefined) return;
      this.#bytes -= evicted.bytes.byteLength;
      // The slot must not keep the bytes alive until it is cut off.
      this.#chunks[this.#first] = { seq: evicted.seq, stream: evicted.stream, bytes: EMPTY };
      this.#first++;
    }
    if (this.#first >= COMPACT_AT) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#first = 0;
    }
  }
}

const EMPTY = new Uint8Array(0);
