/**
 * `signalbox executor`: the daemon that runs commands for whoever the registry lets in.
 */
import { type Command, Option } from 'commander';
import { runExecutor } from '../executor/run-executor.js';
import { createLog } from '../observe/log.js';
import { asCliError, CliError } from './cli-error.js';
import { logLevelOption } from './log-level-option.js';
import { readSecret } from './secret.js';
import { stopSignal } from './stop-signal.js';

interface ExecutorCommandOptions {
  readonly remote: string;
  readonly environmentId: string;
  readonly name?: string;
  readonly relay: 'cleartext' | 'noise';
  readonly tokenFile?: string;
  readonly tokenStdin?: boolean;
  readonly logLevel: string;
}

export function registerExecutorCommand(program: Command): void {
  program
    .command('executor')
    .description('run commands on this machine for harnesses elsewhere')
    .requiredOption('--remote <url>', 'address of the registry, e.g. http://127.0.0.1:7420')
    .requiredOption('--environment-id <id>', 'the environment this machine serves')
    .option('--name <name>', 'a name for this machine, for the log')
    .addOption(
      new Option('--relay <profile>', 'how the relay is spoken').choices(['cleartext', 'noise']).default('cleartext'),
    )
    .option('--token-file <file>', 'file that holds the executor token')
    .option('--token-stdin', 'read the executor token from standard input')
    .addOption(logLevelOption('info'))
    .addHelpText(
      'after',
      '\nThe token comes from --token-file, --token-stdin, SIGNALBOX_TOKEN or CODEX_API_KEY; make one with\n' +
        '  signalbox token create --role executor --env ID',
    )
    .action(run);
}

async function run(options: ExecutorCommandOptions): Promise<void> {
  if (options.relay === 'noise') {
    throw new CliError('the Noise relay is not served by this version: use --relay cleartext', { exitCode: 2 });
  }
  if (!URL.canParse(options.remote) || !/^https?:$/.test(new URL(options.remote).protocol)) {
    throw new CliError(`--remote must be an http:// or https:// address, got ${options.remote}`, { exitCode: 2 });
  }
  if (options.environmentId.trim() === '') throw new CliError('--environment-id must not be blank', { exitCode: 2 });
  const bearerToken = await readSecret({ ...options, variables: ['SIGNALBOX_TOKEN', 'CODEX_API_KEY'] });
  if (bearerToken === undefined) {
    throw new CliError(
      'no token: set SIGNALBOX_TOKEN, or give --token-file or --token-stdin ' +
        `(make one with: signalbox token create --role executor --env ${options.environmentId})`,
    );
  }
  const root = createLog({ level: options.logLevel });
  const log = options.name === undefined ? root : root.child({ name: options.name });
  try {
    await runExecutor({
      remote: options.remote,
      environmentId: options.environmentId,
      bearerToken,
      signal: stopSignal(),
      log,
    });
  } catch (error) {
    throw asCliError(error);
  }
}
