/**
 * Why something was not copied, in one line that says what to do; and what of it ends the whole copy.
 */
import { constants } from 'node:os';
import { HarnessError } from '../../machines/harness.machine.js';
import { SignalboxError } from '../../proto/signalbox-error.js';
import { OsError } from '../host/os-error.js';

export class CopyError extends SignalboxError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { scope: 'stream', initiator: 'local', cause });
  }
}

/** The session is over: nothing more can be copied. */
export function isLoss(error: unknown): error is HarnessError {
  return error instanceof HarnessError;
}

/** Nothing else would fit either. */
export function isFull(error: unknown): boolean {
  return FULL.some((number) => errnoOf(error) === number);
}

const { ENOSPC, EDQUOT, EACCES, EPERM, EROFS, ENOENT } = constants.errno;
const FULL = [ENOSPC, EDQUOT];

/** What to do about it, where something can be. */
const ADVICE: Readonly<Record<number, string>> = {
  [ENOSPC]: 'free some space and run the same command again: it goes on where it stopped',
  [EDQUOT]: 'free some space and run the same command again: it goes on where it stopped',
  [EACCES]: 'copy to or from a path that this user may use there',
  [EPERM]: 'copy to or from a path that this user may use there',
  [EROFS]: 'copy to another folder',
  [ENOENT]: 'the folder that is to hold it must be there',
};

/** `doing` is like "cannot write :/x". Errors that say it all already stay as they are. */
export function explained(doing: string, error: unknown): unknown {
  if (error instanceof CopyError || isLoss(error) || !(error instanceof Error)) return error;
  if (!(error instanceof SignalboxError)) return error;
  const number = errnoOf(error);
  const advice = number === undefined ? undefined : ADVICE[number];
  const reason = error.message.replace(/ \(os error \d+\)$/, '');
  const code = isFull(error) ? 'disk_full' : 'refused';
  return new CopyError(code, `${doing}: ${reason}${advice === undefined ? '' : ` (${advice})`}`, error);
}

/** As errno(3), of this machine's system or in the words of another's. */
function errnoOf(error: unknown): number | undefined {
  if (error instanceof CopyError && error.cause !== undefined) return errnoOf(error.cause);
  if (error instanceof OsError) return error.errno;
  const number = error instanceof Error ? /\(os error (\d+)\)$/.exec(error.message)?.[1] : undefined;
  return number === undefined ? undefined : Number(number);
}

export function isMissing(error: unknown): boolean {
  return errnoOf(error) === ENOENT;
}
