/**
 * process/*: start, read, write, signal, terminate (jsonrpc.md §4), and what is our own (docs/extensions.md):
 * closeStdin, resize, list, and some members of the others.
 */
import { constants } from 'node:os';
import * as v from 'valibot';
import { childEnvironment } from '../../host/env-policy.js';
import type { ChildSpec, SpawnChild } from '../../host/host-child.js';
import { anything, base64, flag, list, noParams, oneOf, struct, text, textMap, unsigned } from '../../rpc/params.js';
import { RpcCode, RpcError } from '../../rpc/rpc-error.js';
import type { ExecutorConnection, ExecutorHost } from '../executor-connection.js';
import { type SandboxRequest, sandboxParam, sandboxPolicy } from '../sandbox-request.js';
import { asSpawnError } from '../system-error.js';
import { pathParam, workingFolder } from '../wire-path.js';
import { type ExecutorMethod, method } from './method.js';

const envPolicy = struct('ExecEnvPolicy', {
  inherit: oneOf(['core', 'all', 'none']),
  ignoreDefaultExcludes: flag(),
  exclude: list(text()),
  set: textMap(),
  includeOnly: list(text()),
});

const MIB = 1024 * 1024;
const LEAST_RETAIN_BYTES = 64 * 1024;
const MOST_RETAIN_BYTES = 64 * MIB;
const LONGEST_GRACE_MS = 600_000;
const MOST_CHARACTERS = 65_535;

/** An unsigned integer of ours, within bounds. */
function bounded(name: string, least: number, most: number) {
  const within = (value: number) => value >= least && value <= most;
  return v.pipe(unsigned('u64'), v.check(within, `${name} must be between ${least} and ${most}`));
}

const terminalSize = {
  rows: bounded('rows', 1, MOST_CHARACTERS),
  cols: bounded('cols', 1, MOST_CHARACTERS),
};

const startExtensions = {
  size: v.nullish(struct('TerminalSize', terminalSize)),
  tellsSignals: v.nullish(flag()),
  retainBytes: v.nullish(bounded('retainBytes', LEAST_RETAIN_BYTES, MOST_RETAIN_BYTES)),
};

const startMembers = {
  processId: text(),
  argv: list(text()),
  cwd: pathParam(),
  envPolicy: v.nullish(envPolicy),
  env: textMap(),
  tty: flag(),
  pipeStdin: v.optional(flag(), false),
  arg0: v.nullish(text()),
  sandbox: sandboxParam(),
  enforceManagedNetwork: v.optional(flag(), false),
  networkProxy: v.optional(anything()),
};

const startParams = struct('ExecParams', startMembers, startExtensions);

type StartParams = v.InferOutput<typeof startParams>;

const readParams = struct('ReadParams', {
  processId: text(),
  afterSeq: v.nullish(unsigned('u64')),
  maxBytes: v.nullish(unsigned('usize')),
  waitMs: v.nullish(unsigned('u64')),
});

const writeParams = struct('WriteParams', {
  processId: text(),
  chunk: base64(),
  writeId: v.optional(text()),
});

const SIGNAL_NAMES = Object.keys(constants.signals) as NodeJS.Signals[];

const signalParams = struct('SignalParams', { processId: text(), signal: oneOf(['interrupt'], SIGNAL_NAMES) });
const terminateParams = struct(
  'TerminateParams',
  { processId: text() },
  { graceMs: v.nullish(bounded('graceMs', 0, LONGEST_GRACE_MS)) },
);
const resizeParams = struct('ResizeParams', { processId: text(), ...terminalSize });
const closeStdinParams = struct('CloseStdinParams', { processId: text() });

