/**
 * Open files of one connection, by the ids its client chose (jsonrpc.md §6: fs/open, readBlock, writeBlock, close).
 * Positions come with each call, so that a repeated one does no harm. Gone with the connection.
 */
import { close, closeSync, constants, fstatSync, openSync, read, readSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { FileRequestError, type LinkOption, NEW_FILE_MODE, noFollow, refuseLinkedFolders } from './files.js';
import { asOsError, callSystem } from './os-error.js';

const readAsync = promisify(read);
const writeAsync = promisify(write);
const closeAsync = promisify(close);

const MOST_HANDLES = 128;
const LONGEST_ID_BYTES = 32;
const LARGEST_BLOCK_BYTES = 1024 * 1024;
/** Blocks up to this size are read without leaving the tick. */
const SYNCHRONOUS_BYTES = 64 * 1024;

export type FileMode = 'read' | 'replace';

export interface Block {
  readonly bytes: Buffer;
  /** Fewer bytes were there than were asked for. */
  readonly eof: boolean;
}

/** There is no open file of that id. */
export class UnknownFileHandleError extends FileRequestError {
  constructor(id: string) {
    super('file_handle_unknown', `unknown file handle \`${id}\``);
  }
}

export class FileHandles {
  readonly #descriptors = new Map<string, number>();
  /** Calls under way per descriptor: it is closed only after the last, or its number might be another file by then. */
  readonly #busy = new Map<number, number>();
  readonly #closing = new Set<number>();

  open(id: string, path: string, mode: FileMode, { followSymlinks }: LinkOption): void {
    requireShortId(id);
    if (this.#descriptors.has(id)) {
      throw new FileRequestError('file_handle_taken', `file handle \`${id}\` already exists`);
    }
    if (this.#descriptors.size >= MOST_HANDLES) {
      throw new FileRequestError(
        'file_handles_exhausted',
        `at most ${MOST_HANDLES} file handles may be open per connection`,
      );
    }
    refuseLinkedFolders(path, followSymlinks);
    const access = mode === 'read' ? constants.O_RDONLY : constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
    const flags = access | constants.O_NONBLOCK | noFollow(followSymlinks);
    const descriptor = callSystem(() => openSync(path, flags, NEW_FILE_MODE));
    if (!callSystem(() => fstatSync(descriptor)).isFile()) {
      closeSync(descriptor);
      throw new FileRequestError('file_not_regular', `path \`${path}\` is not a file`);
    }
    this.#descriptors.set(id, descriptor);
  }

  /** Small blocks come at once. A read that the system refuses closes the handle. */
  readBlock(id: string, offset: number, length: number): Block | Promise<Block> {
    const descriptor = this.#find(id);
    requireBlockLength(length, 'read');
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
    await this.#using(descriptor, async () => {
      for (let at = 0; at < bytes.byteLength; ) {
        const { bytesWritten } = await writeAsync(descriptor, bytes, at, bytes.byteLength - at, offset + at);
        at += bytesWritten;
      }
    });
  }

  close(id: string): void {
    requireShortId(id);
    const descriptor = this.#descriptors.get(id);
    if (descriptor === undefined) return;
    this.#descriptors.delete(id);
    if (this.#busy.has(descriptor)) this.#closing.add(descriptor);
    else closeSync(descriptor);
  }

  closeAll(): void {
    for (const id of [...this.#descriptors.keys()]) this.close(id);
  }

  #find(id: string): number {
    const descriptor = this.#descriptors.get(id);
    if (descriptor === undefined) throw new UnknownFileHandleError(id);
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
