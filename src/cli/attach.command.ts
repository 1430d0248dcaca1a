/**
 * `signalbox attach`: back to a job that was left running, from what is kept of its output on.
 */
import type { Command } from 'commander';
import type { ProcessListing } from '../harness/remote-process.js';
import { runAttached } from './attached-command.js';
import { CliError } from './cli-error.js';
import { graceOption } from './grace-option.js';
import { addAddressOptions } from './harness-address.js';
import { findJob, listJobs } from './jobs.js';
import { terminalSize } from './local-terminal.js';
import { logLevelOption } from './log-level-option.js';
import { type ReachOptions, reach, unreached } from './reach.js';
import { addTraceOptions, recorded, type TraceOptions } from './trace-option.js';

interface AttachOptions extends ReachOptions, TraceOptions {
  readonly stdin: boolean;
}

export function registerAttachCommand(program: Command): void {
  const command = program
    .command('attach')
    .description('see, and speak to, a job left running on the other machine')
    .argument('<job>', 'its id, or the beginning of it (signalbox ps)');
  addAddressOptions(command);
  command
    .option('--no-stdin', 'only look')
    .addOption(graceOption('how long to wait for a lost connection to come back'))
    .addOption(logLevelOption('silent'));
  addTraceOptions(command)
    .addHelpText(
      'after',
      `
Shows what is kept of its output, then what it prints, and ends with its exit code.
Ctrl-C goes to the job; a second one leaves it running, as does ~. at the start of a line where it has a terminal.

  signalbox attach 0b5e3f2c
  signalbox attach --no-stdin 0b5e3f2c | grep -i error`,
    )
    .action(run);
}

async function run(prefix: string, options: AttachOptions): Promise<void> {
  const looking = await reach(options);
  const { id, process: listed } = await listJobs(looking)
    .then((jobs) => findJob(jobs, prefix))
    .finally(() => looking.close());
  if (listed === undefined) throw new CliError(`job ${id} has no process`);
  const exitCode = await recorded(options, (observed) => attach(id, listed, observed));
  process.exit(exitCode);
}

/** Resolves with the exit code for this program. */
async function attach(jobId: string, { processId, tty: terminal }: ProcessListing, options: AttachOptions) {
  const harness = await reach(options, jobId);
  const child = await harness.adoptProcess(processId).catch((error: unknown) => {
    throw unreached(error);
  });
  const size = terminal ? terminalSize() : undefined;
  // A terminal that ended meanwhile has no size any more.
  if (size !== undefined) await child.resize(size).catch(() => {});
  const exitCode = await runAttached(child, { input: options.stdin, terminal, leaving: 'detach' });
  await harness.close();
  return exitCode;
}
