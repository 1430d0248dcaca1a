/**
 * `signalbox up`: rendezvous, executor and fresh tokens in one process on loopback; the first thing a newcomer runs.
 */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { type ConnectionTiming, defaultConnectionTiming } from '../../machines/connection-types.js';
import { runExecutor } from '../executor/run-executor.js';
import type { Inspector } from '../observe/inspector.js';
import { createLog } from '../observe/log.js';
import { Observation } from '../observe/observation.js';
import type { Faults } from '../rendezvous/faults.js';
import { startRendezvous } from '../rendezvous/rendezvous.js';
import { harnessUrl } from '../rendezvous/socket-url.js';
import type { TokenRecord, TokenStore } from '../rendezvous/token.js';
import { FileTokenStore, MemoryTokenStore } from '../rendezvous/token-store.js';
import { asCliError } from './cli-error.js';
import { faultsOption, warnOfFaults } from './faults-option.js';
import {
  type InspectAddress,
  inspectOption,
  inspectorLines,
  parseInspect,
  startInspectorAt,
} from './inspect-option.js';
import { logLevelOption } from './log-level-option.js';
import { defaultTokenFile } from './state-folder.js';
import { aborted, stopSignal } from './stop-signal.js';
import { addTraceOptions, checkTrace, startTrace, type TraceOptions } from './trace-option.js';
import { removeUpState, writeUpState } from './up-state.js';

interface UpOptions extends TraceOptions {
  readonly listen: string;
  readonly env: string;
  readonly faults?: Faults;
  /** False when it is not wanted. */
  readonly inspect: InspectAddress | false;
  readonly inspectPort?: number;
  readonly logLevel: string;
}

export function registerUpCommand(program: Command): void {
  const command = program
    .command('up')
    .description('everything in one process on this machine: rendezvous, executor, tokens')
    .option('--listen <url>', 'address to listen on', 'http://127.0.0.1:7420')
    .option('--env <id>', 'name of the environment', 'local')
    .addOption(faultsOption())
    .addOption(inspectOption().default(parseInspect('0'), 'a free port of 127.0.0.1'))
    .option('--inspect-port <port>', 'port of the inspector', (text) => parseInspect(text).port)
    .option('--no-inspect', 'without the inspector');
  addTraceOptions(command)
    .addOption(logLevelOption('warn'))
    .addHelpText(
      'after',
      `
Other commands of this user find it by themselves while it runs. Ctrl-C ends it.

  signalbox up                                          # then, elsewhere: signalbox exec -- uname -a
  signalbox up --listen http://127.0.0.1:0 --env laptop --no-inspect
  signalbox up --faults drop=5%,delay=20ms              # see it get over a bad network`,
    )
    .action(run);
}

async function run(options: UpOptions): Promise<void> {
  checkTrace(options);
  const log = createLog({ level: options.logLevel });
  const signal = stopSignal();
  try {
    // Tokens of its own live and die with the process; those made with `signalbox token create` are honoured too.
    const own = new MemoryTokenStore();
    const file = new FileTokenStore(defaultTokenFile(), (error) => log.error({ code: error.code }, error.message));
    await file.load();
    const { faults } = options;
    const rendezvous = await startRendezvous({
      listen: options.listen,
      tokens: either(own, file),
      log,
      ...(faults === undefined ? {} : { faults }),
    });
    if (faults !== undefined) warnOfFaults(faults);
    const observation = new Observation({ log });
    const trace = await startTrace(options, observation, faults?.seed);
    const inspector = await inspectorOf(options, observation);
    const { token } = own.create('harness', options.env);
    const bearerToken = own.create('executor', options.env).token;
    const leaving = new AbortController();
    signal.addEventListener('abort', () => leaving.abort(), { once: true });
    const { online, running } = startExecutor(rendezvous.url, options.env, bearerToken, leaving.signal, observation);
    try {
      await Promise.race([online, running]);
      const state = {
        version: 1 as const,
        pid: process.pid,
        rendezvous: rendezvous.url,
        environmentId: options.env,
        token,
        ...(inspector === undefined ? {} : { inspector: inspector.url }),
      };
      await writeUpState(state);
      if (!signal.aborted) process.stdout.write(greeting(rendezvous.url, options.env, token, inspector));
      await Promise.race([aborted(signal), running]);
    } finally {
      leaving.abort();
      await removeUpState();
      await inspector?.close();
      await running.finally(() => rendezvous.close()).finally(() => trace?.close());
    }
  } catch (error) {
    throw asCliError(error);
  }

  function startExecutor(
    remote: string,
    environmentId: string,
    bearerToken: string,
    stop: AbortSignal,
    observation: Observation,
  ) {
    let onOnline: () => void = () => {};
    const online = new Promise<void>((resolve) => {
      onOnline = resolve;
    });
    const timing = timingUnder(options.faults);
    const running = runExecutor({
      remote,
      environmentId,
      bearerToken,
      // The rendezvous is this very process, so nobody else can choose for a harness.
      relay: 'either',
      timing,
      signal: stop,
      log,
      onOnline,
      observation,
    });
    return { online, running };
  }
}

async function inspectorOf(options: UpOptions, observation: Observation): Promise<Inspector | undefined> {
  const { inspect, inspectPort } = options;
  if (inspect === false) return undefined;
  return await startInspectorAt({ ...inspect, port: inspectPort ?? inspect.port }, observation);
}

/** A socket that is cut on purpose has not failed: the wait for the next one must not grow. */
function timingUnder(faults: Faults | undefined): ConnectionTiming {
  const { provingMs } = defaultConnectionTiming;
  if (faults === undefined || faults.cutMs === 0) return defaultConnectionTiming;
  return { ...defaultConnectionTiming, provingMs: Math.min(provingMs, faults.cutMs / 4) };
}

function either(first: TokenStore, second: TokenStore): TokenStore {
  return {
    authenticate: async (token): Promise<TokenRecord | undefined> =>
      (await first.authenticate(token)) ?? (await second.authenticate(token)),
    find: async (id): Promise<TokenRecord | undefined> => (await first.find(id)) ?? (await second.find(id)),
  };
}

function greeting(url: string, environmentId: string, token: string, inspector: Inspector | undefined): string {
  const seen = inspector === undefined ? '' : `${inspectorLines(inspector).join('\n')}\n`;
  return `signalbox is up; Ctrl-C ends it.

  rendezvous   ${url}
  executor     online as environment "${environmentId}"; runs commands as ${userInfo().username} in ${process.cwd()}
${seen}
Try it in another terminal:
  npx signalbox exec -- uname -a
  echo hello | npx signalbox exec -- tr a-z A-Z

Let a harness use it; whoever has this can run commands here. Codex from 0.142.5, encrypted end to end:
  export CODEX_EXEC_SERVER_NOISE_REGISTRY_URL=${url}
  export CODEX_EXEC_SERVER_NOISE_ENVIRONMENT_ID=${environmentId}
  export CODEX_EXEC_SERVER_NOISE_AUTH_TOKEN=${token}
Codex of any release, in the clear: set CODEX_EXEC_SERVER_URL to
  ${harnessUrl(url, environmentId, token)}
`;
}