export const processMethods: Readonly<Record<string, ExecutorMethod>> = {
  'process/start': method('exec', startParams, start),

  'process/read': method('exec', readParams, ({ processId, afterSeq, maxBytes, waitMs }, connection) => {
    const process = connection.session.process(processId);
    if (process === undefined) throw unknownProcess(processId);
    const request = { afterSeq: afterSeq ?? 0, maxBytes: maxBytes ?? undefined, waitMs: waitMs ?? 0 };
    return process.read(request, () => connection.signal);
  }),

  'process/write': method('exec', writeParams, ({ processId, chunk, writeId }, { session }) => {
    if (writeId === '') throw new RpcError(RpcCode.invalidParams, 'writeId must not be empty');
    return session.process(processId)?.write(chunk, writeId) ?? { status: 'unknownProcess' };
  }),

  'process/signal': method('exec', signalParams, ({ processId, signal }, { session }) => {
    session.process(processId)?.signal(signal === 'interrupt' ? 'SIGINT' : signal);
    return {};
  }),

  'process/terminate': method('exec', terminateParams, ({ processId, graceMs }, { session }) => {
    return { running: session.process(processId)?.terminate(graceMs ?? undefined) ?? false };
  }),

  'process/resize': method('exec', resizeParams, ({ processId, rows, cols }, { session }) => {
    const process = session.process(processId);
    if (process === undefined) throw unknownProcess(processId);
    process.resize({ rows, cols });
    return {};
  }),

  'process/list': method('exec', noParams, (_params, { session }) => ({ processes: session.list() })),

  'process/closeStdin': method('exec', closeStdinParams, ({ processId }, { session }) => {
    const process = session.process(processId);
    if (process === undefined) throw unknownProcess(processId);
    process.closeInput();
    return {};
  }),
};

function start(params: StartParams, { host, session }: ExecutorConnection): object | Promise<object> {
  const { processId, tty, pipeStdin } = params;
  const [program, ...args] = params.argv;
  if (program === undefined) throw new RpcError(RpcCode.invalidParams, 'argv must not be empty');
  const sandbox = params.sandbox ?? undefined;
  if (sandbox !== undefined && params.enforceManagedNetwork) {
    throw new RpcError(
      RpcCode.invalidParams,
      'this executor cannot enforce a managed network: it has no network proxy',
    );
  }
  if (params.networkProxy !== null && params.networkProxy !== undefined) {
    throw new RpcError(RpcCode.internal, 'this executor cannot start processes behind a network proxy');
  }
  const cwd = workingFolder(params.cwd, host.cwd);
  const { retainBytes } = params;
  const size = params.size ?? undefined;
  if (size !== undefined && !tty) {
    throw new RpcError(RpcCode.invalidParams, 'size is for a terminal: send tty true with it');
  }
  if (program === '') throw new RpcError(RpcCode.internal, `missing program for ${tty ? 'PTY' : 'pipe'} spawn`);
  const spec: ChildSpec = {
    program,
    args,
    cwd,
    env: childEnvironment(host.env, params.env, params.envPolicy ?? undefined),
    stdin: pipeStdin ? 'pipe' : 'null',
    ...(typeof params.arg0 === 'string' ? { arg0: params.arg0 } : {}),
    ...(size === undefined ? {} : { size }),
    ...(params.tellsSignals === true ? { tellsSignals: true } : {}),
  };
  const spawn = tty ? host.spawnTerminal : host.spawnPiped;
  // As the releases report it, also for a sandbox that restricts nothing.
  const sandboxType = sandbox === undefined || process.platform !== 'linux' ? 'none' : 'linuxSeccomp';
  const result = { processId, sandboxType };
  const promise = typeof retainBytes === 'number' ? { retainBytes } : {};
  const request = { processId, tty, pipeStdin, sandboxed: sandbox !== undefined, spec, ...promise };
  try {
    const starting =
      sandbox === undefined
        ? session.startProcess({ ...request, spawn })
        : confinedSpawn(sandbox, spec, spawn, host).then((confined) =>
            session.startProcess({ ...request, spawn: confined }),
          );
    if (starting === undefined) return result;
    return starting.then(
      () => result,
      (error: unknown) => {
        throw asSpawnError(error);
      },
    );
  } catch (error) {
    throw asSpawnError(error);
  }
}

function confinedSpawn(
  sandbox: SandboxRequest,
  { env, cwd }: ChildSpec,
  spawn: SpawnChild,
  host: ExecutorHost,
): Promise<SpawnChild> {
  const subject = { name: 'process', code: RpcCode.invalidParams } as const;
  return host.sandbox.spawner(sandboxPolicy(sandbox, { subject, env, cwd }), spawn);
}

function unknownProcess(processId: string): RpcError {
  return new RpcError(RpcCode.invalidRequest, `unknown process id ${processId}`);
}
