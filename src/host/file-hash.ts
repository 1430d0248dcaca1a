/**
 * The checksum of a file or of its beginning (docs/extensions.md: fs/hash), a block at a time.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FileRequestError, noFollow, type ReadOption, refuseLinkedFolders, refuseProcFile } from './files.js';
import { asOsError } from './os-error.js';

/** What is hashed between two looks at everything else, in bytes. */
const BLOCK_BYTES = 256 * 1024;

export interface FileHash {
  /** SHA-256, in hex. */
  readonly sha256: string;
  /** Bytes that went into it: fewer than were asked for when the file is shorter. */
  readonly length: number;
}

export interface HashOptions extends ReadOption {
  /** Bytes from the beginning; absent, all. */
  readonly length?: number;
  /** Nobody wants it any more. */
  readonly signal?: AbortSignal;
}

export async function hash(path: string, options: HashOptions): Promise<FileHash> {
  const { followSymlinks, refuseProc = false, length: asked = Number.POSITIVE_INFINITY, signal } = options;
  refuseLinkedFolders(path, followSymlinks);
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow(followSymlinks));
    if (!(await file.stat()).isFile()) {
      throw new FileRequestError('file_not_regular', `path \`${path}\` is not a file`);
    }
    if (refuseProc) refuseProcFile(file.fd);
    const sum = createHash('sha256');
    const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    let length = 0;
    while (length < asked && !signal?.aborted) {
      const { bytesRead } = await file.read(block, 0, Math.min(BLOCK_BYTES, asked - length), length);
      if (bytesRead === 0) break;
      sum.update(block.subarray(0, bytesRead));
      length += bytesRead;
    }
    return { sha256: sum.digest('hex'), length };
  } catch (error) {
    throw asOsError(error);
  } finally {
    await file?.close();
  }
}
