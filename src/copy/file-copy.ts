/**
 * One regular file from one place to another: into a partial file beside the target, checked as a whole, then renamed.
 * The partial file's name follows from what is copied where, so that a second try finds what the first has left.
 */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { FileFacts } from '../host/file-facts.js';
import { BlockWriter, readBlocks } from './block-stream.js';
import { CopyError, explained } from './copy-error.js';
import type { BlockFile, Place } from './place.js';

export interface Spot {
  readonly place: Place;
  readonly path: string;
}

export interface FileCopy {
  readonly source: Spot & { readonly facts: FileFacts };
  /** `facts`: of the file that is replaced. */
  readonly target: Spot & { readonly facts: FileFacts | undefined };
  /** What an earlier try has left under {@link partialPath}. */
  readonly partial: FileFacts | undefined;
  /** Modification time, and all of the mode. */
  readonly preserve: boolean;
  readonly signal: AbortSignal;
  /** So many bytes more are there. */
  readonly advanced: (bytes: number) => void;
}

export interface CopiedFile {
  /** In hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** Of them, what an earlier try had brought. */
  readonly resumedBytes: number;
}

/** rwx of all three; who wants set-user-id and the like says so. */
const PERMISSIONS = 0o777;

export function partialPath(source: Spot & { readonly facts: FileFacts }, target: Spot): string {
  const { size, modifiedAtMs } = source.facts;
  const what = JSON.stringify([source.place.identity, source.path, size, modifiedAtMs, target.path]);
  return join(dirname(target.path), partialName(what));
}

export function partialName(what: string): string {
  return `.signalbox-${createHash('sha256').update(what).digest('hex').slice(0, 16)}.part`;
}

/** Rejects with CopyError and HarnessError. Under the target's name there is the old file or the whole new one. */
export async function copyFile(copy: FileCopy): Promise<CopiedFile> {
  const { source, target } = copy;
  const partial = { place: target.place, path: partialPath(source, target) };
  const reading = await trying(cannotRead(source), () => source.place.open(source.path, 'read'));
  try {
    const { from, bytes } = await fill(copy, partial, reading);
    const sha256 = await compare(copy, partial);
    await putInPlace(copy, partial);
    return { sha256, bytes, resumedBytes: from };
  } finally {
    await reading.close().catch(() => {});
  }
}

async function fill(copy: FileCopy, partial: Spot, reading: BlockFile): Promise<{ from: number; bytes: number }> {
  const { source, target, signal, advanced } = copy;
  const { place } = target;
  const failing = cannotWrite(target);
  const kept = await trying(failing, () => keptBytes(copy, partial));
  const writing = await trying(failing, () => place.open(partial.path, 'write'));
  try {
    const blockBytes = Math.max(reading.blockBytes, writing.blockBytes);
    const from = kept - (kept % blockBytes);
    advanced(from);
    const writer = new BlockWriter(writing, from);
    let bytes = from;
    const blocks = readBlocks(reading, { from, to: endOf(source.facts), blockBytes });
    for (;;) {
      const { value: block, done } = await trying(cannotRead(source), () => blocks.next());
      if (done) break;
      signal.throwIfAborted();
      await trying(failing, () => writer.write(block));
      bytes += block.length;
      advanced(block.length);
    }
    await trying(failing, () => writer.finish());
    return { from, bytes };
  } finally {
    await writing.close().catch(() => {});
  }
}

/** Some files, of procfs for instance, hold more than the nothing they say. */
function endOf({ size }: FileFacts): number {
  return size === 0 ? Number.POSITIVE_INFINITY : size;
}

/** How many bytes of the partial file are the source's; one that is of no use is removed. */
async function keptBytes({ source, target, partial: facts }: FileCopy, partial: Spot): Promise<number> {
  if (facts === undefined) return 0;
  if (facts.kind === 'file' && facts.size > 0 && facts.size <= source.facts.size) {
    const [theirs, ours] = await Promise.all([
      source.place.hash(source.path, facts.size),
      target.place.hash(partial.path),
    ]);
    if (theirs.sha256 === ours.sha256) return facts.size;
  }
  await target.place.remove(partial.path);
  return 0;
}

/** Resolves with the checksum. */
async function compare({ source, target }: FileCopy, partial: Spot): Promise<string> {
  const [theirs, ours] = await Promise.all([
    trying(cannotRead(source), () => source.place.hash(source.path)),
    trying(cannotWrite(target), () => target.place.hash(partial.path)),
  ]);
  if (theirs.sha256 === ours.sha256) return ours.sha256;
  await target.place.remove(partial.path);
  const now = await source.place.stat(source.path);
  const changed = now?.modifiedAtMs !== source.facts.modifiedAtMs || theirs.length !== ours.length;
  const name = source.place.show(source.path);
  throw changed
    ? new CopyError('source_changed', `${name} changed while it was copied: copy it again when it is at rest`)
    : new CopyError('checksum_differs', `${name} arrived damaged and was thrown away: copy it again`);
}

async function putInPlace({ source, target, preserve }: FileCopy, partial: Spot): Promise<void> {
  const { place, path, facts: replaced } = target;
  const { mode, modifiedAtMs } = source.facts;
  const attributes = preserve ? { mode, modifiedAtMs } : { mode: replaced?.mode ?? mode & PERMISSIONS };
  await trying(cannotWrite(target), async () => {
    await place.setAttributes(partial.path, attributes);
    await place.rename(partial.path, path);
  });
}

export function cannotRead({ place, path }: Spot): string {
  return `cannot read ${place.show(path)}`;
}

export function cannotWrite({ place, path }: Spot): string {
  return `cannot write ${place.show(path)}`;
}

export async function trying<Result>(doing: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw explained(doing, error);
  }
}
