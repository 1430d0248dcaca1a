/**
 * The files of this machine, as one end of a copy.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { hostFiles } from '../host/file-system.js';
import { asOsError } from '../host/os-error.js';
import { isMissing } from './copy-error.js';
import type { BlockFile, FolderList, Place } from './place.js';

const FOLLOWED = { followSymlinks: true } as const;
const BLOCK_BYTES = 64 * 1024;
const DEPTH = 4;
const PRIVATE_FILE_MODE = 0o600;

export const localPlace: Place = {
  identity: 'here',
  resolve: async (path) => resolve(path),
  show: (path) => path,
  stat: async (path) => {
    try {
      return await hostFiles.stat(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  follow: async (path) => hostFiles.canonicalize(path),
  list,
  open: openFile,
  hash: (path, length) => hostFiles.hash(path, { ...FOLLOWED, ...(length === undefined ? {} : { length }) }),
  makeFolder: async (path) => hostFiles.createDirectory(path, true, FOLLOWED),
  makeLink: async (path, target) => hostFiles.symlink(target, path),
  setAttributes: async (path, attributes) => hostFiles.setAttributes(path, attributes),
  rename: async (source, destination) => hostFiles.rename(source, destination),
  remove: async (path) => hostFiles.remove(path, { ...FOLLOWED, recursive: false, force: true }),
};

async function list(path: string): Promise<FolderList> {
  const entries: FolderList['entries'][number][] = [];
  for (let after = ''; ; ) {
    const page = await hostFiles.list(path, after);
    entries.push(...page.entries);
    const last = page.entries.at(-1);
    if (!page.truncated || last === undefined) return { entries, unnameable: page.unnameable };
    after = last.name;
  }
}

async function openFile(path: string, access: 'read' | 'write'): Promise<BlockFile> {
  const flags = access === 'read' ? constants.O_RDONLY : constants.O_WRONLY | constants.O_CREAT;
  const file = await system(open(path, flags | constants.O_NONBLOCK, PRIVATE_FILE_MODE));
  return {
    blockBytes: BLOCK_BYTES,
    depth: DEPTH,
    read: (offset, length) => system(readFully(file, offset, length)),
    write: (offset, bytes) => system(writeFully(file, offset, bytes)),
    close: () => system(file.close()),
  };
}

async function readFully(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function writeFully(file: FileHandle, offset: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
  }
}

async function system<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw asOsError(error);
  }
}
