/**
 * `signalbox cp`: files and folders to the other machine and back.
 */

import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { HarnessError } from '../../machines/harness.machine.js';
import { CopyError } from '../copy/copy-error.js';
import { copyAll, find, findSource, type Named, requireFolder } from '../copy/copy-job.js';
import { executorPlace } from '../copy/executor-place.js';
import { localPlace } from '../copy/local-place.js';
import { type Operand, parseOperand } from '../copy/operands.js';
import type { Place } from '../copy/place.js';
import { shellPlace } from '../copy/shell-place.js';
import { copyFromStream, copyToStream } from '../copy/stream-copy.js';
import { type CopyTally, type CopyWatch, TreeCopy } from '../copy/tree-copy.js';
import type { Harness } from '../harness/harness.js';
import { descriptorStream } from '../host/descriptor-stream.js';
import { CliError } from './cli-error.js';
import { graceOption } from './grace-option.js';
import { addAddressOptions, UNREACHABLE_EXIT_CODE } from './harness-address.js';
import { logLevelOption } from './log-level-option.js';
import { ProgressLine } from './progress-line.js';
import { type ReachOptions, reach } from './reach.js';
import { addTraceOptions, recorded, type TraceOptions } from './trace-option.js';

interface CpOptions extends ReachOptions, TraceOptions {
  readonly recursive?: boolean;
  readonly preserve?: boolean;
  readonly progress: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** How long what is under way may take to end in good order, after Ctrl-C. */
const LEAVING_MS = 1000;
const SIGPIPE_EXIT_CODE = 141;
const SIGNAL_EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const AGAIN = 'run the same command again: it goes on where it stopped';

export function registerCpCommand(program: Command): void {
  const command = program
    .command('cp')
    .description('copy files and folders to the other machine and back')
    .argument('<paths...>', 'SRC… DST; :PATH or ENV:PATH is on the other machine, - is standard input or output')
    .option('-r, --recursive', 'folders, with all that is in them; links stay links')
    .option('-p, --preserve', 'keep modification times, and all bits of the modes')
    .option('--no-progress', 'no progress line, also on a terminal')
    .option('-q, --quiet', 'no progress line, and no word but of what could not be copied')
    .option('--json', 'print a summary as one line of JSON');
  addAddressOptions(command);
  command
    .addOption(graceOption('how long to wait for a lost connection to come back'))
    .addOption(logLevelOption('silent'));
  addTraceOptions(command)
    .addHelpText(
      'after',
      `
A relative path over there starts at the folder the executor was started in; ~ is the home folder there. A local name
with a colon in it is written ./a:b. Each file goes to a hidden file beside its target (.signalbox-….part), is checked by
SHA-256, and then takes its name: under that name there is never half a file. What was interrupted goes on where it
stopped when the same command is run again.

Exit code: 0 when all was copied, 1 when something was not (each has its line on standard error), 2 for a mistake in the
command, 130 after Ctrl-C, ${UNREACHABLE_EXIT_CODE} when the other machine was not reached or was lost.

  signalbox cp report.pdf :                      # into the executor's folder
  signalbox cp -r src :/srv/app                  # a folder; into /srv/app when that is there
  signalbox cp ':logs/today.log' .               # from there to here
  signalbox cp -rp :/etc/nginx ./backup          # with modes and times
  signalbox cp box1:/var/log/syslog - | less     # environment box1; - is standard output
  pg_dump db | signalbox cp - :dump.sql`,
    )
    .action(run);
}

async function run(paths: string[], options: CpOptions): Promise<void> {
  const operands = readOperands(paths, options);
  const exitCode = await recorded(options, (observed) => copy(operands, observed));
  // Standard input may still be open and would keep the program alive.
  process.exit(exitCode);
}

/** Resolves with the exit code for this program. */
async function copy({ sources, target }: Operands, options: CpOptions): Promise<number> {
  const stop = new AbortController();
  let stoppedBy: keyof typeof SIGNAL_EXIT_CODES | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stoppedBy = signal;
      stop.abort();
    });
  }
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  const job = new CpJob(options, stop.signal);
  const started = performance.now();
  const work = job.run(sources, target);
  work.catch(() => {});
  try {
    await Promise.race([work, stopped.then(() => Promise.race([work, sleep(LEAVING_MS)]))]);
    stop.signal.throwIfAborted();
  } catch (error) {
    job.end();
    if (options.json) printSummary(job, started, error);
    if (stoppedBy !== undefined) {
      throw new CliError(`stopped: ${AGAIN}`, { exitCode: SIGNAL_EXIT_CODES[stoppedBy], cause: error });
    }
    throw inOneLine(error);
  }
  job.end();
  if (options.json) printSummary(job, started);
  await job.leave();
  return job.tally.failed > 0 ? 1 : 0;
}

interface Operands {
  readonly sources: readonly Operand[];
  readonly target: Operand;
}

function readOperands(paths: readonly string[], { json }: CpOptions): Operands {
  const operands = paths.map(parseOperand);
  const target = operands.pop();
  if (target === undefined || operands.length === 0) throw usage('name what to copy, and where to: SRC… DST');
  const all = [...operands, target];
  if (all.some((operand) => operand.kind !== 'pipe' && operand.kind !== 'remote' && operand.path === '')) {
    throw usage('a path is empty');
  }
  if (!all.some(({ kind }) => kind === 'remote')) {
    throw usage('all of these are local: write :PATH for a path on the other machine');
  }
  if (all.some(({ kind }) => kind === 'pipe') && operands.length > 1) throw usage('- stands for one file alone');
  if (json && target.kind === 'pipe') throw usage('--json would be printed into the file: leave one of both out');
  return { sources: operands, target };
}

