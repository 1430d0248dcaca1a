/**
 * The file system, as the fs methods need it (jsonrpc.md §6). Calls that end in microseconds are synchronous, because
 * a trip through the thread pool costs several times the call; only bulk work waits.
 * Everything the system refuses is thrown as OsError; paths are native and absolute.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  type Stats,
  statfsSync,
  statSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { constants as osConstants } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SignalboxError } from '../../proto/signalbox-error.js';
import { asOsError, callSystem, OsError } from './os-error.js';

const readAsync = promisify(read);
const writeAsync = promisify(write);
const { errno } = osConstants;

/** Up to this size a file is read or written in one go, without leaving the tick. */
const SYNCHRONOUS_BYTES = 1024 * 1024;
/** Multiple of 3, so that the base64 of blocks joins without padding. */
const BLOCK_BYTES = 768 * 1024;
export const NEW_FILE_MODE = 0o666;

/** PROC_SUPER_MAGIC */
const PROC_FILE_SYSTEM = 0x9fa0;

const LARGEST_FILE_BYTES = 512 * 1024 * 1024;

/** A request no file system was asked about. The message is the peers' text. */
export class FileRequestError extends SignalboxError {
  constructor(code: string, message: string) {
    super(code, message, { scope: 'stream', initiator: 'peer' });
  }
}

export class ProcFileError extends FileRequestError {
  constructor() {
    super('file_of_proc', 'a file of procfs tells about the executor itself');
  }
}

export interface LinkOption {
  /** False refuses symbolic links anywhere in the path. */
  readonly followSymlinks: boolean;
}

export interface ReadOption extends LinkOption {
  /** True refuses files of procfs: they tell about this program, not about the host. */
  readonly refuseProc?: boolean;
}

/**
 * A regular file in blocks, of which every one but the last is a multiple of 3 bytes: a single one at once when the
 * file is small. Opening never blocks, whatever is at the path.
 */
export function readFile(path: string, { followSymlinks, refuseProc }: ReadOption): Buffer[] | Promise<Buffer[]> {
  refuseLinkedFolders(path, followSymlinks);
  const fd = callSystem(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow(followSymlinks)));
  let keepOpen = false;
  try {
    const stats = callSystem(() => fstatSync(fd));
    if (!stats.isFile()) throw new FileRequestError('file_not_regular', `path \`${path}\` is not a file`);
    if (refuseProc) refuseProcFile(fd);
    if (stats.size > LARGEST_FILE_BYTES) throw tooLarge();
    if (stats.size <= SYNCHRONOUS_BYTES) return [callSystem(() => readFileSync(fd))];
    keepOpen = true;
    return readBlocks(fd);
  } finally {
    if (!keepOpen) closeSync(fd);
  }
}

async function readBlocks(fd: number): Promise<Buffer[]> {
  const blocks: Buffer[] = [];
  try {
    for (let total = 0; ; ) {
      const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      let filled = 0;
      while (filled < BLOCK_BYTES) {
        const { bytesRead } = await readAsync(fd, block, filled, BLOCK_BYTES - filled, null);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      total += filled;
      if (total > LARGEST_FILE_BYTES) throw tooLarge();
      blocks.push(block.subarray(0, filled));
      if (filled < BLOCK_BYTES) return blocks;
    }
  } catch (error) {
    throw asOsError(error);
  } finally {
    closeSync(fd);
  }
}

function tooLarge(): FileRequestError {
  return new FileRequestError('file_too_large', `file is too large to read: limit is ${LARGEST_FILE_BYTES} bytes`);
}

/** Creates or truncates. Small files are written at once, and then `undefined` is returned. */
export function writeFile(path: string, bytes: Uint8Array, { followSymlinks }: LinkOption): Promise<void> | undefined {
  refuseLinkedFolders(path, followSymlinks);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;
  const fd = callSystem(() => openSync(path, flags | noFollow(followSymlinks), NEW_FILE_MODE));
  if (bytes.byteLength > SYNCHRONOUS_BYTES) return writeBlocks(fd, bytes);
  try {
    for (let at = 0; at < bytes.byteLength; ) at += callSystem(() => writeSync(fd, bytes, at));
    return undefined;
  } finally {
    closeSync(fd);
  }
}

async function writeBlocks(fd: number, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.byteLength; ) {
      const { bytesWritten } = await writeAsync(fd, bytes, at, bytes.byteLength - at, null);
      at += bytesWritten;
    }
  } catch (error) {
    throw asOsError(error);
  } finally {
    closeSync(fd);
  }
}

