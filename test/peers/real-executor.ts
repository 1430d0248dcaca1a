/**
 * Starts an unmodified `codex exec-server`: on a local WebSocket, or registered with a registry.
 */
import { setTimeout } from 'node:timers/promises';
import type { Peer } from './codex-binary.js';
import { makePeerHome } from './peer-home.js';
import { cleanEnvironment, type RunningProgram, startProgram } from './process-tree.js';

const LONGEST_START_MS = 20_000;

export interface RealExecutor {
  readonly pid: number;
  readonly output: RunningProgram['output'];
  readonly ended: RunningProgram['ended'];
  /** Ends it and whatever it started. */
  stop(): Promise<void>;
}

export interface ListeningExecutor extends RealExecutor {
  /** `ws://127.0.0.1:PORT` */
  readonly url: string;
}

export interface RealExecutorOptions {
  readonly peer: Peer;
  /** Merged into its environment, which its processes may inherit. */
  readonly env?: Readonly<Record<string, string>>;
}

/** `exec-server --listen ws://127.0.0.1:0`; resolves when it accepts connections. */
export async function startListeningExecutor(options: RealExecutorOptions): Promise<ListeningExecutor> {
  const executor = await start(options, ['--listen', 'ws://127.0.0.1:0'], {});
  const url = await until(
    executor,
    'printed the URL it listens on',
    () => /^ws:\/\/\S+$/m.exec(executor.output.stdout)?.[0],
  );
  return { ...executor, url };
}

export interface RemoteExecutorOptions extends RealExecutorOptions {
  readonly registryUrl: string;
  readonly environmentId: string;
  /** The registry sees exactly this as the bearer token. */
  readonly token: string;
}

/**
 * `exec-server --remote`; resolves when the program runs, which is before it has registered.
 * It exits by itself when the registry answers anything but success (relay.md §9.6).
 */
export function startRemoteExecutor(options: RemoteExecutorOptions): Promise<RealExecutor> {
  const { peer, registryUrl, environmentId, token } = options;
  // The first generation calls an environment an executor, and its credential comes in a variable of its own.
  const firstGeneration = peer.version === '0.131.0';
  const idFlag = firstGeneration ? '--executor-id' : '--environment-id';
  const tokenVariable = firstGeneration ? 'CODEX_EXEC_SERVER_REMOTE_BEARER_TOKEN' : 'CODEX_API_KEY';
  return start(options, ['--remote', registryUrl, idFlag, environmentId], { [tokenVariable]: token });
}

async function start(
  options: RealExecutorOptions,
  args: readonly string[],
  credentials: Readonly<Record<string, string>>,
): Promise<RealExecutor> {
  const home = await makePeerHome();
  const env = cleanEnvironment({ ...options.env, ...credentials, CODEX_HOME: home.path });
  try {
    const program = await startProgram(options.peer.program, ['exec-server', ...args], { cwd: home.path, env });
    return {
      pid: program.pid,
      output: program.output,
      ended: program.ended,
      async stop() {
        await program.stop();
        await home.remove();
      },
    };
  } catch (error) {
    await home.remove();
    throw error;
  }
}

/** Polls, for there is nothing to listen to; on failure the executor is ended and its words are in the error. */
async function until<Found>(executor: RealExecutor, what: string, find: () => Found | undefined): Promise<Found> {
  const deadline = AbortSignal.timeout(LONGEST_START_MS);
  let running = true;
  void executor.ended.then(() => {
    running = false;
  });
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (!running || deadline.aborted) break;
    await setTimeout(10);
  }
  await executor.stop();
  throw new Error(
    `the real executor never ${what}\nstdout:\n${executor.output.stdout}\nstderr:\n${executor.output.stderr}`,
  );
}
