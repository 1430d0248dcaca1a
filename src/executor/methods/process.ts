/**
 * process/*: start, read, write, signal, terminate, and our own closeStdin (jsonrpc.md §4).
 */
import * as v from 'valibot';
import { childEnvironment } from '../../host/env-policy.js';
import type { ChildSpec, SpawnChild } from '../../host/host-child.js';
import { anything, base64, flag, list, oneOf, struct, text, textMap, unsigned } from '../../rpc/params.js';
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

const startParams = struct('ExecParams', {
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
});

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

const signalParams = struct('SignalParams', { processId: text(), signal: oneOf(['interrupt']) });
const terminateParams = struct('TerminateParams', { processId: text() });
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

  'process/signal': method('exec', signalParams, ({ processId }, { session }) => {
    session.process(processId)?.interrupt();
    return {};
  }),

  'process/terminate': method('exec', terminateParams, ({ processId }, { session }) => {
    return { running: session.process(processId)?.terminate() ?? false };
  }),

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
  if (program === '') throw new RpcError(RpcCode.internal, `missing program for ${tty ? 'PTY' : 'pipe'} spawn`);
  const spec: ChildSpec = {
    program,
    args,
    cwd,
    env: childEnvironment(host.env, params.env, params.envPolicy ?? undefined),
    stdin: pipeStdin ? 'pipe' : 'null',
    ...(typeof params.arg0 === 'string' ? { arg0: params.arg0 } : {}),
  };
  const spawn = tty ? host.spawnTerminal : host.spawnPiped;
  // As the releases report it, also for a sandbox that restricts nothing.
  const sandboxType = sandbox === undefined || process.platform !== 'linux' ? 'none' : 'linuxSeccomp';
  const result = { processId, sandboxType };
  const request = { processId, tty, pipeStdin, sandboxed: sandbox !== undefined, spec };
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
