/**
 * Jobs, as commands name them: sessions that stay when nobody is connected, each begun by `exec --detach` with one
 * process. Finding one by the beginning of its id; nothing is done to it here.
 */
import type { Harness } from '../harness/harness.js';
import type { KeptSession } from '../harness/kept-sessions.js';
import type { ProcessListing } from '../harness/remote-process.js';
import { CliError } from './cli-error.js';
import { unreached } from './reach.js';

/** Characters of an id that tell jobs apart. */
export const SHORT_ID = 8;

export interface Job {
  readonly id: string;
  readonly attached: boolean;
  /** Undefined when it was never started. */
  readonly process: ProcessListing | undefined;
}

export async function listJobs(harness: Harness): Promise<readonly Job[]> {
  try {
    return (await harness.kept.list()).map(jobOf);
  } catch (error) {
    throw unreached(error);
  }
}

/** Throws {@link CliError} when there is none, or more than one. */
export function findJob(jobs: readonly Job[], prefix: string): Job {
  const found = jobs.filter(({ id }) => id.startsWith(prefix.toLowerCase()));
  if (found.length === 1 && found[0] !== undefined && prefix !== '') return found[0];
  const many = `more than one job begins with ${prefix}: give more of its id`;
  throw new CliError(found.length > 1 ? many : `there is no job ${prefix}; see: signalbox ps`);
}

function jobOf({ sessionId, attached, processes }: KeptSession): Job {
  return { id: sessionId, attached, process: processes[0] };
}
