/**
 * A file to or from a pipe: standard input and output of the command. There is nothing to go on with after an
 * interruption that ends the command, as a pipe gives its bytes once.
 */
import { createHash, randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FileFacts } from '../host/file-facts.js';
import { BlockWriter, readBlocks } from './block-stream.js';
import { CopyError } from './copy-error.js';
import { cannotRead, cannotWrite, partialName, type Spot, trying } from './file-copy.js';

export interface StreamedFile {
  /** In hex. */
  readonly sha256: string;
  readonly bytes: number;
}

interface Watch {
  readonly signal: AbortSignal;
  readonly advanced: (bytes: number) => void;
}

const NEW_FILE_MODE = 0o644;

/** The file appears, or is replaced, when the input has ended and all of it is there. */
export async function copyFromStream(
  input: Readable,
  target: Spot & { readonly facts: FileFacts | undefined },
  { signal, advanced }: Watch,
): Promise<StreamedFile> {
  const { place, path } = target;
  const failing = cannotWrite(target);
  const partial = join(dirname(path), partialName(randomUUID()));
  try {
    const file = await trying(failing, () => place.open(partial, 'write'));
    const sum = createHash('sha256');
    let bytes = 0;
    try {
      const writer = new BlockWriter(file, 0);
      for await (const block of blocksOf(input, file.blockBytes)) {
        signal.throwIfAborted();
        sum.update(block);
        await trying(failing, () => writer.write(block));
        bytes += block.length;
        advanced(block.length);
      }
      await trying(failing, () => writer.finish());
    } finally {
      await file.close().catch(() => {});
    }
    const sha256 = sum.digest('hex');
    await trying(failing, async () => {
      if ((await place.hash(partial)).sha256 !== sha256) {
        throw new CopyError('checksum_differs', 'what arrived is not what was sent, and was thrown away: try again');
      }
      await place.setAttributes(partial, { mode: target.facts?.mode ?? NEW_FILE_MODE });
      await place.rename(partial, path);
    });
    return { sha256, bytes };
  } catch (error) {
    await place.remove(partial).catch(() => {});
    throw error;
  }
}

/** What is wrong at the end can only be told: the bytes have left. */
export async function copyToStream(source: Spot, output: Writable, { signal, advanced }: Watch): Promise<StreamedFile> {
  const { place, path } = source;
  const failing = cannotRead(source);
  const file = await trying(failing, () => place.open(path, 'read'));
  const sum = createHash('sha256');
  let bytes = 0;
  try {
    const blocks = readBlocks(file, { from: 0, to: Number.POSITIVE_INFINITY, blockBytes: file.blockBytes });
    for (;;) {
      const { value: block, done } = await trying(failing, () => blocks.next());
      if (done) break;
      signal.throwIfAborted();
      sum.update(block);
      bytes += block.length;
      await written(output, block);
      advanced(block.length);
    }
  } finally {
    await file.close().catch(() => {});
  }
  output.end();
  await finished(output);
  const sha256 = sum.digest('hex');
  const there = await trying(failing, () => place.hash(path));
  if (there.sha256 === sha256) return { sha256, bytes };
  throw new CopyError(
    'source_changed',
    `${place.show(path)} changed while it was copied: what was printed is of no use`,
  );
}

function written(output: Writable, block: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(block, (error) => (error ? reject(error) : resolve()));
  });
}

/** In blocks of exactly this size, but for the last. */
async function* blocksOf(input: Readable, blockBytes: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes < blockBytes) continue;
    const all = Buffer.concat(held, heldBytes);
    const whole = heldBytes - (heldBytes % blockBytes);
    for (let at = 0; at < whole; at += blockBytes) yield all.subarray(at, at + blockBytes);
    held = [all.subarray(whole)];
    heldBytes -= whole;
  }
  if (heldBytes > 0) yield Buffer.concat(held, heldBytes);
}
