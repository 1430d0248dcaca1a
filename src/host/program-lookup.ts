/**
 * Finds what execvp would run, so that a program that cannot start is refused before anything is forked.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { resolve } from 'node:path';
import { callSystem, OsError } from './os-error.js';

/** What execvp searches when PATH is not set. */
const DEFAULT_PATH = '/bin:/usr/bin';

/** Absolute path of the program. Throws OsError: ENOENT, EACCES, ENOTDIR. */
export function findProgram(program: string, cwd: string, path: string | undefined): string {
  if (program.includes('/')) {
    const file = resolve(cwd, program);
    callSystem(() => requireExecutable(file));
    return file;
  }
  let refused: OsError | undefined;
  for (const folder of (path ?? DEFAULT_PATH).split(':')) {
    const file = resolve(cwd, folder, program);
    try {
      callSystem(() => requireExecutable(file));
      return file;
    } catch (error) {
      if (error instanceof OsError && error.errno === osConstants.errno.EACCES) refused = error;
    }
  }
  throw refused ?? new OsError(osConstants.errno.ENOENT);
}

/** Throws OsError when a child could not be started there. */
export function requireFolder(folder: string): void {
  if (!callSystem(() => statSync(folder)).isDirectory()) throw new OsError(osConstants.errno.ENOTDIR);
  callSystem(() => accessSync(folder, constants.X_OK));
}

function requireExecutable(file: string): void {
  if (!statSync(file).isFile()) throw new OsError(osConstants.errno.EACCES);
  accessSync(file, constants.X_OK);
}
