/**
 * Real pipes without native code, made in the helper: FIFOs in a folder only this user may enter, opened, and removed
 * as soon as the daemon has opened its ends too. Runs in the helper, which must stay small.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The folder's name tells whose it is, so that leftovers of a crash can be told from folders in use. */
export const FOLDER_PREFIX = 'signalbox-pipes-';

/** Each takes longer than mkfifo needs for some files. */
const REMOVALS = 20;

/** Throws when it cannot be made. */
export function makeFolder(root: string): string {
  return mkdtempSync(join(root, `${FOLDER_PREFIX}${process.pid}-`));
}

/** mkfifo may still be filling it, which `rmSync` gives up on: it lists a folder once. */
export function removeFolder(folder: string): void {
  for (let attempt = 0; attempt < REMOVALS; attempt++) {
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch {
      // ENOTEMPTY: there are new files. What is left after all the next daemon removes.
    }
  }
}

/** Calls back once; the files are named by the numbers. */
export function makeFifos(folder: string, numbers: readonly number[], done: (error?: Error) => void): void {
  let finished = false;
  const finish = (error?: Error) => {
    if (finished) return;
    finished = true;
    done(error);
  };
  try {
    const maker = spawn('mkfifo', ['-m', '600', ...numbers.map(String)], { cwd: folder, stdio: 'ignore' });
    maker.once('error', finish);
    maker.once('exit', (code, signal) =>
      finish(code === 0 ? undefined : new Error(`mkfifo in ${folder} failed (${signal ?? `exit code ${code}`})`)),
    );
  } catch (error) {
    finish(error as Error);
  }
}

/**
 * The child's end. It is blocking, as children expect it; opening does not block because a second, passing
 * descriptor holds the other side meanwhile.
 */
export function openChildEnd(path: string, direction: 'output' | 'input'): number {
  const both = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    return openSync(path, direction === 'output' ? constants.O_WRONLY : constants.O_RDONLY);
  } finally {
    closeSync(both);
  }
}
