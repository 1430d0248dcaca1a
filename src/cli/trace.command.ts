/**
 * `signalbox trace`: recordings of what the protocol did, made, drawn, counted, run again, and opened in the page.
 */
import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { figuresText } from '../recordings/figures-text.js';
import { RecordingError } from '../recordings/recording-error.js';
import { RecordingReader } from '../recordings/recording-reader.js';
import { recordRemote } from '../recordings/remote-recording.js';
import { type ReplayReport, replay } from '../recordings/replay.js';
import { RecordingFigures } from '../recordings/stream-figures.js';
import { type StreamDiagram, StreamRows } from '../recordings/stream-rows.js';
import { svgDiagram } from '../recordings/svg-diagram.js';
import { NARROWEST, terminalDiagram } from '../recordings/terminal-diagram.js';
import { asCliError, CliError, oneLine } from './cli-error.js';
import { inspectorAddress } from './inspector-address.js';
import { openRecording } from './open-recording.js';
import { stopSignal } from './stop-signal.js';

interface RecordOptions {
  readonly env?: string;
  readonly url?: string;
  readonly output: string;
}

interface PartOptions {
  readonly stream?: string;
  /** Milliseconds since the recording began. */
  readonly from?: number;
  readonly to?: number;
}

interface ShowOptions extends PartOptions {
  readonly width?: number;
  readonly color: boolean;
  readonly svg?: string;
}

/** The file cannot be read as a recording. */
const NO_RECORDING_EXIT_CODE = 3;
/** The replay did something else than was recorded. */
const DIFFERENT_EXIT_CODE = 1;
const SIGPIPE_EXIT_CODE = 141;
const USUAL_WIDTH = 100;

export function registerTraceCommand(program: Command): void {
  const trace = program.command('trace').description('recordings of what the protocol did').addHelpText('after', HELP);
  trace
    .command('record')
    .description('record a running signalbox up, or any program with an inspector, until Ctrl-C')
    .option('--env <id>', 'the environment that the signalbox up here must serve')
    .option('--url <url>', 'address of the inspector, as its program prints it (or SIGNALBOX_INSPECTOR_URL)')
    .requiredOption('-o, --output <file>', 'where to write it; what is there is replaced')
    .action((options: RecordOptions) => told(() => recordRunning(options)));
  withPart(trace.command('show').description('draw its streams as sequence diagrams').argument('<file>'))
    .option('--width <columns>', `columns, from ${NARROWEST} (default: those of the terminal)`, columns)
    .option('--no-color', 'without colours (also: NO_COLOR)')
    .option('--svg <file>', 'write the diagram of one stream as an SVG instead')
    .action((file: string, options: ShowOptions) => told(() => show(file, options)));
  trace
    .command('stats')
    .description('the figures of each stream')
    .argument('<file>')
    .option('--stream <id>', 'only this stream: its id, or how it begins')
    .option('--json', 'for programs')
    .action((file: string, options: { stream?: string; json?: true }) => told(() => stats(file, options)));
  trace
    .command('replay')
    .description('run it through the state machines again and compare; exit code 1 where they differ')
    .argument('<file>')
    .option('--open', 'then open it in the page')
    .action((file: string, { open }: { open?: true }) => told(() => runAgain(file, open === true)));
  trace
    .command('open')
    .description('show it in the inspector page, to be stepped through, until Ctrl-C')
    .argument('<file>')
    .action((file: string) => told(() => openRecording(new RecordingReader(file), stopSignal(), notices)));
}

const HELP = `
Exit codes: 0; ${DIFFERENT_EXIT_CODE} when a replay differs, or something failed; 2 for a wrong command line; ${NO_RECORDING_EXIT_CODE} when the file is no recording,
damaged, or of another version: the message names the line.

  signalbox exec --trace run.jsonl -- make test
  signalbox trace show run.jsonl
  signalbox trace replay run.jsonl`;

function withPart(command: Command): Command {
  return command
    .option('--stream <id>', 'only this stream: its id, or how it begins')
    .addOption(new Option('--from <seconds>', 'from so long after the recording began').argParser(milliseconds))
    .addOption(new Option('--to <seconds>', 'up to so long after the recording began').argParser(milliseconds));
}

async function recordRunning({ env, url, output }: RecordOptions): Promise<void> {
  const inspector = await inspectorAddress({
    ...(env === undefined ? {} : { env }),
    ...(url === undefined ? {} : { url }),
  });
  const { host } = new URL(inspector);
  const started = () => process.stderr.write(`signalbox: recording ${host} to ${output}; Ctrl-C ends it\n`);
  const { records, programEnded } = await recordRemote(inspector, output, { signal: stopSignal(), started });
  const end = programEnded ? ', because the program ended' : '';
  process.stderr.write(`signalbox: ${records} records written${end}\n`);
}

async function show(file: string, options: ShowOptions): Promise<void> {
  const reader = new RecordingReader(file);
  const rows = new StreamRows(options.stream);
  for await (const { line, record } of reader.records()) rows.take(line, record);
  const startAt = reader.header?.at ?? 0;
  const diagrams = [...rows.diagrams.values()].map((diagram) => part(diagram, startAt, options));
  notices(reader);
  if (diagrams.length === 0) throw new CliError(nothingOf(file, options.stream));
  if (options.svg !== undefined) {
    await writeSvg(options.svg, chosen(diagrams), startAt);
    return;
  }
  const width = options.width ?? process.stdout.columns ?? USUAL_WIDTH;
  const colour = options.color && isColourful(process.env);
  for (const diagram of diagrams) {
    for (const line of terminalDiagram(diagram, startAt, { width, colour })) process.stdout.write(`${line}\n`);
  }
}