class CpJob implements CopyWatch {
  readonly errors: string[] = [];
  readonly #options: CpOptions;
  readonly #signal: AbortSignal;
  readonly #copy: TreeCopy;
  readonly #harnesses: Harness[] = [];
  readonly #places = new Map<string, Promise<Place>>();
  #line: ProgressLine | undefined;

  constructor(options: CpOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#copy = new TreeCopy(this.#treeOptions);
  }

  get tally(): CopyTally {
    return this.#copy.tally;
  }

  get #treeOptions() {
    const { recursive = false, preserve = false } = this.#options;
    return { recursive, preserve, signal: this.#signal, watch: this };
  }

  async run(sources: readonly Operand[], target: Operand): Promise<void> {
    const [first] = sources;
    const { progress, quiet } = this.#options;
    const named = await Promise.all(sources.map((operand) => this.#named(operand)));
    const to = await this.#named(target);
    if (progress && !quiet && process.stderr.isTTY) this.#line = new ProgressLine(process.stderr);
    if (first?.kind === 'pipe' && to !== undefined) await this.#fromInput(to);
    else if (to === undefined && named[0] !== undefined) await this.#toOutput(named[0]);
    else if (to !== undefined) {
      const all = named.filter((source) => source !== undefined);
      await copyAll(all, to, this.#copy, this.#treeOptions);
    }
  }

  async leave(): Promise<void> {
    await Promise.all(this.#harnesses.map((harness) => harness.close()));
  }

  /** No more is drawn. */
  end(): void {
    this.#line?.finish();
    this.#line = undefined;
  }

  expected(bytes: number): void {
    this.#line?.expected(bytes);
  }

  started(name: string): void {
    this.#line?.started(name);
  }

  advanced = (bytes: number): void => {
    this.#line?.advanced(bytes);
  };

  failed({ message }: CopyError): void {
    this.#line?.clear();
    this.errors.push(message);
    process.stderr.write(`signalbox: ${oneLine(message)}\n`);
  }

  async #fromInput(to: Named): Promise<void> {
    const target = await find(to);
    const { facts } = target;
    if (facts !== undefined && facts.kind !== 'file') {
      throw new CopyError(
        'not_a_file',
        `${to.place.show(to.path)} is no file: name the file to write, as in ${join(to.place.show(to.path), 'NAME')}`,
      );
    }
    if (facts === undefined) await requireFolder({ place: target.place, path: dirname(target.path) });
    this.started('standard input');
    this.#count(await copyFromStream(process.stdin, target, { signal: this.#signal, advanced: this.advanced }));
  }

  async #toOutput(from: Named): Promise<void> {
    const source = await findSource(from);
    if (source.facts.kind === 'directory') {
      throw new CopyError(
        'is_folder',
        `${from.place.show(from.path)} is a folder: pack it with "signalbox exec -- tar c …"`,
      );
    }
    this.expected(source.facts.size);
    this.started(from.path);
    const output = descriptorStream(1);
    output.on('error', () => {});
    this.#count(await copyToStream(source, output, { signal: this.#signal, advanced: this.advanced }));
  }

  #count({ bytes, sha256 }: { readonly bytes: number; readonly sha256: string }): void {
    this.tally.files += 1;
    this.tally.bytes += bytes;
    this.tally.sha256 = sha256;
  }

  /** Undefined for a pipe. */
  async #named(operand: Operand): Promise<Named | undefined> {
    switch (operand.kind) {
      case 'pipe':
        return undefined;
      case 'local':
        return { place: localPlace, path: operand.path };
      case 'remote':
        return { place: await this.#placeOf(operand.environment), path: operand.path };
    }
  }

  #placeOf(environment: string | undefined): Promise<Place> {
    const key = environment ?? this.#options.env ?? '';
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#connect(environment);
    this.#places.set(key, place);
    return place;
  }

  async #connect(environment: string | undefined): Promise<Place> {
    const options = environment === undefined ? this.#options : { ...this.#options, env: environment };
    const harness = await reach(options);
    this.#harnesses.push(harness);
    const isOurs = harness.environment.capabilities.has('signalboxFileCopy');
    return isOurs ? executorPlace(harness, options.env ?? '') : shellPlace(harness, options.env ?? '');
  }
}

function printSummary(job: CpJob, started: number, error?: unknown): void {
  const { sha256, ...counts } = job.tally;
  const seconds = Math.round(performance.now() - started) / 1000;
  const errors = error instanceof Error ? [...job.errors, error.message] : job.errors;
  const sum = counts.files === 1 && sha256 !== undefined ? { sha256 } : {};
  process.stdout.write(`${JSON.stringify({ ...counts, seconds, ...sum, errors })}\n`);
}

function inOneLine(error: unknown): unknown {
  if (error instanceof CopyError) return new CliError(oneLine(error.message), { cause: error });
  if (error instanceof HarnessError) {
    return new CliError(`${error.message}; ${AGAIN}`, { exitCode: UNREACHABLE_EXIT_CODE, cause: error });
  }
  // Nobody reads any more (`| head`): a local program would have got SIGPIPE.
  if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit(SIGPIPE_EXIT_CODE);
  return error;
}

/** Names may hold line ends. */
function oneLine(message: string): string {
  return message.replace(/\p{Cc}/gu, '?');
}

function usage(message: string): CliError {
  return new CliError(message, { exitCode: 2 });
}
