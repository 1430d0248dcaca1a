/**
 * `signalbox exec`: one command on the other machine, as if it ran here, or left to itself with `--detach`.
 */
import { type Command, InvalidArgumentError } from 'commander';
import type { Harness } from '../harness/harness.js';
import type { ProcessOptions, RemoteProcess } from '../harness/remote-process.js';
import { RemoteError } from '../harness/rpc-client.js';
import { runAttached } from './attached-command.js';
import { CliError } from './cli-error.js';
import { graceOption } from './grace-option.js';
import { addAddressOptions, UNREACHABLE_EXIT_CODE } from './harness-address.js';
import { terminalSize } from './local-terminal.js';
import { logLevelOption } from './log-level-option.js';
import { type ReachOptions, reach, unreached } from './reach.js';
import { addTraceOptions, recorded, type TraceOptions } from './trace-option.js';

interface ExecOptions extends ReachOptions, TraceOptions {
  readonly cwd?: string;
  readonly envVar?: Readonly<Record<string, string>>;
  readonly tty?: boolean;
  readonly interactive?: boolean;
  readonly stdin: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

const RETAINED_BYTES = 8 * 1024 * 1024;
/** As shells have it. */
const NOT_FOUND_EXIT_CODE = 127;
const NOT_RUNNABLE_EXIT_CODE = 126;

export function registerExecCommand(program: Command): void {
  const command = program
    .command('exec')
    .description('run a command on the other machine')
    .argument('<command...>', 'program and arguments, after --')
    .passThroughOptions();
  addAddressOptions(command);
  command
    .option('-t, --tty', 'give it a terminal, shown in this one')
    .option('-i, --interactive', 'pass standard input on (the default, but with --detach)')
    .option('--no-stdin', 'give it no input')
    .option('-e, --env-var <name[=value]>', 'set a variable over there, or pass one of here on', collectVariable)
    .option('-w, --cwd <path>', 'folder on the other machine to run in')
    .option('-d, --detach', 'leave it running there and print the id of the job')
    .option('--json', 'with --detach: print the job as JSON')
    .addOption(graceOption('how long to wait for a lost connection to come back'));
  addTraceOptions(command)
    .addOption(logLevelOption('silent'))
    .addHelpText(
      'after',
      `
The exit code is the command's own (128 + n for signal n); ${UNREACHABLE_EXIT_CODE} when the other machine was not reached or was lost,
${NOT_FOUND_EXIT_CODE} when it has no such program, ${NOT_RUNNABLE_EXIT_CODE} when it may not run it.
Ctrl-C goes to the command; a second Ctrl-C kills it, a third does not wait for that.
With -t every key goes there; ~. at the start of a line leaves, and kills it.

  signalbox exec -- make test
  tar c . | signalbox exec -- tar x -C /tmp/there
  signalbox exec -t -- vim notes.txt
  signalbox exec -e CI=1 -w /src -- npm test
  signalbox exec --detach -- ./nightly.sh       # then: signalbox ps, attach, kill`,
    )
    .action(run);
}

async function run(argv: string[], options: ExecOptions): Promise<void> {
  if (options.json && !options.detach) throw new CliError('--json goes with --detach', { exitCode: 2 });
  const exitCode = await recorded(options, (observed) => runThere(argv, observed));
  // Standard input may still be open and would keep the program alive.
  process.exit(exitCode);
}

/** Resolves with the exit code for this program. */
async function runThere(argv: string[], options: ExecOptions): Promise<number> {
  const harness = await reach(options);
  if (options.detach) {
    await detach(harness, argv, options);
    return 0;
  }
  const child = await start(harness, argv, options);
  const { tty: terminal = false, stdin: input } = options;
  const exitCode = await runAttached(child, { input, terminal, leaving: 'kill' });
  await harness.close();
  return exitCode;
}

async function detach(harness: Harness, argv: string[], options: ExecOptions): Promise<void> {
  try {
    await harness.kept.keepThis();
  } catch (error) {
    await harness.close();
    throw unreached(error);
  }
  const child = await start(harness, argv, { ...options, stdin: options.interactive === true });
  // What it prints is for whoever attaches later.
  child.stdout.destroy();
  child.stderr.destroy();
  await harness.close();
  const job = harness.sessionId;
  process.stdout.write(options.json ? `${JSON.stringify({ job })}\n` : `${job}\n`);
}

async function start(harness: Harness, argv: string[], options: ExecOptions): Promise<RemoteProcess> {
  const { cwd, stdin, tty = false, envVar = {} } = options;
  const { capabilities } = harness.environment;
  const size = tty ? terminalSize() : undefined;
  const settings: ProcessOptions = {
    argv,
    stdin,
    ...(cwd === undefined ? {} : { cwd }),
    ...(tty ? { tty, env: { TERM: process.env.TERM ?? 'xterm-256color', ...envVar } } : { env: envVar }),
    ...(size !== undefined && capabilities.has('signalboxResize') ? { size } : {}),
    // What is printed while the connection is lost for good can be read back, up to so much.
    ...(capabilities.has('signalboxRetainBytes') ? { retainBytes: RETAINED_BYTES } : {}),
  };
  try {
    return await harness.startProcess(settings);
  } catch (error) {
    await harness.close();
    if (!(error instanceof RemoteError)) throw unreached(error);
    const exitCode = /os error 13\b/.test(error.message) ? NOT_RUNNABLE_EXIT_CODE : NOT_FOUND_EXIT_CODE;
    const where = cwd === undefined ? '' : ` in ${cwd}`;
    throw new CliError(`cannot start ${argv[0]}${where}: ${error.message}`, { exitCode, cause: error });
  }
}

function collectVariable(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, value] = /^([^=]+)(?:=([\s\S]*))?$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('expected NAME=VALUE, or NAME to pass on one of here');
  const given = value ?? process.env[name];
  return given === undefined ? before : { ...before, [name]: given };
}
