/**
 * A bounded walk through a tree of folders (jsonrpc.md §6: fs/walk): breadth first, by name within a folder.
 * It reads names and kinds only, and lets other work in between folders.
 */
import { type Dirent, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FileRequestError } from './files.js';
import { asOsError, callSystem } from './os-error.js';

const DEEPEST = 64;
const MOST_DIRECTORIES = 10_000;
const MOST_ENTRIES = 50_000;
/** Folders read before other work gets a turn. */
const FOLDERS_A_TURN = 16;

export interface WalkOptions {
  /** 0 lists the children of the root only. */
  readonly maxDepth: number;
  readonly maxDirectories: number;
  readonly maxEntries: number;
  readonly followDirectorySymlinks: boolean;
  readonly pruneHiddenDirectories: boolean;
}

export interface WalkEntry {
  readonly path: string;
  readonly kind: 'file' | 'directory';
}

export interface Walk {
  readonly entries: readonly WalkEntry[];
  /** Folders that could not be read, the root among them, each with the system's words. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  readonly truncated: boolean;
}

interface Folder {
  readonly path: string;
  readonly depth: number;
}

/** A root that is no folder has no entries, nor has a link that is not followed; one that is not there is an error. */
export async function walk(root: string, options: WalkOptions): Promise<Walk> {
  const { maxDepth, maxDirectories, maxEntries } = options;
  if (maxDepth > DEEPEST || maxDirectories > MOST_DIRECTORIES || maxEntries > MOST_ENTRIES) {
    throw new FileRequestError(
      'walk_limits',
      `filesystem walk limits exceed maximums: depth=${DEEPEST}, directories=${MOST_DIRECTORIES}, entries=${MOST_ENTRIES}`,
    );
  }
  if (maxDirectories === 0 || maxEntries === 0) {
    throw new FileRequestError('walk_limits', 'filesystem walk limits must be greater than zero');
  }
  const entries: WalkEntry[] = [];
  const errors: { path: string; message: string }[] = [];
  let truncated = false;
  const stats = callSystem(() => lstatSync(root));
  const followed = stats.isSymbolicLink() && options.followDirectorySymlinks ? callSystem(() => statSync(root)) : stats;
  if (!followed.isDirectory()) return { entries, errors, truncated };
  const visited = new Set<string>([realpathSync.native(root)]);
  const queue: Folder[] = [{ path: root, depth: 0 }];
  let read = 0;
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    if (read >= maxDirectories) {
      truncated = true;
      break;
    }
    read += 1;
    if (read % FOLDERS_A_TURN === 0) await nextTurn();
    for (const child of children(folder.path, errors)) {
      const path = join(folder.path, child.name);
      const kind = kindOf(child, path, options.followDirectorySymlinks);
      if (kind === undefined) continue;
      if (entries.length >= maxEntries) {
        truncated = true;
        return { entries, errors, truncated };
      }
      entries.push({ path, kind });
      if (kind === 'file' || (options.pruneHiddenDirectories && child.name.startsWith('.'))) continue;
      if (folder.depth < maxDepth && firstVisit(path, child, visited)) queue.push({ path, depth: folder.depth + 1 });
    }
  }
  return { entries, errors, truncated };
}

function children(folder: string, errors: { path: string; message: string }[]): Dirent[] {
  try {
    const found = readdirSync(folder, { withFileTypes: true });
    return found.sort((one, other) => (one.name < other.name ? -1 : 1));
  } catch (error) {
    errors.push({ path: folder, message: String((asOsError(error) as Error).message) });
    return [];
  }
}

/** Links to files are always left out; links to folders unless they are followed. */
function kindOf(child: Dirent, path: string, followLinks: boolean): 'file' | 'directory' | undefined {
  if (child.isDirectory()) return 'directory';
  if (child.isFile()) return 'file';
  if (!child.isSymbolicLink() || !followLinks) return undefined;
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? 'directory' : undefined;
}

/** A folder seen before under another name is listed again but not walked again. */
function firstVisit(path: string, child: Dirent, visited: Set<string>): boolean {
  if (!child.isSymbolicLink() && lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
  let real: string;
  try {
    real = realpathSync.native(path);
  } catch {
    return false;
  }
  if (visited.has(real)) return false;
  visited.add(real);
  return true;
}
