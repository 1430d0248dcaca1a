/**
 * What one command copies: sources, each to its name in or as the target, as `cp` decides it. Links that a person names
 * are followed.
 */
import { dirname, join } from 'node:path';
import type { FileFacts } from '../host/file-facts.js';
import { CopyError, isFull, isLoss } from './copy-error.js';
import { cannotRead, type Spot, trying } from './file-copy.js';
import { nameOf } from './operands.js';
import type { Place } from './place.js';
import { statOf, type TreeCopy, type TreeCopyOptions } from './tree-copy.js';

/** A path as its user wrote it. */
export interface Named {
  readonly place: Place;
  readonly path: string;
}

type Found = Spot & { readonly facts: FileFacts | undefined };

/** Rejects when nothing more can be copied; what of it cannot be is told to the watch. */
export async function copyAll(sources: readonly Named[], target: Named, copy: TreeCopy, options: TreeCopyOptions) {
  const found = await find(target);
  const isFolder = found.facts?.kind === 'directory';
  if (sources.length > 1 && !isFolder) {
    throw new CopyError(
      'not_a_folder',
      `${target.place.show(target.path)} must be a folder that is there, for several`,
    );
  }
  for (const source of sources) {
    options.signal.throwIfAborted();
    try {
      await copyOne(source, found, target.path.endsWith('/'), copy);
    } catch (error) {
      if (!(error instanceof CopyError) || isFull(error) || isLoss(error)) throw error;
      copy.tally.failed += 1;
      options.watch.failed(error);
    }
  }
}

async function copyOne(source: Named, target: Found, mustBeFolder: boolean, copy: TreeCopy): Promise<void> {
  const { facts, ...from } = await findSource(source);
  const isFolder = target.facts?.kind === 'directory';
  const { place } = target;
  if (mustBeFolder && !isFolder && facts.kind !== 'directory') {
    throw new CopyError('not_a_folder', `${place.show(target.path)} is not a folder that is there`);
  }
  const name = nameOf(source.path) || (facts.kind === 'directory' ? '' : nameOf(from.path));
  const to = isFolder && name !== '' ? await find({ place, path: join(target.path, name) }) : target;
  if (from.place.identity === place.identity) requireApart(from, to);
  if (to.facts === undefined) await requireFolder({ place, path: dirname(to.path) });
  await copy.copy({ ...from, facts }, to);
}

/** Rejects when nothing is there. */
export async function findSource(source: Named): Promise<Spot & { readonly facts: FileFacts }> {
  const found = await find(source);
  const { facts } = found;
  if (facts === undefined || facts.kind === 'symlink') {
    const what = facts === undefined ? 'nothing is there' : 'it is a link that leads nowhere';
    throw new CopyError('not_found', `${cannotRead(found)}: ${what}`);
  }
  return { ...found, facts };
}

/** Where the path leads, if it leads anywhere; a link that leads nowhere is itself. */
export async function find({ place, path }: Named): Promise<Found> {
  const spot = { place, path: await trying(cannotRead({ place, path }), () => place.resolve(path)) };
  const facts = await statOf(spot);
  if (facts?.kind !== 'symlink') return { ...spot, facts };
  try {
    const followed = { place, path: await place.follow(spot.path) };
    return { ...followed, facts: await statOf(followed) };
  } catch (error) {
    if (isLoss(error)) throw error;
    return { ...spot, facts };
  }
}

/** Before anything is sent. */
export async function requireFolder(folder: Spot): Promise<void> {
  const { facts } = await find(folder);
  if (facts?.kind === 'directory') return;
  const name = folder.place.show(folder.path);
  const what = facts === undefined ? 'is not there: make it first' : 'is no folder';
  throw new CopyError('no_folder', `the folder ${name} ${what}`);
}

function requireApart(from: Spot, to: Spot): void {
  if (from.path === to.path) {
    throw new CopyError('same_file', `${from.place.show(from.path)} would be copied onto itself`);
  }
  if (to.path.startsWith(from.path === '/' ? '/' : `${from.path}/`)) {
    throw new CopyError('same_file', `${from.place.show(from.path)} would be copied into itself`);
  }
}
