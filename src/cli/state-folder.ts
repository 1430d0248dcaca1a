/**
 * The folder where signalbox keeps what must outlive a command: tokens, and the address of a running `signalbox up`.
 * Only its owner may look inside.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { CliError } from './cli-error.js';

/** `$XDG_STATE_HOME/signalbox`, by default `~/.local/state/signalbox`; it need not exist. */
export function stateFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment.XDG_STATE_HOME;
  // The XDG specification: a relative path is to be ignored.
  const absolute = base !== undefined && isAbsolute(base) ? base : join(homedir(), '.local', 'state');
  return join(absolute, 'signalbox');
}

/** Creates the folder if need be, mode 0700, and returns it; throws {@link CliError}. */
export async function ensureStateFolder(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const folder = stateFolder(environment);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  } catch (error) {
    throw new CliError(`cannot use the state folder ${folder}: ${(error as Error).message}`, { cause: error });
  }
  return folder;
}

/** Where tokens are kept unless a command is told otherwise. */
export function defaultTokenFile(environment: NodeJS.ProcessEnv = process.env): string {
  return join(stateFolder(environment), 'tokens.json');
}
