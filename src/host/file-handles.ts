/**
 * Open files of one connection, by the ids its client chose (jsonrpc.md §6: fs/open, readBlock, writeBlock, close).
 * Positions come with each call, so that a repeated one does no harm. Gone with the connection.
 */
import { close, closeSync, constants, fstatSync, openSync, read, readSync, write } from 'node:fs';
import { promisify } from 'node:util';
import {
  FileRequestError,
  NEW_FILE_MODE,
  noFollow,
  type ReadOption,
  refuseLinkedFolders,
  refuseProcFile,
} from './files.js';
import { asOsError, callSystem } from './os-error.js';

const readAsync = promisify(read);
const writeAsync = promisify(write);
const closeAsync = promisify(close);

const MOST_HANDLES = 128;
const LONGEST_ID_BYTES = 32;
const LARGEST_BLOCK_BYTES = 1024 * 1024;
/** Blocks up to this size are read without leaving the tick. */
const SYNCHRONOUS_BYTES = 64 * 1024;

/** `update` keeps what a file holds and may read it too; what it creates is for its owner alone. */
export type FileMode = 'read' | 'replace' | 'update';

const ACCESS: Readonly<Record<FileMode, number>> = {
  read: constants.O_RDONLY,
  replace: constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
  update: constants.O_RDWR | constants.O_CREAT,
};
const PRIVATE_FILE_MODE = 0o600;

export interface Block {
  readonly bytes: Buffer;
  /** Fewer bytes were there than were asked for. */
  readonly eof: boolean;
}

/** A file that somebody else holds open. */
export interface RemoteFile {
  readBlock(offset: number, length: number): Promise<Block>;
  writeBlock(offset: number, bytes: Uint8Array): Promise<void>;
  /** Also while a call is under way. */
  close(): void;
}

/** There is no open file of that id. */
class UnknownFileHandleError extends FileRequestError {
  constructor(id: string) {
    super('file_handle_unknown', `unknown file handle \`${id}\``);
  }
}

export class FileHandles {
  readonly #most: number;
  readonly #files = new Map<string, number | RemoteFile | 'opening'>();
  /** Calls under way per descriptor: it is closed only after the last, or its number might be another file by then. */
  readonly #busy = new Map<number, number>();
  readonly #closing = new Set<number>();

  constructor(most = MOST_HANDLES) {
    this.#most = most;
  }

  open(id: string, path: string, mode: FileMode, { followSymlinks, refuseProc }: ReadOption): void {
    this.#requireFree(id);
    refuseLinkedFolders(path, followSymlinks);
    const flags = ACCESS[mode] | constants.O_NONBLOCK | noFollow(followSymlinks);
    const descriptor = callSystem(() => openSync(path, flags, mode === 'update' ? PRIVATE_FILE_MODE : NEW_FILE_MODE));
    try {
      if (!callSystem(() => fstatSync(descriptor)).isFile()) {
        throw new FileRequestError('file_not_regular', `path \`${path}\` is not a file`);
      }
      if (refuseProc) refuseProcFile(descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    this.#files.set(id, descriptor);
  }

  /** A file that is opened elsewhere; the id is taken at once. */
  async openRemote(id: string, open: () => Promise<RemoteFile>): Promise<void> {
    this.#requireFree(id);
    this.#files.set(id, 'opening');
    let file: RemoteFile;
    try {
      file = await open();
    } catch (error) {
      this.#files.delete(id);
      throw error;
    }
    // Closed meanwhile, with its connection.
    if (!this.#files.has(id)) file.close();
    else this.#files.set(id, file);
  }

  /** Small blocks come at once. A read that the system refuses closes the handle. */
  readBlock(id: string, offset: number, length: number): Block | Promise<Block> {
    const descriptor = this.#find(id);
    requireBlockLength(length, 'read');
    if (typeof descriptor !== 'number') return descriptor.readBlock(offset, length);
    if (length > SYNCHRONOUS_BYTES) return this.#readLater(id, descriptor, offset, length);
    const bytes = Buffer.allocUnsafe(length);
    try {
      const filled = callSystem(() => readSync(descriptor, bytes, 0, length, offset));
      return { bytes: bytes.subarray(0, filled), eof: filled < length };
    } catch (error) {
      this.#forgetBroken(id, error);
      throw error;
    }
  }

  async writeBlock(id: string, offset: number, bytes: Uint8Array): Promise<void> {
    const descriptor = this.#find(id);
    requireBlockLength(bytes.byteLength, 'write');
    if (typeof descriptor !== 'number') return descriptor.writeBlock(offset, bytes);
    await this.#using(descriptor, async () => {
      for (let at = 0; at < bytes.byteLength; ) {
        const { bytesWritten } = await writeAsync(descriptor, bytes, at, bytes.byteLength - at, offset + at);
        at += bytesWritten;
      }
    });
  }

  close(id: string): void {
    requireShortId(id);
    const descriptor = this.#files.get(id);
    if (descriptor === undefined) return;
    this.#files.delete(id);
    if (descriptor === 'opening') return;
    if (typeof descriptor !== 'number') descriptor.close();
    else if (this.#busy.has(descriptor)) this.#closing.add(descriptor);
    else closeSync(descriptor);
  }

  closeAll(): void {
    for (const id of [...this.#files.keys()]) this.close(id);
  }

  #requireFree(id: string): void {
    requireShortId(id);
    if (this.#files.has(id)) {
      throw new FileRequestError('file_handle_taken', `file handle \`${id}\` already exists`);
    }
    if (this.#files.size >= this.#most) {
      throw new FileRequestError(
        'file_handles_exhausted',
        `at most ${this.#most} file handles may be open per connection`,
      );
    }
  }

  #find(id: string): number | RemoteFile {
    const descriptor = this.#files.get(id);
    if (descriptor === undefined || descriptor === 'opening') throw new UnknownFileHandleError(id);
    return descriptor;
  }

  async #readLater(id: string, descriptor: number, offset: number, length: number): Promise<Block> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    try {
      await this.#using(descriptor, async () => {
        while (filled < length) {
          const { bytesRead } = await readAsync(descriptor, bytes, filled, length - filled, offset + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
      });
    } catch (error) {
      this.#forgetBroken(id, error);
      throw error;
    }
    return { bytes: bytes.subarray(0, filled), eof: filled < length };
  }

  async #using(descriptor: number, work: () => Promise<void>): Promise<void> {
    this.#busy.set(descriptor, (this.#busy.get(descriptor) ?? 0) + 1);
    try {
      await work();
    } catch (error) {
      throw asOsError(error);
    } finally {
      const left = (this.#busy.get(descriptor) ?? 1) - 1;
      if (left > 0) this.#busy.set(descriptor, left);
      else this.#busy.delete(descriptor);
      if (left === 0 && this.#closing.delete(descriptor)) await closeAsync(descriptor);
    }
  }

  /** Reading from a handle that is open for writing is the caller's mistake and leaves it open. */
  #forgetBroken(id: string, error: unknown): void {
    if (!(error instanceof Error && /os error 9\b/.test(error.message))) this.close(id);
  }
}

function requireShortId(id: string): void {
  if (Buffer.byteLength(id) <= LONGEST_ID_BYTES) return;
  throw new FileRequestError('file_handle_id_long', `file handle ID must not exceed ${LONGEST_ID_BYTES} bytes`);
}

function requireBlockLength(length: number, direction: 'read' | 'write'): void {
  if (length >= 1 && length <= LARGEST_BLOCK_BYTES) return;
  throw new FileRequestError(
    'file_block_length',
    `file ${direction} block length must be between 1 and ${LARGEST_BLOCK_BYTES}`,
  );
}
