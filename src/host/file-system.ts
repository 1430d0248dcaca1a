/**
 * The file system as the fs methods use it, and this host's own. Another one is that of a sandbox
 * (sandbox/confined-files.ts).
 */
import type { Attributes } from './file-changes.js';
import * as changes from './file-changes.js';
import { copy } from './file-copy.js';
import { type FileFacts, type FileList, list, stat } from './file-facts.js';
import type { FileHandles, FileMode } from './file-handles.js';
import { type FileHash, type HashOptions, hash } from './file-hash.js';
import { type Walk, type WalkOptions, walk } from './file-walk.js';
import type { DirectoryEntry, LinkOption, Metadata, ReadOption, RemoveOptions } from './files.js';
import * as files from './files.js';

type Awaitable<Value> = Value | Promise<Value>;

export interface FileSystem {
  readFile(path: string, links: ReadOption): Awaitable<Buffer[]>;
  writeFile(path: string, bytes: Uint8Array, links: LinkOption): Awaitable<void>;
  createDirectory(path: string, recursive: boolean, links: LinkOption): Awaitable<void>;
  getMetadata(path: string, links: LinkOption): Awaitable<Metadata>;
  readDirectory(path: string): Awaitable<DirectoryEntry[]>;
  remove(path: string, options: RemoveOptions): Awaitable<void>;
  canonicalize(path: string): Awaitable<string>;
  walk(path: string, options: WalkOptions): Awaitable<Walk>;
  copy(source: string, destination: string, recursive: boolean): Awaitable<void>;
  stat(path: string): Awaitable<FileFacts>;
  list(path: string, after: string): Awaitable<FileList>;
  hash(path: string, options: HashOptions): Promise<FileHash>;
  rename(source: string, destination: string): Awaitable<void>;
  symlink(target: string, path: string): Awaitable<void>;
  setAttributes(path: string, attributes: Attributes): Awaitable<void>;
  /** Opens among the handles of a connection. */
  open(handles: FileHandles, id: string, path: string, mode: FileMode, links: ReadOption): Awaitable<void>;
}

export const hostFiles: FileSystem = {
  ...files,
  ...changes,
  stat,
  list,
  hash,
  walk,
  copy,
  open: (handles, id, path, mode, links) => handles.open(id, path, mode, links),
};
