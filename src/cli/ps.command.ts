/**
 * `signalbox ps`: the jobs that were left running on the other machine, and how they ended.
 */
import type { Command } from 'commander';
import { addAddressOptions } from './harness-address.js';
import { type Job, listJobs, SHORT_ID } from './jobs.js';
import { print } from './print.js';
import { type ReachOptions, reach } from './reach.js';
import { toTable } from './table.js';

interface PsOptions extends ReachOptions {
  readonly json?: boolean;
}

export function registerPsCommand(program: Command): void {
  const command = program.command('ps').description('jobs left running on the other machine');
  addAddressOptions(command);
  command
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Jobs are started with: signalbox exec --detach -- COMMAND
One that has ended is listed for an hour; attach to it to see what it printed.

  signalbox ps
  signalbox ps --json | jq -r '.[] | select(.running) | .job'`,
    )
    .action(run);
}

async function run(options: PsOptions): Promise<void> {
  const harness = await reach(options);
  const jobs = await listJobs(harness).finally(() => harness.close());
  print(options.json ? `${JSON.stringify(jobs.map(toJson))}\n` : tableOf(jobs, Date.now()));
}

function toJson({ id, attached, process: child }: Job): object {
  return {
    job: id,
    attached,
    command: child?.command ?? null,
    running: child?.running ?? false,
    exitCode: child?.exitCode ?? null,
    startedAt: child?.startedAt == null ? null : new Date(child.startedAt).toISOString(),
    outputBytes: child?.outputBytes ?? 0,
  };
}

function tableOf(jobs: readonly Job[], now: number): string {
  const rows = jobs.map(({ id, attached, process: child }) => [
    id.slice(0, SHORT_ID),
    stateOf(child),
    attached ? 'yes' : 'no',
    child?.startedAt == null ? '-' : age(now - child.startedAt),
    child?.command ?? '-',
  ]);
  return toTable([['JOB', 'STATE', 'ATTACHED', 'AGE', 'COMMAND'], ...rows]);
}

function stateOf(child: Job['process']): string {
  if (child === undefined) return 'empty';
  return child.running ? 'running' : `exited ${child.exitCode ?? '?'}`;
}

/** In the largest unit of which there are two or more. */
function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
