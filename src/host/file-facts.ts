/**
 * What a copy must know of files and no release tells: the kind of a path itself, its mode, where a link leads
 * (docs/extensions.md: fs/stat, fs/list). Links are told, never followed.
 */
import { type Dirent, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { callSystem, OsError } from './os-error.js';

export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** Bytes. */
  readonly size: number;
  /** The twelve bits of chmod(2). */
  readonly mode: number;
  /** Milliseconds since 1970, with what the file system knows below. */
  readonly modifiedAtMs: number;
  /** Where a link leads, as it says itself. */
  readonly target?: string;
}

export interface ListedFile extends FileFacts {
  readonly name: string;
}

export interface FileList {
  /** By name, in the order of its UTF-16 code units. */
  readonly entries: readonly ListedFile[];
  /** There are more behind the last one. */
  readonly truncated: boolean;
  /** Names that are not UTF-8, in the whole folder; no request can name them. */
  readonly unnameable: number;
}

export const MODE_BITS = 0o7777;
/** Entries of one answer, which may so grow to some megabytes. */
const MOST_LISTED = 4096;

export function stat(path: string): FileFacts {
  return factsOf(
    callSystem(() => lstatSync(path)),
    path,
  );
}

/** The entries of a folder behind the name `after`, so many at most. */
export function list(path: string, after: string, most = MOST_LISTED): FileList {
  const all = callSystem(() => readdirSync(path, { withFileTypes: true, encoding: 'buffer' })) as Dirent<Buffer>[];
  const names: string[] = [];
  let unnameable = 0;
  for (const { name: bytes } of all) {
    const name = bytes.toString();
    if (Buffer.from(name).equals(bytes)) names.push(name);
    else unnameable += 1;
  }
  const behind = names.filter((name) => name > after).sort(byCodeUnits);
  const entries = behind.slice(0, most).flatMap((name) => {
    const facts = factsIfThere(join(path, name));
    return facts === undefined ? [] : [{ name, ...facts }];
  });
  return { entries, truncated: behind.length > most, unnameable };
}

function byCodeUnits(one: string, other: string): number {
  return one < other ? -1 : 1;
}

/** Undefined for what was removed since. */
function factsIfThere(path: string): FileFacts | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (error instanceof OsError && error.code === 'os_enoent') return undefined;
    throw error;
  }
}

function factsOf(stats: Stats, path: string): FileFacts {
  const kind = kindOf(stats);
  const { size, mtimeMs } = stats;
  const facts = { kind, size, mode: stats.mode & MODE_BITS, modifiedAtMs: mtimeMs };
  return kind === 'symlink' ? { ...facts, target: callSystem(() => readlinkSync(path)) } : facts;
}

function kindOf(stats: Stats): FileFacts['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}
