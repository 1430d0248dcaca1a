/**
 * Files, links and whole folders from one place to another: what `cp -r` does, one line for each thing that could not be
 * copied, and the rest all the same. Links inside a folder are copied as links; nothing is written through one.
 */
import { basename, join } from 'node:path';
import type { Attributes } from '../host/file-changes.js';
import type { FileFacts, ListedFile } from '../host/file-facts.js';
import { CopyError, isFull, isLoss } from './copy-error.js';
import { cannotRead, cannotWrite, copyFile, partialPath, type Spot, trying } from './file-copy.js';
import { Pool } from './pool.js';

export interface TreeCopyOptions {
  readonly recursive: boolean;
  readonly preserve: boolean;
  readonly signal: AbortSignal;
  readonly watch: CopyWatch;
}

/** Who wants to know how it goes. */
export interface CopyWatch {
  /** So many bytes more are to be copied. */
  expected(bytes: number): void;
  started(name: string): void;
  advanced(bytes: number): void;
  failed(error: CopyError): void;
}

export interface CopyTally {
  files: number;
  folders: number;
  links: number;
  /** Of files, those included that were there from an earlier try. */
  bytes: number;
  resumedBytes: number;
  failed: number;
  /** Of the last file, in hex. */
  sha256: string | undefined;
}

type Known = Spot & { readonly facts: FileFacts };
type Maybe = Spot & { readonly facts: FileFacts | undefined };
type Names = ReadonlyMap<string, FileFacts>;

const FILES_AT_A_TIME = 4;
/** A folder that was made must be writable until all is in it. */
const PERMISSIONS = 0o777;

export class TreeCopy {
  readonly tally: CopyTally = {
    files: 0,
    folders: 0,
    links: 0,
    bytes: 0,
    resumedBytes: 0,
    failed: 0,
    sha256: undefined,
  };
  readonly #options: TreeCopyOptions;
  readonly #pool = new Pool(FILES_AT_A_TIME);
  /** What folders get when all is in them; the outermost first. */
  readonly #attributes: { readonly folder: Spot; readonly attributes: Attributes }[] = [];

  constructor(options: TreeCopyOptions) {
    this.#options = options;
  }

  /** Rejects when nothing more can be copied at all. */
  async copy(source: Known, target: Maybe): Promise<void> {
    try {
      await this.#copyAny(source, target, undefined);
    } finally {
      await this.#pool.idle();
    }
    for (const { folder, attributes } of this.#attributes.splice(0).reverse()) {
      await this.#counted(() => trying(cannotWrite(folder), () => folder.place.setAttributes(folder.path, attributes)));
    }
  }

  /** Says of one thing why it was not copied; rejects when that holds for all others, too. */
  async #counted(work: () => Promise<void>): Promise<void> {
    this.#options.signal.throwIfAborted();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof CopyError) || isFull(error) || isLoss(error)) throw error;
      this.tally.failed += 1;
      this.#options.watch.failed(error);
    }
  }

  /** `siblings`: what else is in the target's folder, where that is known. */
  async #copyAny(source: Known, target: Maybe, siblings: Names | undefined): Promise<void> {
    switch (source.facts.kind) {
      case 'file':
        this.#options.watch.expected(source.facts.size);
        return this.#pool.run(() => this.#counted(() => this.#copyFile(source, target, siblings)));
      case 'symlink':
        return this.#counted(() => this.#copyLink(source, target));
      case 'directory':
        return this.#counted(() => this.#copyFolder(source, target));
      case 'other':
        return this.#counted(async () => {
          throw new CopyError('kind_unsupported', `${shown(source)} is neither a file nor a folder: it is left out`);
        });
    }
  }

  async #copyFile(source: Known, target: Maybe, siblings: Names | undefined): Promise<void> {
    requireReplaceable(target);
    const { preserve, signal, watch } = this.#options;
    const path = partialPath(source, target);
    const partial = siblings === undefined ? await statOf({ ...target, path }) : siblings.get(basename(path));
    watch.started(basename(source.path));
    const { advanced } = watch;
    const copied = await copyFile({ source, target, partial, preserve, signal, advanced });
    this.tally.files += 1;
    this.tally.bytes += copied.bytes;
    this.tally.resumedBytes += copied.resumedBytes;
    this.tally.sha256 = copied.sha256;
  }

  async #copyLink(source: Known, target: Maybe): Promise<void> {
    requireReplaceable(target);
    const { place, path } = target;
    const partial = partialPath(source, target);
    const { target: leads = '', modifiedAtMs } = source.facts;
    await trying(cannotWrite(target), async () => {
      await place.remove(partial);
      await place.makeLink(partial, leads);
      if (this.#options.preserve) await place.setAttributes(partial, { modifiedAtMs });
      await place.rename(partial, path);
    });
    this.tally.links += 1;
  }

  async #copyFolder(source: Known, target: Maybe): Promise<void> {
    const { recursive, preserve } = this.#options;
    if (!recursive) throw new CopyError('is_folder', `${shown(source)} is a folder: add -r to copy it`);
    const { place, facts } = target;
    if (facts !== undefined && facts.kind !== 'directory') {
      throw new CopyError('not_a_folder', `${shown(target)} is there and no folder: remove it or copy elsewhere`);
    }
    const { entries, unnameable } = await trying(cannotRead(source), () => source.place.list(source.path));
    if (facts === undefined) await trying(cannotWrite(target), () => place.makeFolder(target.path));
    const there = facts === undefined ? [] : (await trying(cannotRead(target), () => place.list(target.path))).entries;
    const { mode, modifiedAtMs } = source.facts;
    if (preserve) this.#attributes.push({ folder: target, attributes: { mode, modifiedAtMs } });
    else if (facts === undefined) this.#attributes.push({ folder: target, attributes: { mode: mode & PERMISSIONS } });
    const names: Names = new Map(there.map((entry) => [entry.name, entry]));
    for (const entry of namedOnce(entries, source)) {
      const from = { place: source.place, path: join(source.path, entry.name), facts: entry };
      const to = { place, path: join(target.path, entry.name), facts: names.get(entry.name) };
      await this.#copyAny(from, to, names);
    }
    this.tally.folders += 1;
    if (unnameable === 0) return;
    const what = `${unnameable} names in ${shown(source)} that are not UTF-8 were left out`;
    throw new CopyError('names_unsupported', `${what}: rename them, or pack the folder with tar`);
  }
}

export async function statOf({ place, path }: Spot): Promise<FileFacts | undefined> {
  return trying(cannotRead({ place, path }), () => place.stat(path));
}

/** What rename(2) would put out of the way without a word. */
function requireReplaceable(target: Maybe): void {
  const kind = target.facts?.kind;
  if (kind === 'directory') {
    throw new CopyError('is_folder', `${shown(target)} is a folder: remove it or copy elsewhere`);
  }
  if (kind === 'other') {
    throw new CopyError('not_a_file', `${shown(target)} is a device, a pipe or a socket: only files are written`);
  }
}

/** What another machine says are names may lead elsewhere. */
function namedOnce(entries: readonly ListedFile[], folder: Spot): readonly ListedFile[] {
  const seen = new Set<string>();
  for (const { name } of entries) {
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || seen.has(name)) {
      throw new CopyError('names_unsafe', `${shown(folder)} lists a name that cannot be one: nothing of it is copied`);
    }
    seen.add(name);
  }
  return entries;
}

function shown({ place, path }: Spot): string {
  return place.show(path);
}
