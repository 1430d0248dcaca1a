/**
 * Standard output of commands that only tell something. Whoever reads it may stop reading, as `head` does: then there is
 * nothing left to do, and nothing to complain about.
 */
import { constants } from 'node:os';

/** As a shell has it for a program that was ended by SIGPIPE. */
const SIGPIPE_EXIT_CODE = 128 + constants.signals.SIGPIPE;

let isWatched = false;

export function print(text: string): void {
  if (!isWatched) {
    isWatched = true;
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(SIGPIPE_EXIT_CODE);
      process.stderr.write(`signalbox: cannot write to standard output: ${error.message}\n`);
      process.exit(1);
    });
  }
  process.stdout.write(text);
}
