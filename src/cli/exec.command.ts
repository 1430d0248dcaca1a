/**
 * `signalbox exec`: one command on the other machine, as if it ran here: its input, output, signals and exit code.
 */
import { finished, pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { ConnectionLostError } from '../../machines/connection-types.js';
import { HarnessError } from '../../machines/harness.machine.js';
import { type ConnectOptions, connect } from '../harness/connect.js';
import type { Harness } from '../harness/harness.js';
import type { RemoteProcess } from '../harness/remote-process.js';
import { RemoteError } from '../harness/rpc-client.js';
import { descriptorStream } from '../host/descriptor-stream.js';
import { createLog } from '../observe/log.js';
import { Observation } from '../observe/observation.js';
import { asCliError, CliError } from './cli-error.js';
import { graceOption } from './grace-option.js';
import { type AddressOptions, findAddress, relayOption, UNREACHABLE_EXIT_CODE } from './harness-address.js';
import { logLevelOption } from './log-level-option.js';
import { addTraceOptions, checkTrace, startTrace, type TraceOptions } from './trace-option.js';

interface ExecOptions extends AddressOptions, TraceOptions {
  readonly cwd?: string;
  /** Milliseconds. */
  readonly grace?: number;
  readonly logLevel: string;
}

/** How long, and how often, the other end is tried before it is taken for not there. */
const ARRIVAL_MS = 2000;
const RETRY_MS = 250;
const RETAINED_BYTES = 8 * 1024 * 1024;
/** As shells have it. */
const NOT_FOUND_EXIT_CODE = 127;
const NOT_RUNNABLE_EXIT_CODE = 126;
const SIGPIPE_EXIT_CODE = 141;
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

export function registerExecCommand(program: Command): void {
  const command = program
    .command('exec')
    .description('run a command on the other machine')
    .argument('<command...>', 'program and arguments, after --')
    .passThroughOptions()
    .option('--env <id>', 'environment to run in')
    .option('--url <url>', 'address: ws://… of a harness URL or executor, or http://… of a rendezvous with --env')
    .option('--token-file <file>', 'file that holds the harness token (default: SIGNALBOX_TOKEN)')
    .addOption(relayOption())
    .option('--cwd <path>', 'folder on the other machine to run in')
    .addOption(graceOption('how long to wait for a lost connection to come back'));
  addTraceOptions(command)
    .addOption(logLevelOption('silent'))
    .addHelpText(
      'after',
      `
The exit code is the command's own (128 + n for signal n); ${UNREACHABLE_EXIT_CODE} when the other machine was not reached or was lost,
${NOT_FOUND_EXIT_CODE} when it has no such program, ${NOT_RUNNABLE_EXIT_CODE} when it may not run it.
Ctrl-C goes to the command; a second Ctrl-C kills it, a third does not wait for that.

  signalbox exec -- make test
  tar c . | signalbox exec -- tar x -C /tmp/there`,
    )
    .action(run);
}

async function run(argv: string[], options: ExecOptions): Promise<void> {
  checkTrace(options);
  const address = await findAddress(options);
  const log = createLog({ level: options.logLevel });
  const observation = options.trace === undefined ? undefined : new Observation({ log });
  const trace = await startTrace(options, observation).catch((error: unknown) => {
    throw asCliError(error);
  });
  let exitCode: number;
  try {
    exitCode = await runThere(argv, options, {
      ...address,
      log,
      ...(observation === undefined ? {} : { observation }),
    });
  } finally {
    await trace?.close();
  }
  // Standard input may still be open and would keep the program alive.
  process.exit(exitCode);
}

/** Resolves with the exit code for this program. */
async function runThere(argv: string[], options: ExecOptions, address: ConnectOptions): Promise<number> {
  const grace = options.grace === undefined ? {} : patience(options.grace);
  const harness = await reach(() => connect({ ...address, ...grace, clientName: 'signalbox exec' }));
  const child = await start(harness, argv, options);
  const exitCode = await live(child);
  await harness.close();
  return exitCode;
}

/** Nothing has run yet, so a rendezvous or an executor that is just coming back is tried again for a moment. */
async function reach(open: () => Promise<Harness>): Promise<Harness> {
  const giveUp = performance.now() + ARRIVAL_MS;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!mayPass(error) || performance.now() > giveUp) throw lost(error);
      await sleep(RETRY_MS);
    }
  }
}

