/**
 * What is at a path of this host, asked one name at a time so that every symbolic link on the way is seen.
 */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface PathFacts {
  /** What is at the path itself; links are not followed. Undefined: nothing, or nobody may look. */
  kind(path: string): 'folder' | 'file' | 'link' | undefined;
  /** What a link says. */
  target(link: string): string;
  /** Where a file `.git` of a work tree says the repository is; absolute. */
  repository(gitFile: string): string | undefined;
}

/** Of a file that should hold one path. */
const POINTER_BYTES = 8192;

export const hostPaths: PathFacts = {
  kind(path) {
    try {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return undefined;
      if (stats.isSymbolicLink()) return 'link';
      return stats.isDirectory() ? 'folder' : 'file';
    } catch {
      return undefined;
    }
  },
  target: (link) => readlinkSync(link),
  repository(gitFile) {
    try {
      const stats = lstatSync(gitFile);
      if (!stats.isFile() || stats.size > POINTER_BYTES) return undefined;
      const pointer = /^gitdir: *(.+?)\s*$/m.exec(readFileSync(gitFile, 'utf8'))?.[1];
      return pointer === undefined ? undefined : resolve(dirname(gitFile), pointer);
    } catch {
      return undefined;
    }
  },
};

export interface Link {
  /** Its own place: no link on the way to it. */
  readonly at: string;
  readonly target: string;
}

export interface Place {
  /** No link on the way: where the path leads, or the first name of it that is missing. */
  readonly path: string;
  readonly kind: 'folder' | 'file' | undefined;
  /** All that were followed. */
  readonly links: readonly Link[];
}

/** As the kernel has it. */
const MOST_LINKS = 40;

/** Follows a path to its end. A chain of links without end counts as missing. */
export function locate(path: string, facts: PathFacts): Place {
  const links: Link[] = [];
  const names = namesOf(path);
  let at = '/';
  let kind: 'folder' | 'file' = 'folder';
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (name === '..') {
      at = dirname(at);
      continue;
    }
    const next = at === '/' ? `/${name}` : `${at}/${name}`;
    const found = facts.kind(next);
    if (found === 'link') {
      const target = facts.target(next);
      links.push({ at: next, target });
      if (links.length > MOST_LINKS) return { path: next, kind: undefined, links };
      if (target.startsWith('/')) at = '/';
      names.unshift(...namesOf(target));
      continue;
    }
    if (found === undefined || (found === 'file' && names.length > 0)) return { path: next, kind: undefined, links };
    at = next;
    kind = found;
  }
  return { path: at, kind: at === '/' ? 'folder' : kind, links };
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