/** As others have it: NO_COLOR and FORCE_COLOR, else whether a person looks on. */
function isColourful({ NO_COLOR: no, FORCE_COLOR: force }: NodeJS.ProcessEnv): boolean {
  if (no !== undefined && no !== '') return false;
  return (force !== undefined && force !== '0') || process.stdout.isTTY === true;
}

function part(diagram: StreamDiagram, startAt: number, { from = 0, to = Number.POSITIVE_INFINITY }: PartOptions) {
  const rows = diagram.rows.filter(({ at }) => at - startAt >= from && at - startAt <= to);
  return { ...diagram, rows };
}

/** Of several, the one that says most. */
function chosen(diagrams: readonly StreamDiagram[]): StreamDiagram {
  const [first, ...others] = diagrams as [StreamDiagram, ...StreamDiagram[]];
  const most = others.reduce((best, other) => (other.rows.length > best.rows.length ? other : best), first);
  if (others.length > 0) {
    process.stderr.write(`signalbox: ${others.length + 1} streams; drawn is ${most.stream}, others with --stream\n`);
  }
  return most;
}

async function writeSvg(path: string, diagram: StreamDiagram, startAt: number): Promise<void> {
  const { svg, leftOut } = svgDiagram(diagram, startAt);
  try {
    await writeFile(path, svg);
  } catch (error) {
    throw new CliError(`cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
  if (leftOut > 0) process.stderr.write(`signalbox: ${leftOut} rows did not fit: choose a part with --from and --to\n`);
}

async function stats(file: string, { stream, json }: { stream?: string; json?: true }): Promise<void> {
  const reader = new RecordingReader(file);
  const figures = new RecordingFigures();
  for await (const { record } of reader.records()) figures.take(record);
  const streams = figures.streams.filter((one) => stream === undefined || one.stream.startsWith(stream));
  notices(reader);
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ program: reader.header?.program, streams }, undefined, 2)}\n`);
    return;
  }
  if (streams.length === 0) throw new CliError(nothingOf(file, stream));
  for (const one of streams) process.stdout.write(`${figuresText(one)}\n`);
}

async function runAgain(file: string, open: boolean): Promise<void> {
  const reader = new RecordingReader(file);
  const lines = [];
  for await (const line of reader.records()) lines.push(line);
  const report = replay(lines, reader.isTruncated);
  notices(reader);
  process.stdout.write(`${reportText(report)}\n`);
  const { difference } = report;
  if (open) await openRecording(reader, stopSignal(), () => {});
  if (difference === undefined) return;
  const { line, at, where, recorded, replayed } = difference;
  const seconds = ((at - (reader.header?.at ?? 0)) / 1000).toFixed(3);
  const words = [
    `${file}, line ${line} (${seconds} s), ${where}:`,
    `  recorded  ${oneLine(recorded)}`,
    `  replayed  ${oneLine(replayed)}`,
  ];
  process.stderr.write(`${words.join('\n')}\n`);
  throw new CliError('the machines of this version do something else than was recorded', {
    exitCode: DIFFERENT_EXIT_CODE,
  });
}

function reportText({
  connections,
  streams,
  inputs,
  transitions,
  frames,
  unknownPast,
  difference,
}: ReplayReport): string {
  const verdict = difference === undefined ? 'the same' : 'the same, up to the first difference';
  const past = unknownPast === 0 ? '' : `; left out: ${counted(unknownPast, 'actor')} from before the recording`;
  return (
    `${counted(inputs, 'input')} to ${counted(connections, 'connection')} and ${counted(streams, 'stream')}: ` +
    `${counted(transitions, 'transition')} and ${counted(frames, 'frame')} ${verdict}${past}`
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function notices(reader: RecordingReader): void {
  for (const notice of reader.notices) process.stderr.write(`signalbox: ${notice}\n`);
}

function nothingOf(file: string, stream: string | undefined): string {
  return stream === undefined ? `${file} tells of no stream` : `${file} tells of no stream that begins with ${stream}`;
}

/** Errors as a person needs them, with the exit code that the help promises. */
async function told(action: () => Promise<void>): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Nobody reads any more (`| head`): as if SIGPIPE had come.
    if (error.code === 'EPIPE') process.exit(SIGPIPE_EXIT_CODE);
    throw error;
  });
  try {
    await action();
  } catch (error) {
    if (!(error instanceof RecordingError)) throw asCliError(error);
    const cannotRead = error.code !== 'recording_unwritable' && error.code !== 'recording_unreachable';
    throw new CliError(error.message, { exitCode: cannotRead ? NO_RECORDING_EXIT_CODE : 1, cause: error });
  }
}

function milliseconds(text: string): number {
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError('expected seconds, e.g. 1.5');
  return Number(text) * 1000;
}

function columns(text: string): number {
  const width = Number(text);
  if (!/^\d{1,4}$/.test(text) || width < NARROWEST)
    throw new InvalidArgumentError(`expected a number from ${NARROWEST}`);
  return width;
}
