/**
 * Finds children again that a helper forked and could not report any more, by their streams, which only they have.
 */
import { fstatSync } from 'node:fs';
import { fileOf, leadersByOutput } from '../process-table.js';
import type { Fork } from './fork.js';

/** The pid of each that runs. */
export function findStarted(forks: readonly Fork[]): ReadonlyMap<Fork, number> {
  const found = new Map<Fork, number>();
  if (forks.length === 0) return found;
  const leaders = leadersByOutput();
  for (const fork of forks) {
    const pid = leaders.get(outputFile(fork) ?? '');
    if (pid !== undefined) found.set(fork, pid);
  }
  return found;
}

function outputFile({ ends, request }: Fork): string | undefined {
  if (request.terminal !== undefined) return fileOf(request.terminal.terminal);
  if (ends === undefined) return undefined;
  const { dev, ino } = fstatSync(ends.stdout.descriptor);
  return `${dev}:${ino}`;
}
