/**
 * `signalbox executor`: the daemon that runs commands for whoever it or the registry lets in.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { defaultStreamTiming } from '../../machines/stream-types.js';
import type { ExecutorRelayOptions, RelayKind } from '../executor/executor-relay.js';
import { runExecutor } from '../executor/run-executor.js';
import { descriptorStream } from '../host/descriptor-stream.js';
import type { Inspector } from '../observe/inspector.js';
import { createLog } from '../observe/log.js';
import { Observation } from '../observe/observation.js';
import type { Recording } from '../recordings/recording.js';
import { asCliError, CliError } from './cli-error.js';
import { graceOption } from './grace-option.js';
import { type InspectAddress, inspectOption, inspectorLines, startInspectorAt } from './inspect-option.js';
import { type ListenAddress, parseListenAddress } from './listen-address.js';
import { addListenerAuthOptions, type ListenerAuthOptions, readListenerAuth } from './listener-auth-option.js';
import { logLevelOption } from './log-level-option.js';
import { readSecret } from './secret.js';
import { stopSignal } from './stop-signal.js';
import { addTraceOptions, checkTrace, startTrace, type TraceOptions } from './trace-option.js';

interface ExecutorCommandOptions extends ListenerAuthOptions, TraceOptions {
  readonly remote?: string;
  readonly environmentId?: string;
  readonly name?: string;
  readonly relay: RelayKind;
  readonly tokenFile?: string;
  readonly tokenStdin?: boolean;
  readonly listen?: readonly ListenAddress[];
  readonly concurrentRequests?: number;
  /** Milliseconds. */
  readonly grace?: number;
  readonly inspect?: InspectAddress;
  readonly logLevel: string;
}

export function registerExecutorCommand(program: Command): void {
  const command = program
    .command('executor')
    .description('run commands on this machine for harnesses elsewhere')
    .option('--remote <url>', 'address of the registry, e.g. http://127.0.0.1:7420')
    .option('--environment-id <id>', 'the environment this machine serves')
    .option('--name <name>', 'a name for this machine, for the log')
    .addOption(
      new Option(
        '--relay <profile>',
        'noise: encrypted end to end; cleartext: for harnesses up to 0.140; either: what a harness asks for, which leaves the choice to the rendezvous',
      )
        .choices(['noise', 'cleartext', 'either'])
        .default('noise'),
    )
    .option('--token-file <file>', 'file that holds the executor token')
    .option('--token-stdin', 'read the executor token from standard input')
    .option('--listen <address>', 'serve on ws://IP:PORT or stdio, without a relay; may be repeated', collectAddresses)
    .option('--concurrent-requests <count>', 'requests of one connection served at a time (default: 1)', positive)
    .addOption(graceOption('how long a stream waits for its harness after the relay was lost'));
  addListenerAuthOptions(command);
  addTraceOptions(command)
    .addOption(inspectOption())
    .addOption(logLevelOption('info'))
    .addHelpText(
      'after',
      `
The token comes from --token-file, --token-stdin, SIGNALBOX_TOKEN or CODEX_API_KEY; make one with
  signalbox token create --role executor --env ID

  signalbox executor --remote http://127.0.0.1:7420 --environment-id box1 --token-file executor.token
  signalbox executor --listen ws://127.0.0.1:0`,
    )
    .action(run);
}

async function run(options: ExecutorCommandOptions): Promise<void> {
  checkTrace(options);
  const { listen = [], concurrentRequests } = options;
  if (options.remote === undefined && listen.length === 0) {
    throw usage('nothing to serve: give --remote URL --environment-id ID, or --listen ws://IP:PORT, or --listen stdio');
  }
  const onStdio = listen.some(({ kind }) => kind === 'stdio');
  if (onStdio && options.tokenStdin) throw usage('standard input cannot be both --listen stdio and --token-stdin');
  const auth = await readListenerAuth(options);
  const relay = await relayOptions(options);
  const root = createLog({ level: options.logLevel });
  const isObserved = options.inspect !== undefined || options.trace !== undefined;
  const observation = isObserved ? new Observation({ log: root }) : undefined;
  let inspector: Inspector | undefined;
  let trace: Recording | undefined;
  try {
    trace = await startTrace(options, observation);
    if (options.inspect !== undefined && observation !== undefined) {
      inspector = await startInspectorAt(options.inspect, observation);
      // On the stream that is no protocol, and not in the log: the address is a credential.
      process.stderr.write(`${inspectorLines(inspector).join('\n')}\n`);
    }
    await runExecutor({
      ...relay,
      ...(observation === undefined ? {} : { observation }),
      ...(concurrentRequests === undefined ? {} : { concurrentRequests }),
      listen: listen.flatMap((address) =>
        address.kind === 'stdio' ? [] : [{ ...address, ...(auth === undefined ? {} : { auth }) }],
      ),
      // Standard output belongs to the protocol when it is spoken there.
      onListening: (url) => (onStdio ? root.info({ url }, 'listening') : process.stdout.write(`${url}\n`)),
      ...(onStdio ? { stdio: { input: process.stdin, output: descriptorStream(1) } } : {}),
      signal: stopSignal(),
      log: options.name === undefined ? root : root.child({ name: options.name }),
    });
  } catch (error) {
    throw asCliError(error);
  } finally {
    await inspector?.close();
    await trace?.close();
  }
  // Standard input may still be open and would keep the program alive.
  if (onStdio) process.exit(0);
}

async function relayOptions(
  options: ExecutorCommandOptions,
): Promise<
  | Pick<ExecutorRelayOptions, 'remote' | 'environmentId' | 'bearerToken' | 'relay' | 'streamTiming'>
  | { readonly remote?: undefined }
> {
  const { remote, environmentId, relay, grace } = options;
  if (remote === undefined) {
    if (grace !== undefined) throw usage('--grace is for streams of a relay: give --remote URL beside it');
    return {};
  }
  if (!URL.canParse(remote) || !/^https?:$/.test(new URL(remote).protocol)) {
    throw usage(`--remote must be an http:// or https:// address, got ${remote}`);
  }
  if (environmentId === undefined || environmentId.trim() === '') {
    throw usage('--remote needs --environment-id ID beside it');
  }
  const bearerToken = await readSecret({ ...options, variables: ['SIGNALBOX_TOKEN', 'CODEX_API_KEY'] });
  if (bearerToken === undefined) {
    throw new CliError(
      'no token: set SIGNALBOX_TOKEN, or give --token-file or --token-stdin ' +
        `(make one with: signalbox token create --role executor --env ${environmentId})`,
    );
  }
  const timing = grace === undefined ? {} : { streamTiming: { ...defaultStreamTiming, graceMs: grace } };
  return { remote, environmentId, bearerToken, relay, ...timing };
}

function collectAddresses(text: string, before: readonly ListenAddress[] = []): readonly ListenAddress[] {
  return [...before, parseListenAddress(text)];
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 1');
  return Number(text);
}

function usage(message: string): CliError {
  return new CliError(message, { exitCode: 2 });
}
