/**
 * An open file as a stream of blocks, several under way at a time, in order.
 */
import type { BlockFile } from './place.js';

export interface Stretch {
  /** A multiple of `blockBytes`. */
  readonly from: number;
  /** Where reading stops, in bytes from the beginning; where the file ends, if that is before. */
  readonly to: number;
  readonly blockBytes: number;
}

export async function* readBlocks(file: BlockFile, { from, to, blockBytes }: Stretch): AsyncGenerator<Buffer> {
  const coming: Promise<Buffer>[] = [];
  let next = from;
  for (;;) {
    while (coming.length < file.depth && next < to) {
      const block = file.read(next, Math.min(blockBytes, to - next));
      // It may fail before anybody waits for it.
      block.catch(() => {});
      coming.push(block);
      next += blockBytes;
    }
    const block = await coming.shift();
    if (block === undefined) return;
    if (block.length > 0) yield block;
    if (block.length < blockBytes) return;
  }
}

/** Writes one after the other, without waiting for each. */
export class BlockWriter {
  readonly #file: BlockFile;
  readonly #underWay: Promise<void>[] = [];
  #offset: number;

  constructor(file: BlockFile, from: number) {
    this.#file = file;
    this.#offset = from;
  }

  /** Rejects when an earlier one failed. */
  async write(bytes: Buffer): Promise<void> {
    const writing = this.#file.write(this.#offset, bytes);
    writing.catch(() => {});
    this.#underWay.push(writing);
    this.#offset += bytes.length;
    while (this.#underWay.length >= this.#file.depth) await this.#underWay.shift();
  }

  async finish(): Promise<void> {
    for (const writing of this.#underWay.splice(0)) await writing;
  }
}
