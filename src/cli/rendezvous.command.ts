/**
 * `signalbox rendezvous`: registry and router on one port, until SIGTERM or SIGINT.
 */
import type { Command } from 'commander';
import { createLog } from '../observe/log.js';
import { recordRouting } from '../recordings/routing-recording.js';
import type { Faults } from '../rendezvous/faults.js';
import { startRendezvous } from '../rendezvous/rendezvous.js';
import { FileTokenStore } from '../rendezvous/token-store.js';
import { asCliError } from './cli-error.js';
import { faultsOption, warnOfFaults } from './faults-option.js';
import { logLevelOption } from './log-level-option.js';
import { defaultTokenFile } from './state-folder.js';
import { aborted, stopSignal } from './stop-signal.js';
import { type TraceOptions, traceOption } from './trace-option.js';

interface RunOptions extends Pick<TraceOptions, 'trace'> {
  readonly listen: string;
  readonly tokens?: string;
  readonly publicUrl?: string;
  readonly faults?: Faults;
  readonly logLevel: string;
}

export function registerRendezvousCommand(program: Command): void {
  program
    .command('rendezvous')
    .description('registry and router: where executors and harnesses meet')
    .option('--listen <url>', 'address to listen on', 'http://127.0.0.1:7420')
    .option('--tokens <file>', 'token file (default: tokens.json in the state folder)')
    .option('--public-url <url>', 'address by which both ends reach it, where it differs (a proxy, TLS)')
    .addOption(faultsOption())
    .addOption(traceOption())
    .addOption(logLevelOption('info'))
    .addHelpText(
      'after',
      `
Who may come in is said with "signalbox token create", also while it runs. SIGTERM or Ctrl-C ends it in good order.

  signalbox rendezvous
  signalbox rendezvous --listen http://127.0.0.1:7420 --public-url https://relay.example   # behind a TLS proxy
  signalbox rendezvous --tokens /etc/signalbox/tokens.json --log-level warn`,
    )
    .action(runRendezvous);
}

async function runRendezvous(options: RunOptions): Promise<void> {
  try {
    const log = createLog({ level: options.logLevel });
    const tokens = new FileTokenStore(options.tokens ?? defaultTokenFile(), (error) => {
      log.error({ code: error.code }, `${error.message}; the tokens read last stay valid`);
    });
    await tokens.load();
    const { faults } = options;
    const routing = options.trace === undefined ? undefined : await recordRouting(options.trace, faults?.seed);
    const rendezvous = await startRendezvous({
      listen: options.listen,
      tokens,
      log,
      ...(routing === undefined ? {} : { observer: routing.observer }),
      ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
      ...(faults === undefined ? {} : { faults }),
    });
    const told = aborted(stopSignal());
    if (faults !== undefined) warnOfFaults(faults);
    process.stdout.write(
      `rendezvous listens on ${rendezvous.url}; tokens: ${tokens.path}\n` +
        'let somebody in: signalbox token create --role executor|harness --env ID\n',
    );
    await told;
    await rendezvous.close();
    await routing?.close();
    process.stdout.write('rendezvous closed\n');
  } catch (error) {
    throw asCliError(error);
  }
}