function mayPass(error: unknown): boolean {
  if (!(error instanceof HarnessError) || error.initiator === 'local') return false;
  if (error.cause instanceof ConnectionLostError && error.cause.code === 'upgrade_refused') return false;
  return error.code === 'unreachable' || error.code === 'transport_lost';
}

async function start(harness: Harness, argv: string[], options: ExecOptions): Promise<RemoteProcess> {
  const { cwd } = options;
  try {
    // What is printed while the connection is lost for good can be read back, up to so much.
    const retain = harness.environment.capabilities.has('signalboxRetainBytes') ? { retainBytes: RETAINED_BYTES } : {};
    return await harness.startProcess({ argv, stdin: true, ...retain, ...(cwd === undefined ? {} : { cwd }) });
  } catch (error) {
    await harness.close();
    if (!(error instanceof RemoteError)) throw lost(error);
    const exitCode = /os error 13\b/.test(error.message) ? NOT_RUNNABLE_EXIT_CODE : NOT_FOUND_EXIT_CODE;
    const where = cwd === undefined ? '' : ` in ${cwd}`;
    throw new CliError(`cannot start ${argv[0]}${where}: ${error.message}`, { exitCode, cause: error });
  }
}

/** From start to end; resolves with the exit code for this program. */
async function live(child: RemoteProcess): Promise<number> {
  let ended: number | undefined;
  const kill = (exitCode: number) => {
    ended ??= exitCode;
    void child.terminate().catch(() => {});
  };
  const forget = forwardSignals(child, kill);
  let inputLost: Error | undefined;
  feed(child, (error) => {
    inputLost = error;
    void child.terminate().catch(() => {});
  });
  const output = [
    [child.stdout, descriptorStream(1)],
    [child.stderr, descriptorStream(2)],
  ] as const;
  const copied = output.map(([from, to]) =>
    pipeline(from, to).catch((error: NodeJS.ErrnoException) => {
      // Nobody reads any more (`| head`): a local program would have got SIGPIPE.
      if (error.code === 'EPIPE') kill(SIGPIPE_EXIT_CODE);
      else if (ended === undefined) throw lost(error);
    }),
  );
  try {
    const { exitCode } = await child.closed;
    await Promise.all(copied);
    if (inputLost !== undefined && ended === undefined) throw lost(inputLost);
    return ended ?? exitCode;
  } catch (error) {
    await Promise.allSettled(copied);
    if (ended !== undefined) return ended;
    throw lost(error);
  } finally {
    forget();
  }
}

function feed(child: RemoteProcess, fail: (error: Error) => void): void {
  // A process that reads no more is no error here; it may simply have ended. Input whose fate is unknown is one.
  child.stdin.on('error', (error: Error) => {
    process.stdin.destroy();
    if (error instanceof HarnessError && error.code === 'fate_unknown') fail(error);
  });
  process.stdin.on('error', () => child.stdin.end());
  process.stdin.pipe(child.stdin);
  void finished(child.stdin).catch(() => {});
}

/**
 * The first ^C goes to the command, the second kills it; other endings of this program kill it at once. Whoever asks
 * once more does not want to wait until the other machine can be told.
 */
function forwardSignals(child: RemoteProcess, killOnce: (exitCode: number) => void): () => void {
  let interrupted = false;
  let killed = false;
  const kill = (exitCode: number) => {
    if (killed) process.exit(exitCode);
    killed = true;
    killOnce(exitCode);
  };
  const onInterrupt = () => {
    const exitCode = 128 + SIGNAL_NUMBERS.SIGINT;
    if (interrupted) return kill(exitCode);
    interrupted = true;
    // The first releases know no signals.
    child.signal('interrupt').catch(() => killOnce(exitCode));
  };
  const onHangup = () => kill(128 + SIGNAL_NUMBERS.SIGHUP);
  const onTerminate = () => kill(128 + SIGNAL_NUMBERS.SIGTERM);
  process.on('SIGINT', onInterrupt);
  process.on('SIGHUP', onHangup);
  process.on('SIGTERM', onTerminate);
  return () => {
    process.off('SIGINT', onInterrupt);
    process.off('SIGHUP', onHangup);
    process.off('SIGTERM', onTerminate);
  };
}

/** A session is not tried for longer than its stream was, nor for longer than executors keep one. */
function patience(graceMs: number) {
  return { graceMs, recoverMs: Math.min(graceMs, 25_000) };
}

function lost(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CliError(message, { exitCode: UNREACHABLE_EXIT_CODE, cause: error });
}
