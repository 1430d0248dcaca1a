/**
 * The bubblewrap of this host: where it is and what it can do here, found out by running it once. What it is told to
 * mount is mount-plan.ts's business.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SignalboxError } from '../../../proto/signalbox-error.js';
import { findProgram } from '../program-lookup.js';

const run = promisify(execFile);
const LONGEST_TRIAL_MS = 10_000;

/** Signals for a group are for the program in the sandbox, not for what stands between. */
export const PASSED_SIGNALS = ['HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'USR2'];
export const DEFAULT_SIGNALS = `--default-signal=${PASSED_SIGNALS.join(',')}`;

/** Namespaces of its own and no capability: as the releases ask for it. */
export const ISOLATION = ['--unshare-user', '--unshare-pid', '--unshare-ipc', '--cap-drop', 'ALL'];

export interface Bubblewrap {
  readonly path: string;
  /** False where the system (a container, mostly) refuses a fresh /proc. */
  readonly mountsProc: boolean;
  /** Absolute path of an `env` that can undo that signals are ignored. */
  readonly env?: string;
}

/** No sandbox can be had on this host; the message says why and what helps. */
export class SandboxUnavailableError extends SignalboxError {
  constructor(reason: string, cause?: unknown) {
    super('sandbox_unavailable', `no sandbox on this executor: ${reason}`, {
      scope: 'stream',
      initiator: 'local',
      cause,
    });
  }
}

/** Whether it is worth asking. */
export function isBubblewrapThere(path: string | undefined): boolean {
  if (process.platform !== 'linux') return false;
  try {
    findProgram('bwrap', '/', path);
    return true;
  } catch {
    return false;
  }
}

/** Rejects with SandboxUnavailableError. `path` is where programs are searched. */
export async function findBubblewrap(path: string | undefined): Promise<Bubblewrap> {
  if (process.platform !== 'linux') {
    throw new SandboxUnavailableError(`it needs Linux and bubblewrap, and this is ${process.platform}`);
  }
  let program: string;
  try {
    program = findProgram('bwrap', '/', path);
  } catch (error) {
    throw new SandboxUnavailableError(
      'bubblewrap is not installed (install the package "bubblewrap", or send no sandbox)',
      error,
    );
  }
  let refusal: unknown;
  for (const mountsProc of [true, false]) {
    try {
      await trial(program, mountsProc, ['true']);
    } catch (error) {
      refusal ??= error;
      continue;
    }
    try {
      const env = findProgram('env', '/', path);
      await trial(program, mountsProc, [env, DEFAULT_SIGNALS, 'true']);
      return { path: program, mountsProc, env };
    } catch {
      return { path: program, mountsProc };
    }
  }
  throw new SandboxUnavailableError(
    `${program} cannot make one here (are user namespaces allowed?): ${lastWords(refusal)}`,
    refusal,
  );
}

async function trial(program: string, mountsProc: boolean, command: readonly string[]): Promise<void> {
  const proc = mountsProc ? ['--proc', '/proc'] : [];
  const mounts = ['--ro-bind', '/', '/', '--dev', '/dev', '--perms', '0555', '--tmpfs', '/dev/shm'];
  const args = [...mounts, ...proc, ...ISOLATION, '--unshare-net', '--', ...command];
  await run(program, args, { timeout: LONGEST_TRIAL_MS, cwd: '/' });
}

function lastWords(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().slice(-500);
}
