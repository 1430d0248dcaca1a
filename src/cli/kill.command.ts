/**
 * `signalbox kill`: a signal to jobs that were left running, attached or not.
 */
import { constants } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import type { Signal } from '../harness/remote-process.js';
import { CliError } from './cli-error.js';
import { addAddressOptions } from './harness-address.js';
import { findJob, listJobs, SHORT_ID } from './jobs.js';
import { type ReachOptions, reach, unreached } from './reach.js';

interface KillOptions extends ReachOptions {
  readonly signal: Signal;
}

export function registerKillCommand(program: Command): void {
  const command = program
    .command('kill')
    .description('send a signal to jobs left running on the other machine')
    .argument('<jobs...>', 'their ids, or the beginnings of them (signalbox ps)')
    .option('-s, --signal <name>', 'TERM, INT, HUP, KILL, …', signalName, 'SIGTERM' as const);
  addAddressOptions(command);
  command.addHelpText('after', '\n  signalbox kill 0b5e3f2c\n  signalbox kill -s KILL 0b5e3f2c').action(run);
}

async function run(prefixes: string[], options: KillOptions): Promise<void> {
  const harness = await reach(options);
  try {
    const jobs = await listJobs(harness);
    for (const { id } of prefixes.map((prefix) => findJob(jobs, prefix))) {
      const signalled = await harness.kept.signal(id, options.signal).catch((error: unknown) => {
        throw unreached(error);
      });
      if (signalled === 0) throw new CliError(`job ${id.slice(0, SHORT_ID)} has ended already`);
    }
  } finally {
    await harness.close();
  }
}

function signalName(text: string): Signal {
  const name = `SIG${text.toUpperCase().replace(/^SIG/, '')}`;
  if (Object.hasOwn(constants.signals, name)) return name as NodeJS.Signals;
  throw new InvalidArgumentError('expected the name of a signal, for instance TERM or KILL');
}
