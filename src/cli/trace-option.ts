/**
 * `--trace FILE`: a program records what it does while it does it.
 */
import { type Command, Option } from 'commander';
import { Observation } from '../observe/observation.js';
import { type Recording, recordToFile } from '../recordings/recording.js';
import { asCliError, CliError } from './cli-error.js';

export interface TraceOptions {
  readonly trace?: string;
  readonly payloads?: true;
}

export function traceOption(): Option {
  const what = 'record what the protocol does, for signalbox trace show, stats, replay and open: sizes and numbers';
  return new Option('--trace <file>', what);
}

/** For programs whose frames can be recorded whole. */
export function addTraceOptions(command: Command): Command {
  const payloads = 'with --trace: record what was sent, too; it may hold anything, passwords also';
  return command.addOption(traceOption()).addOption(new Option('--payloads', payloads));
}

/** Before anything is at stake. Throws CliError. */
export function checkTrace({ trace, payloads }: TraceOptions): void {
  if (payloads === true && trace === undefined) {
    throw new CliError('--payloads is for a recording: give --trace FILE beside it', { exitCode: 2 });
  }
}

/** Undefined when none was asked for. Rejects with RecordingError. */
export async function startTrace(
  { trace, payloads = false as boolean }: Omit<TraceOptions, 'payloads'> & { readonly payloads?: boolean },
  observation: Observation | undefined,
  seed?: number,
): Promise<Recording | undefined> {
  if (trace === undefined || observation === undefined) return undefined;
  const recording = await recordToFile(observation, trace, {
    payloads,
    ...(seed === undefined ? {} : { seed }),
    failed: ({ message }) => process.stderr.write(`signalbox: ${message}; nothing more is recorded\n`),
  });
  if (payloads) warnOfPayloads(trace);
  return recording;
}

/**
 * Runs it, and records what it does over a rendezvous where that was asked for; the file is whole when this settles.
 * Throws CliError.
 */
export async function recorded<Options extends TraceOptions, Result>(
  options: Options,
  run: (options: Options & { readonly observation?: Observation }) => Promise<Result>,
): Promise<Result> {
  checkTrace(options);
  if (options.trace === undefined) return await run(options);
  const observation = new Observation();
  const recording = await startTrace(options, observation).catch((error: unknown) => {
    throw asCliError(error);
  });
  try {
    return await run({ ...options, observation });
  } finally {
    await recording?.close();
  }
}

function warnOfPayloads(file: string): void {
  process.stderr.write(
    `signalbox: PAYLOADS ARE RECORDED in ${file}: commands, files and all that is typed or printed, passwords also, ` +
      'as far as it is not encrypted on the way. Only you can read the file; think before you pass it on.\n',
  );
}
