/**
 * One end of a copy: the files of this machine or of another, in the few words that copying takes. Paths are absolute;
 * what the system refuses is thrown with its words, `… (os error N)` where the number is known.
 */
import type { Attributes } from '../host/file-changes.js';
import type { FileFacts, ListedFile } from '../host/file-facts.js';
import type { FileHash } from '../host/file-hash.js';

export interface Place {
  /** Tells this machine's files from another's. */
  readonly identity: string;
  /** A path as its user wrote it, made absolute. */
  resolve(path: string): Promise<string>;
  /** As messages name a path. */
  show(path: string): string;
  /** Of the path itself, not of where a link leads; undefined when nothing is there. */
  stat(path: string): Promise<FileFacts | undefined>;
  /** The path with every link in it followed. */
  follow(path: string): Promise<string>;
  list(path: string): Promise<FolderList>;
  /** To be written, it is made for its owner alone, or what it holds is kept. */
  open(path: string, access: 'read' | 'write'): Promise<BlockFile>;
  /** Of so many bytes from the beginning, or of all. */
  hash(path: string, length?: number): Promise<FileHash>;
  /** Nothing when it is there already. */
  makeFolder(path: string): Promise<void>;
  /** Nothing may be at the path. */
  makeLink(path: string, target: string): Promise<void>;
  setAttributes(path: string, attributes: Attributes): Promise<void>;
  /** Atomic; replaces what is there. */
  rename(source: string, destination: string): Promise<void>;
  /** Nothing when it is not there. */
  remove(path: string): Promise<void>;
}

export interface FolderList {
  readonly entries: readonly ListedFile[];
  /** Names that cannot be told. */
  readonly unnameable: number;
}

/** An open file in blocks. Calls may be under way at once; a connection that comes back goes unnoticed. */
export interface BlockFile {
  /** A power of two; offsets are multiples of it. */
  readonly blockBytes: number;
  /** Calls under way at a time that are worth it. */
  readonly depth: number;
  /** Shorter than asked for only where the file ends. */
  read(offset: number, length: number): Promise<Buffer>;
  write(offset: number, bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}
