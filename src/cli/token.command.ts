/**
 * `signalbox token create|ls|revoke`: who may be executor or harness of one environment.
 * A new token goes to stdout, alone, once; everything for the eye goes to stderr. Of those that exist only ids are known.
 */
import { type Command, Option } from 'commander';
import { TOKEN_ROLES, type TokenRecord, type TokenRole } from '../rendezvous/token.js';
import { FileTokenStore } from '../rendezvous/token-store.js';
import { asCliError } from './cli-error.js';
import { SHORT_ID } from './jobs.js';
import { print } from './print.js';
import { defaultTokenFile, ensureStateFolder } from './state-folder.js';
import { toTable } from './table.js';

interface StoreOptions {
  readonly tokens?: string;
  readonly json?: boolean;
}

interface CreateOptions extends StoreOptions {
  readonly role: TokenRole;
  readonly env: string;
}

const USE: Readonly<Record<TokenRole, (environmentId: string) => string>> = {
  executor: (id) =>
    `put it into SIGNALBOX_TOKEN of: signalbox executor --remote http://HOST:PORT --environment-id ${id}`,
  harness: (id) => `connect to: ws://HOST:PORT/ws/environment/${id}?role=harness&token=TOKEN`,
};

export function registerTokenCommand(program: Command): void {
  const token = program.command('token').description('tokens that let executors and harnesses in');
  const create = token
    .command('create')
    .description('create a token and print it, once')
    .addOption(new Option('--role <role>', 'who will hold it').choices([...TOKEN_ROLES]).makeOptionMandatory(true))
    .requiredOption('--env <id>', 'the environment it is for');
  const list = token.command('ls').description('the tokens there are: ids, never the tokens themselves');
  const revoke = token
    .command('revoke')
    .description('have tokens let nobody in any more, and close what they let in')
    .argument('<ids...>', 'their ids, or the beginnings of them (signalbox token ls)');
  for (const command of [create, list, revoke]) {
    command
      .option('--tokens <file>', 'token file (default: tokens.json in the state folder)')
      .option('--json', 'as JSON');
  }
  create
    .addHelpText(
      'after',
      `
  signalbox token create --role executor --env box1 > executor.token
  signalbox token create --role harness --env box1 --json`,
    )
    .action(createToken);
  list.addHelpText('after', '\n  signalbox token ls\n  signalbox token ls --tokens /etc/signalbox/tokens.json --json');
  list.action(listTokens);
  revoke
    .addHelpText(
      'after',
      `
A rendezvous that runs notices within seconds: URLs issued for the token are refused, sockets it let in are closed.
All that are named are revoked, or none.

  signalbox token revoke 6b1f2c09`,
    )
    .action(revokeTokens);
}

async function createToken(options: CreateOptions): Promise<void> {
  await withStore(options, async (store) => {
    if (options.tokens === undefined) await ensureStateFolder();
    const { token, record } = await store.create(options.role, options.env);
    print(options.json ? `${JSON.stringify({ ...toJson(record), token })}\n` : `${token}\n`);
    process.stderr.write(`${USE[options.role](options.env)}\n`);
  });
}

async function listTokens(options: StoreOptions): Promise<void> {
  await withStore(options, async (store) => {
    const records = await store.list();
    const rows = records.map(({ id, role, environmentId, createdAt }) => [
      id.slice(0, SHORT_ID),
      role,
      environmentId,
      createdAt,
    ]);
    print(
      options.json
        ? `${JSON.stringify(records.map(toJson))}\n`
        : toTable([['ID', 'ROLE', 'ENVIRONMENT', 'CREATED'], ...rows]),
    );
  });
}

async function revokeTokens(ids: string[], options: StoreOptions): Promise<void> {
  await withStore(options, async (store) => {
    const revoked = await store.revoke(ids);
    const lines = revoked.map(
      ({ id, role, environmentId }) => `revoked ${id.slice(0, SHORT_ID)}, ${role} of ${environmentId}\n`,
    );
    print(options.json ? `${JSON.stringify(revoked.map(toJson))}\n` : lines.join(''));
  });
}

async function withStore(options: StoreOptions, use: (store: FileTokenStore) => Promise<void>): Promise<void> {
  try {
    await use(new FileTokenStore(options.tokens ?? defaultTokenFile()));
  } catch (error) {
    throw asCliError(error);
  }
}

/** Without the hash, which is of no use to anybody. */
function toJson({ id, role, environmentId, createdAt }: TokenRecord) {
  return { id, role, environment: environmentId, createdAt };
}
