/**
 * `signalbox forward`: ports here that lead to places on the other machine's side of the network.
 */
import type { Command } from 'commander';
import { type Forwarding, formatEndpoint, parseForwarding } from '../forward/forwarding.js';
import { LastingHarness } from '../forward/lasting-harness.js';
import { listenPort, type PortForward } from '../forward/port-forward.js';
import { requireCapability } from '../harness/capability.js';
import { openSocket } from '../harness/remote-socket.js';
import { asCliError, CliError } from './cli-error.js';
import { graceOption } from './grace-option.js';
import { addAddressOptions, UNREACHABLE_EXIT_CODE } from './harness-address.js';
import { logLevelOption } from './log-level-option.js';
import { type ReachOptions, reach } from './reach.js';
import { aborted, stopSignal } from './stop-signal.js';
import { addTraceOptions, recorded, type TraceOptions } from './trace-option.js';

interface ForwardOptions extends ReachOptions, TraceOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function registerForwardCommand(program: Command): void {
  const command = program
    .command('forward')
    .description('ports here that lead to places on the other machine')
    .argument('<forwarding...>', '[LOCAL_HOST:]LOCAL_PORT:REMOTE_HOST:REMOTE_PORT, LOCAL_PORT:REMOTE_PORT, or PORT');
  addAddressOptions(command);
  command
    .option('--json', 'one line of JSON for each port')
    .option('-q, --quiet', 'say nothing of single connections that fail')
    .addOption(graceOption('how long to wait for a lost connection to come back'))
    .addOption(logLevelOption('silent'));
  addTraceOptions(command)
    .addHelpText(
      'after',
      `
REMOTE_HOST is found by the other machine: 127.0.0.1 is that machine itself. Ports here listen on 127.0.0.1 unless
LOCAL_HOST says otherwise; local port 0 takes any free one. Each port is printed once it listens; Ctrl-C ends them.
A connection that cannot be had over there is reset here. Connections outlive a lost network as long as --grace says;
after that they are reset, and new ones work again as soon as the other machine is back.

Exit code: 0 after Ctrl-C, 1 when a port cannot be had here or the other end cannot forward, 2 for a mistake in the
command, ${UNREACHABLE_EXIT_CODE} when the other machine is not reached at the start.

  signalbox forward 8080                        # port 8080 over there, as port 8080 here
  signalbox forward 15432:5432 8080:80          # two at once
  signalbox forward 15432:db.internal:5432      # a machine that the other one can reach
  signalbox forward 0.0.0.0:8080:127.0.0.1:80   # for everybody who can reach this machine
  signalbox forward 0:80 --json                 # any free port; says which`,
    )
    .action(run);
}

async function run(texts: string[], options: ForwardOptions): Promise<void> {
  const forwardings = texts.map(readForwarding);
  await recorded(options, (observed) => forward(forwardings, observed));
  process.exit(0);
}

async function forward(forwardings: readonly Forwarding[], options: ForwardOptions): Promise<void> {
  const stop = stopSignal();
  const lasting = new LastingHarness(() => reach(options));
  await requireForwarding(lasting);
  const ports: PortForward[] = [];
  try {
    for (const forwarding of forwardings) {
      const port = await listen(forwarding, lasting, options.quiet === true);
      ports.push(port);
      process.stdout.write(options.json ? `${JSON.stringify(summary(port))}\n` : `${port.local} -> ${port.remote}\n`);
    }
    await aborted(stop);
  } finally {
    await Promise.all(ports.map((port) => port.close()));
    await lasting.close();
  }
}

function readForwarding(text: string): Forwarding {
  const forwarding = parseForwarding(text);
  if (forwarding !== undefined) return forwarding;
  throw new CliError(
    `not a forwarding: ${text} (expected [LOCAL_HOST:]LOCAL_PORT:REMOTE_HOST:REMOTE_PORT, LOCAL_PORT:REMOTE_PORT or PORT)`,
    { exitCode: 2 },
  );
}

/** Tells at once what would be found out only with the first connection. */
async function requireForwarding(lasting: LastingHarness): Promise<void> {
  const harness = await lasting.get();
  try {
    requireCapability(harness.environment, 'signalboxTcp', 'forward TCP connections');
  } catch (error) {
    await harness.close();
    throw asCliError(error);
  }
}

async function listen(forwarding: Forwarding, lasting: LastingHarness, quiet: boolean): Promise<PortForward> {
  const { localHost, localPort, remoteHost, remotePort } = forwarding;
  const remote = formatEndpoint(remoteHost, remotePort);
  try {
    return await listenPort({
      forwarding,
      open: async () => openSocket(await lasting.get(), { host: remoteHost, port: remotePort }),
      failed: ({ message }) => {
        if (!quiet) process.stderr.write(`signalbox: a connection to ${remote} was reset: ${message}\n`);
      },
    });
  } catch (error) {
    const reason = LISTEN_FAULTS[(error as NodeJS.ErrnoException).code ?? ''] ?? (error as Error).message;
    throw new CliError(`cannot listen on ${formatEndpoint(localHost, localPort)}: ${reason}`, { cause: error });
  }
}

const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; choose another one, or 0 for any',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'not allowed; choose a port above 1023',
  ENOTFOUND: 'no such name',
};

function summary({ local, remote }: PortForward): object {
  return { local, remote };
}
