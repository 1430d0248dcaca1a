/**
 * `signalbox rendezvous`: registry and router on one port, until SIGTERM or SIGINT.
 */
import { type Command, Option } from 'commander';
import { createLog } from '../observe/log.js';
import { startRendezvous } from '../rendezvous/rendezvous.js';
import { FileTokenStore } from '../rendezvous/token-store.js';
import { asCliError } from './cli-error.js';
import { defaultTokenFile } from './state-folder.js';

interface RunOptions {
  readonly listen: string;
  readonly tokens?: string;
  readonly publicUrl?: string;
  readonly logLevel: string;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

export function registerRendezvousCommand(program: Command): void {
  program
    .command('rendezvous')
    .description('registry and router: where executors and harnesses meet')
    .option('--listen <url>', 'address to listen on', 'http://127.0.0.1:7420')
    .option('--tokens <file>', 'token file (default: tokens.json in the state folder)')
    .option('--public-url <url>', 'address by which executors reach it, where it differs (a proxy, TLS)')
    .addOption(new Option('--log-level <level>', 'log on stderr, JSON lines').choices(LOG_LEVELS).default('info'))
    .action(runRendezvous);
}

async function runRendezvous(options: RunOptions): Promise<void> {
  try {
    const log = createLog({ level: options.logLevel });
    const tokens = new FileTokenStore(options.tokens ?? defaultTokenFile(), (error) => {
      log.error({ code: error.code }, `${error.message}; the tokens read last stay valid`);
    });
    await tokens.load();
    const rendezvous = await startRendezvous({
      listen: options.listen,
      tokens,
      log,
      ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
    });
    const told = toldToStop();
    process.stdout.write(
      `rendezvous listens on ${rendezvous.url}; tokens: ${tokens.path}\n` +
        'let somebody in: signalbox token create --role executor|harness --env ID\n',
    );
    await told;
    await rendezvous.close();
    process.stdout.write('rendezvous closed\n');
  } catch (error) {
    throw asCliError(error);
  }
}

/** A second signal finds no listener any more and ends the process at once. */
function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
