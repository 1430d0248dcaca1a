/**
 * Operating system errors in the words the peers use (`No such file or directory (os error 2)`), and their JSON-RPC
 * codes. The peers are built on musl: its texts, which differ from glibc's in places, are the ones harnesses know.
 */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { SignalboxError } from '../../proto/signalbox-error.js';

const { errno } = constants;

const TEXTS: Readonly<Record<number, string>> = {
  [errno.EPERM]: 'Operation not permitted',
  [errno.ENOENT]: 'No such file or directory',
  [errno.ESRCH]: 'No such process',
  [errno.EINTR]: 'Interrupted system call',
  [errno.EIO]: 'I/O error',
  [errno.ENXIO]: 'No such device or address',
  [errno.E2BIG]: 'Argument list too long',
  [errno.ENOEXEC]: 'Exec format error',
  [errno.EBADF]: 'Bad file descriptor',
  [errno.EAGAIN]: 'Resource temporarily unavailable',
  [errno.ENOMEM]: 'Out of memory',
  [errno.EACCES]: 'Permission denied',
  [errno.EBUSY]: 'Resource busy',
  [errno.EEXIST]: 'File exists',
  [errno.EXDEV]: 'Cross-device link',
  [errno.ENODEV]: 'No such device',
  [errno.ENOTDIR]: 'Not a directory',
  [errno.EISDIR]: 'Is a directory',
  [errno.EINVAL]: 'Invalid argument',
  [errno.ENFILE]: 'Too many open files in system',
  [errno.EMFILE]: 'No file descriptors available',
  [errno.ETXTBSY]: 'Text file busy',
  [errno.EFBIG]: 'File too large',
  [errno.ENOSPC]: 'No space left on device',
  [errno.ESPIPE]: 'Invalid seek',
  [errno.EROFS]: 'Read-only file system',
  [errno.EMLINK]: 'Too many links',
  [errno.EPIPE]: 'Broken pipe',
  [errno.ENAMETOOLONG]: 'Filename too long',
  [errno.ENOTEMPTY]: 'Directory not empty',
  [errno.ELOOP]: 'Symbolic link loop',
  [errno.EDQUOT]: 'Quota exceeded',
  [errno.ESTALE]: 'Stale file handle',
};

/** A system call that failed. `code` is `os_` and the lower-case name of the error. */
export class OsError extends SignalboxError {
  /** Positive, as in errno(3). */
  readonly errno: number;

  constructor(number: number, cause?: unknown) {
    const [name, text] = getSystemErrorMap().get(-number) ?? ['unknown', 'Unknown error'];
    super(`os_${name.toLowerCase()}`, `${TEXTS[number] ?? capitalised(text)} (os error ${number})`, {
      scope: 'stream',
      initiator: 'local',
      cause,
    });
    this.errno = number;
  }
}

/** Turns what Node throws into an OsError; anything that is no system error stays as it is. */
export function asOsError(error: unknown): unknown {
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'number' && !(error instanceof OsError)) {
    return new OsError(Math.abs(error.errno), error);
  }
  return error;
}

/** Runs a synchronous call of node:fs or node:child_process; what the system refuses is thrown as OsError. */
export function callSystem<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw asOsError(error);
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
