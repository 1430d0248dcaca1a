/**
 * `signalbox env ls`: the environments that a token is for, and whether an executor is there, as the registry sees it.
 */
import type { Command } from 'commander';
import { CliError } from './cli-error.js';
import { type AddressOptions, addAddressOptions, findRegistry } from './harness-address.js';
import { askRegistry, shownAddress } from './known-environments.js';
import { print } from './print.js';
import { toTable } from './table.js';

interface ListOptions extends AddressOptions {
  readonly json?: boolean;
}

export function registerEnvCommand(program: Command): void {
  const group = program.command('env').description('environments that can be used from here');
  const command = group.command('ls').description('the environments a token is for, and whether an executor is there');
  addAddressOptions(command);
  command
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
A token is for one environment, so there is one row; the registry tells nobody of others.
ONLINE means that an executor is connected to the rendezvous; whether it answers is what "signalbox status" finds out.

  signalbox env ls
  signalbox env ls --url https://relay.example --token-file harness.token --json`,
    )
    .action(list);
}

async function list(options: ListOptions): Promise<void> {
  const registry = await findRegistry(options);
  if (registry === undefined) {
    throw new CliError('this address is an executor itself; environments are known to a registry (http://…)', {
      exitCode: 2,
    });
  }
  const { role, environments } = await askRegistry(registry);
  const wanted = environments.filter(({ id }) => options.env === undefined || options.env === id);
  if (wanted.length === 0) throw new CliError(`this token is not for the environment ${options.env ?? ''}`);
  const remote = shownAddress(registry.remote);
  const rows = wanted.map(({ id, online, encrypted }) => ({
    environment: id,
    online,
    encrypted: online ? encrypted : null,
    role,
    registry: remote,
  }));
  print(
    options.json
      ? `${JSON.stringify(rows)}\n`
      : toTable([
          ['ENVIRONMENT', 'ONLINE', 'ENCRYPTED', 'TOKEN', 'REGISTRY'],
          ...rows.map((row) => [row.environment, yesNo(row.online), yesNo(row.encrypted), row.role, row.registry]),
        ]),
  );
}

function yesNo(value: boolean | null): string {
  if (value === null) return '-';
  return value ? 'yes' : 'no';
}
