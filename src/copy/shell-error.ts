/**
 * What a program of the shell over there complained of, in the words of our own errors.
 */
import { constants } from 'node:os';
import { SignalboxError } from '../../proto/signalbox-error.js';

const { ENOENT, EACCES, EPERM, ENOSPC, EDQUOT, EROFS, EISDIR, ENOTDIR } = constants.errno;

/** As all systems say it, in the C locale. */
const TEXTS: readonly (readonly [string, number])[] = [
  ['No such file or directory', ENOENT],
  ['Permission denied', EACCES],
  ['Operation not permitted', EPERM],
  ['No space left on device', ENOSPC],
  ['Disk quota exceeded', EDQUOT],
  ['Read-only file system', EROFS],
  ['Is a directory', EISDIR],
  ['Not a directory', ENOTDIR],
];

export class ShellError extends SignalboxError {
  constructor(complaint: string, exitCode: number) {
    super('shell_failed', reasonOf(complaint, exitCode), { scope: 'stream', initiator: 'peer' });
  }
}

function reasonOf(complaint: string, exitCode: number): string {
  const known = TEXTS.find(([text]) => complaint.includes(text));
  if (known !== undefined) return `${known[0]} (os error ${known[1]})`;
  const last = complaint.trim().split('\n').at(-1) ?? '';
  return last === '' ? `a program of the shell there ended with exit code ${exitCode}` : last.slice(0, 300);
}