export function createDirectory(path: string, recursive: boolean, { followSymlinks }: LinkOption): void {
  refuseLinkedFolders(path, followSymlinks);
  try {
    callSystem(() => mkdirSync(path, { recursive }));
  } catch (error) {
    if (!recursive || !(error instanceof OsError) || error.errno !== errno.ENOENT) throw error;
    // Node says so too when the first folder is refused for a reason it does not know, as on a read-only file system.
    callSystem(() => mkdirSync(firstMissing(path)));
    callSystem(() => mkdirSync(path, { recursive }));
  }
}

function firstMissing(path: string): string {
  const parent = dirname(path);
  return statSync(parent, { throwIfNoEntry: false }) === undefined && parent !== path ? firstMissing(parent) : path;
}

export interface Metadata {
  readonly isDirectory: boolean;
  readonly isFile: boolean;
  readonly isSymlink: boolean;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970; 0 as in the peers' builds, which never know it. */
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
}

export function getMetadata(path: string, { followSymlinks }: LinkOption): Metadata {
  refuseLinkedFolders(path, followSymlinks);
  const link = callSystem(() => lstatSync(path));
  const isSymlink = link.isSymbolicLink();
  if (isSymlink && !followSymlinks) throw containsLink();
  const stats = isSymlink ? callSystem(() => statSync(path)) : link;
  return {
    isDirectory: stats.isDirectory(),
    isFile: stats.isFile(),
    isSymlink,
    size: stats.size,
    createdAtMs: 0,
    modifiedAtMs: Math.max(0, Math.floor(stats.mtimeMs)),
  };
}

export interface DirectoryEntry {
  readonly fileName: string;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
}

/** Kinds follow symbolic links; those that lead nowhere are left out. */
export function readDirectory(path: string): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (const entry of callSystem(() => readdirSync(path, { withFileTypes: true }))) {
    const kind = entry.isSymbolicLink() ? targetOf(join(path, entry.name)) : entry;
    if (kind === undefined) continue;
    entries.push({ fileName: entry.name, isDirectory: kind.isDirectory(), isFile: kind.isFile() });
  }
  return entries;
}

function targetOf(link: string): Stats | undefined {
  try {
    return statSync(link);
  } catch {
    return undefined;
  }
}

export interface RemoveOptions extends LinkOption {
  readonly recursive: boolean;
  /** Hides that there was nothing to remove, and nothing else. */
  readonly force: boolean;
}

/** Removes a link itself, never its target. Only a whole tree takes time; else `undefined` is returned. */
export function remove(path: string, { recursive, force, followSymlinks }: RemoveOptions): Promise<void> | undefined {
  if (!followSymlinks && recursive) {
    throw new FileRequestError('file_removal_unsupported', 'recursive no-follow removal is unsupported');
  }
  refuseLinkedFolders(path, followSymlinks);
  let stats: Stats;
  try {
    stats = callSystem(() => lstatSync(path));
  } catch (error) {
    if (force && error instanceof OsError && error.errno === errno.ENOENT) return undefined;
    throw error;
  }
  if (!followSymlinks && stats.isSymbolicLink()) throw containsLink();
  if (!stats.isDirectory()) callSystem(() => unlinkSync(path));
  else if (recursive) return removeTree(path);
  else callSystem(() => rmdirSync(path));
  return undefined;
}

async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true });
  } catch (error) {
    throw asOsError(error);
  }
}

export function canonicalize(path: string): string {
  return callSystem(() => realpathSync.native(path));
}

export function noFollow(followSymlinks: boolean): number {
  return followSymlinks ? 0 : constants.O_NOFOLLOW;
}

function containsLink(): FileRequestError {
  return new FileRequestError('file_path_linked', 'path contains a symbolic link');
}

/** Asked of the open file, whose path may lead elsewhere by now. Throws ProcFileError. */
export function refuseProcFile(fd: number): void {
  if (callSystem(() => statfsSync(`/proc/self/fd/${fd}`)).type === PROC_FILE_SYSTEM) throw new ProcFileError();
}

/** A link where a folder should be is no folder to a caller that does not follow links. */
export function refuseLinkedFolders(path: string, followSymlinks: boolean): void {
  if (followSymlinks) return;
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    if (stats?.isSymbolicLink()) throw new OsError(errno.ENOTDIR);
  }
}
