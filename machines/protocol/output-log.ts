/**
 * The retained output of one process and its one counter of events (jsonrpc.md §4.2 to §4.4): pure arithmetic.
 * It does not know who reads, when, or what a chunk means. Chunks are copied in and out, never kept.
 */

import { ByteRing } from './byte-ring.js';
import { EvictedBytes } from './evicted-bytes.js';

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

/** What a chunk costs beside its bytes, roughly: the objects that hold it. */
const CHUNK_COST_BYTES = 256;

/** No chunk is larger. Whole chunks are evicted, so a log that must not fall below a number of bytes keeps more. */
const LARGEST_CHUNK_BYTES = 64 * 1024;

/**
 * For a process that was promised to keep at least this many bytes, and that counts what it evicts. One that writes in
 * tiny pieces is held to the number of chunks that cost as much as the bytes do.
 */
export function promisedOutputLog(retainBytes: number): OutputLog {
  const retainedChunks = Math.max(defaultOutputLogLimits.retainedChunks, Math.ceil(retainBytes / CHUNK_COST_BYTES));
  const retainedBytes = retainBytes + LARGEST_CHUNK_BYTES;
  return new OutputLog({ retainedBytes, retainedChunks }, new EvictedBytes(retainedChunks));
}

export interface OutputPage {
  readonly chunks: readonly OutputChunk[];
  /** Where the next read goes on: `afterSeq` = this minus one. */
  readonly nextSeq: number;
}

/** Evicted slots are cut off the array when there are this many, so that eviction costs nothing per chunk. */
const COMPACT_AT = 1024;

/** A chunk whose bytes are at these positions of the ring. */
interface Placed {
  readonly seq: number;
  readonly stream: OutputStream;
  readonly start: number;
  readonly end: number;
}

export class OutputLog {
  readonly #limits: OutputLogLimits;
  readonly #ring: ByteRing;
  #chunks: Placed[] = [];
  #first = 0;
  #bytes = 0;
  #totalBytes = 0;
  #nextSeq = 1;
  readonly #evicted: EvictedBytes | undefined;

  /** With `evicted` it can tell what a reader has missed. */
  constructor(limits: OutputLogLimits = defaultOutputLogLimits, evicted?: EvictedBytes) {
    this.#limits = limits;
    this.#ring = new ByteRing(limits.retainedBytes);
    this.#evicted = evicted;
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

  /** Bytes ever appended. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Bytes of memory, roughly: while a log grows towards what it may retain, its ring can be twice as large. */
  get cost(): number {
    return this.#bytes + (this.#chunks.length - this.#first) * CHUNK_COST_BYTES;
  }

  /** Takes the next seq for an event that is not output (exited, closed). */
  claimSeq(): number {
    return this.#nextSeq++;
  }

  /** Retains one chunk and returns its seq. The newest chunk always stays, however large. */
  append(stream: OutputStream, bytes: Uint8Array): number {
    const seq = this.claimSeq();
    const start = this.#ring.end;
    this.#chunks.push({ seq, stream, start, end: start + bytes.byteLength });
    this.#bytes += bytes.byteLength;
    this.#totalBytes += bytes.byteLength;
    const { retainedBytes, retainedChunks } = this.#limits;
    while (this.#bytes > retainedBytes || this.#chunks.length - this.#first > retainedChunks) {
      if (!this.#evictOldest()) break;
    }
    this.#ring.write(bytes, this.#start);
    return seq;
  }

  /** Evicts until it costs no more than this; the newest chunk stays all the same. */
  shrink(cost: number): void {
    while (this.cost > cost && this.#evictOldest());
    this.#ring.trim(this.#start);
  }

  /** Where the oldest retained byte is in the ring. */
  get #start(): number {
    return this.#chunks[this.#first]?.start ?? this.#ring.end;
  }

  /**
   * Bytes evicted with a seq above `afterSeq`: what somebody who read so far can never read. Null: some, and nobody
   * knows how many. Always 0 for a log that does not count.
   */
  missedAfter(afterSeq: number): number | null {
    return this.#evicted?.after(afterSeq) ?? (this.#evicted === undefined ? 0 : null);
  }

  /**
   * Retained chunks with a seq above `afterSeq`. With `maxBytes` it stops before the chunk that would exceed it,
   * but returns at least one; chunks are never split. A gap in the seqs is output that was evicted.
   */
  read(afterSeq = 0, maxBytes?: number): OutputPage {
    const from = this.#firstAfter(afterSeq);
    if (maxBytes === undefined) return { chunks: this.#copyOut(from), nextSeq: this.#nextSeq };
    let end = from;
    let total = 0;
    while (end < this.#chunks.length) {
      total += sizeOf(this.#chunks[end]);
      if (end > from && total > maxBytes) break;
      end++;
    }
    const chunks = this.#copyOut(from, end);
    const last = chunks.at(-1);
    return { chunks, nextSeq: last === undefined ? this.#nextSeq : last.seq + 1 };
  }

  #copyOut(from: number, end?: number): OutputChunk[] {
    return this.#chunks.slice(from, end).map(({ seq, stream, start, end }) => {
      return { seq, stream, bytes: this.#ring.read(start, end) };
    });
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

  /** False when only the newest is left. */
  #evictOldest(): boolean {
    const evicted = this.#chunks[this.#first];
    if (evicted === undefined || this.#chunks.length - this.#first <= 1) return false;
    this.#bytes -= sizeOf(evicted);
    this.#evicted?.add(evicted.seq, sizeOf(evicted));
    this.#first++;
    if (this.#first >= COMPACT_AT) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#first = 0;
    }
    return true;
  }
}

function sizeOf(chunk: Placed | undefined): number {
  return chunk === undefined ? 0 : chunk.end - chunk.start;
}
