/**
 * From the options of a command to a session with the executor it is about; what goes wrong on the way becomes one line
 * and the exit code for it.
 */
import { HarnessError } from '../../machines/harness.machine.js';
import { arrive } from '../harness/arrival.js';
import { connect } from '../harness/connect.js';
import type { Harness } from '../harness/harness.js';
import { createLog } from '../observe/log.js';
import type { Observation } from '../observe/observation.js';
import { CliError } from './cli-error.js';
import { type AddressOptions, findAddress, UNREACHABLE_EXIT_CODE } from './harness-address.js';

export interface ReachOptions extends AddressOptions {
  /** Milliseconds. */
  readonly grace?: number;
  readonly logLevel?: string;
  /** Where what it does over a rendezvous can be observed. */
  readonly observation?: Observation;
}

/** How long the other end is tried before it is taken for not there. */
const ARRIVAL_MS = 2000;
/** As long as releases try; most executors keep a session for thirty seconds. */
const RECOVER_MS = 25_000;

/** Throws {@link CliError}. */
export async function reach(options: ReachOptions, resumeSessionId?: string): Promise<Harness> {
  const address = await findAddress(options);
  const log = createLog({ level: options.logLevel ?? 'silent' });
  const grace = options.grace === undefined ? {} : patience(options.grace);
  const resume = resumeSessionId === undefined ? {} : { resumeSessionId };
  const observed = options.observation === undefined ? {} : { observation: options.observation };
  const settings = { ...address, ...grace, ...resume, ...observed, clientName: 'signalbox', log };
  try {
    return await arrive(() => connect(settings), ARRIVAL_MS);
  } catch (error) {
    throw unreached(error);
  }
}

/** The other machine was not reached, or was lost. */
export function unreached(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CliError(message, { exitCode: UNREACHABLE_EXIT_CODE, cause: error });
}

/** Whether nobody knows what became of what was asked. */
export function isFateUnknown(error: unknown): boolean {
  return error instanceof HarnessError && error.code === 'fate_unknown';
}

/** A session is not tried for longer than its stream was, nor for longer than executors keep one. */
function patience(graceMs: number) {
  return { graceMs, recoverMs: Math.min(graceMs, RECOVER_MS) };
}
