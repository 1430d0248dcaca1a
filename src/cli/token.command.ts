/**
 * `signalbox token create`: lets an executor or a harness into one environment.
 * The token goes to stdout, alone, once; everything for the eye goes to stderr.
 */
import { type Command, Option } from 'commander';
import { TOKEN_ROLES, type TokenRole } from '../rendezvous/token.js';
import { FileTokenStore } from '../rendezvous/token-store.js';
import { asCliError } from './cli-error.js';
import { defaultTokenFile, ensureStateFolder } from './state-folder.js';

interface CreateOptions {
  readonly role: TokenRole;
  readonly env: string;
  readonly tokens?: string;
}

const USE: Readonly<Record<TokenRole, (environmentId: string) => string>> = {
  executor: (id) =>
    `put it into SIGNALBOX_TOKEN of: signalbox executor --remote http://HOST:PORT --environment-id ${id}`,
  harness: (id) => `connect to: ws://HOST:PORT/ws/environment/${id}?role=harness&token=TOKEN`,
};

export function registerTokenCommand(program: Command): void {
  const token = program.command('token').description('tokens that let executors and harnesses in');
  token
    .command('create')
    .description('create a token and print it, once')
    .addOption(new Option('--role <role>', 'who will hold it').choices([...TOKEN_ROLES]).makeOptionMandatory(true))
    .requiredOption('--env <id>', 'the environment it is for')
    .option('--tokens <file>', 'token file (default: tokens.json in the state folder)')
    .action(createToken);
}

async function createToken(options: CreateOptions): Promise<void> {
  try {
    if (options.tokens === undefined) await ensureStateFolder();
    const store = new FileTokenStore(options.tokens ?? defaultTokenFile());
    const { token } = await store.create(options.role, options.env);
    process.stdout.write(`${token}\n`);
    process.stderr.write(`${USE[options.role](options.env)}\n`);
  } catch (error) {
    throw asCliError(error);
  }
}
