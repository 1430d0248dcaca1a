/**
 * `signalbox connect`: a local endpoint that any harness of any release can use, carried over the relay.
 */
import type { Command } from 'commander';
import { defaultStreamTiming } from '../../machines/stream-types.js';
import { serveStdio } from '../executor/stdio-transport.js';
import { listenWebSocket } from '../executor/websocket-listener.js';
import { type Way, wayTo } from '../harness/address.js';
import { descriptorStream } from '../host/descriptor-stream.js';
import { createLog } from '../observe/log.js';
import { Observation } from '../observe/observation.js';
import { RelayPassages } from '../passage/relay-passages.js';
import { asCliError, CliError } from './cli-error.js';
import { graceOption } from './grace-option.js';
import { type AddressOptions, addAddressOptions, findAddress, type HarnessAddress } from './harness-address.js';
import { parseListenAddress } from './listen-address.js';
import { addListenerAuthOptions, type ListenerAuthOptions, readListenerAuth } from './listener-auth-option.js';
import { logLevelOption } from './log-level-option.js';
import { aborted, stopSignal } from './stop-signal.js';
import { addTraceOptions, checkTrace, startTrace, type TraceOptions } from './trace-option.js';

interface ConnectCommandOptions extends AddressOptions, ListenerAuthOptions, TraceOptions {
  readonly listen: string;
  /** Milliseconds. */
  readonly grace?: number;
  readonly logLevel: string;
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1)$/;

export function registerConnectCommand(program: Command): void {
  const command = program
    .command('connect')
    .description('a local endpoint for any harness, carried over the relay')
    .option('--listen <address>', 'ws://IP:PORT (port 0 takes any free one), or stdio', 'ws://127.0.0.1:7422');
  addAddressOptions(command);
  command.addOption(graceOption('how long to wait for a lost connection to come back'));
  addListenerAuthOptions(command);
  addTraceOptions(command)
    .addOption(logLevelOption('warn'))
    .addHelpText(
      'after',
      `
Each client gets a stream of its own, encrypted end to end and carried through lost connections and restarts.
Prints the address once it listens; Ctrl-C ends it. Whoever reaches the address can run commands over there.

  signalbox connect --url https://relay.example --env box1 --token-file harness.token
  CODEX_EXEC_SERVER_URL=ws://127.0.0.1:7422 codex exec …

As the program of an environment in Codex' environments.toml: signalbox connect --env box1 --listen stdio`,
    )
    .action(run);
}

function wayOf(address: HarnessAddress): Way {
  try {
    return wayTo(address);
  } catch (error) {
    throw asCliError(error);
  }
}

async function run(options: ConnectCommandOptions): Promise<void> {
  checkTrace(options);
  const listen = parseListenAddress(options.listen);
  const address = await findAddress(options);
  const way = wayOf(address);
  if (way.kind === 'plain') {
    throw new CliError('this address is an executor itself and needs no connect: give it to the harness', {
      exitCode: 2,
    });
  }
  const auth = await readListenerAuth(options);
  if (auth === undefined && listen.kind === 'websocket' && !LOOPBACK.test(listen.host)) {
    throw new CliError(`${listen.host} can be reached from elsewhere: say who may connect with --ws-auth`, {
      exitCode: 2,
    });
  }
  const log = createLog({ level: options.logLevel });
  const timing =
    options.grace === undefined ? {} : { streamTiming: { ...defaultStreamTiming, graceMs: options.grace } };
  const observation = options.trace === undefined ? undefined : new Observation({ log });
  const trace = await startTrace(options, observation).catch((error: unknown) => {
    throw asCliError(error);
  });
  const observed = observation === undefined ? {} : { observation };
  const server = new RelayPassages(way, { log, ...timing, ...observed });
  try {
    const told = aborted(stopSignal());
    if (listen.kind === 'stdio') {
      await Promise.race([serveStdio(server, process.stdin, descriptorStream(1)), told]);
    } else {
      const listener = await listenWebSocket({ ...listen, server, log, ...(auth === undefined ? {} : { auth }) });
      process.stdout.write(`${listener.url}\n`);
      await told;
      await listener.close();
    }
  } catch (error) {
    throw asCliError(error);
  } finally {
    await server.drain();
    await trace?.close();
  }
  // Standard input may still be open and would keep the program alive.
  process.exit(0);
}
