/**
 * The executor behind its transports: sessions, the methods they serve, and the end of both. Whatever carries
 * messages (relay, WebSocket, stdio) is given `server` and knows nothing else.
 */
import { randomUUID } from 'node:crypto';
import { type ActorRefFrom, createActor } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import { type ExecutorEffects, executorMachine, sessionActorId } from '../../machines/executor.machine.js';
import type { sessionMachine } from '../../machines/session.machine.js';
import { defaultLimits, type Limits } from '../../proto/limits.js';
import { brokeredSpawners, type Spawners } from '../host/broker/spawners.js';
import type { Environment } from '../host/env-policy.js';
import { describeEnvironment } from '../host/environment.js';
import { ConfinedFiles } from '../host/sandbox/confined-files.js';
import { Sandbox } from '../host/sandbox/sandbox.js';
import { type Logger, silentLog } from '../observe/log.js';
import type { Observation } from '../observe/observation.js';
import { realClock } from '../observe/real-clock.js';
import type { RpcMethod } from '../rpc/rpc-method.js';
import { createRpcServer } from '../rpc/rpc-server.js';
import type { RpcServer, RpcTransport } from '../rpc/transport.js';
import { ExecutorConnection, type ExecutorHost } from './executor-connection.js';
import { ExecutorSession } from './executor-session.js';
import { environmentMethods } from './methods/environment.js';
import { fileCopyMethods } from './methods/file-copies.js';
import { fileHandleMethods } from './methods/file-handles.js';
import { fileTreeMethods } from './methods/file-trees.js';
import { fileMethods } from './methods/files.js';
import { httpMethods } from './methods/http.js';
import { keptSessionMethods } from './methods/kept-sessions.js';
import { lifecycleMethods } from './methods/lifecycle.js';
import { processMethods } from './methods/process.js';
import { tcpMethods } from './methods/tcp.js';
import { packageVersion } from './package-version.js';

/** How long a session without connection, and a closed process, are kept: the newest release's times. */
const DETACHED_MS = 80_000;
const RETENTION_MS = 80_000;
/** How long a closed process of a kept session can be read: its starter may look after a coffee. */
const KEPT_RETENTION_MS = 3_600_000;

export interface ExecutorOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly limits?: Limits;
  /** Absolute; where relative paths start. Default: this program's. */
  readonly cwd?: string;
  /** What children may inherit. Default: this program's. */
  readonly env?: Environment;
  /** Milliseconds a session waits to be resumed. */
  readonly detachedMs?: number;
  /** Milliseconds a closed process can still be read. */
  readonly retentionMs?: number;
  /** The same for a process of a session that is kept. */
  readonly keptRetentionMs?: number;
  /** Requests of one connection served at a time. */
  readonly concurrentRequests?: number;
  /** Who forks children. Default: a helper process, started with the first child. */
  readonly spawners?: Spawners;
  /** Where what it does can be observed. */
  readonly observation?: Observation;
}

export interface Executor {
  readonly server: RpcServer;
  /** The root of the daemon's actors. */
  readonly actor: ActorRefFrom<typeof executorMachine>;
  /** Kills every process and resolves when all are gone, after 1.5 s at most. */
  drain(): Promise<void>;
}

export function createExecutor(options: ExecutorOptions = {}): Executor {
  const sessions = new ExecutorSessions(options);
  const { limits = defaultLimits, log = silentLog } = options;
  const cwd = options.cwd ?? process.cwd();
  const env = options.env ?? inheritedEnvironment();
  const spawners = options.spawners ?? brokeredSpawners(log);
  const sandbox = new Sandbox(env.PATH);
  const confinedFiles = new ConfinedFiles({ sandbox, spawn: spawners.piped, env });
  const host: ExecutorHost = {
    limits,
    environment: describeEnvironment({ cwd, env, version: packageVersion() }),
    cwd,
    env,
    spawnPiped: spawners.piped,
    spawnTerminal: spawners.terminal,
    sandbox,
    confinedFiles,
    session: (sessionId) => sessions.get(sessionId),
    keptSessions: () => sessions.kept(),
  };
  const server = createRpcServer<ExecutorConnection>({
    methods: allMethods(),
    open: (transport: RpcTransport) => new ExecutorConnection(host, transport, sessions.open()),
    limits,
    concurrency: options.concurrentRequests ?? 1,
    log,
  });
  const drain = async () => {
    await sessions.drain();
    confinedFiles.close();
    sandbox.close();
    spawners.close();
  };
  return { server, actor: sessions.actor, drain };
}

function allMethods(): ReadonlyMap<string, RpcMethod<ExecutorConnection>> {
  const families = [
    lifecycleMethods,
    keptSessionMethods,
    processMethods,
    environmentMethods,
    fileMethods,
    fileHandleMethods,
    fileCopyMethods,
    fileTreeMethods,
    httpMethods,
    tcpMethods,
  ];
  return new Map(families.flatMap((family) => Object.entries(family)));
}

function inheritedEnvironment(): Environment {
  const entries = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

/** The sessions of all transports, by id; their charts are children of the root. */
class ExecutorSessions implements ExecutorEffects {
  readonly actor: ActorRefFrom<typeof executorMachine>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #sessions = new Map<string, ExecutorSession>();

  constructor(options: ExecutorOptions) {
    const { log = silentLog, detachedMs, retentionMs, keptRetentionMs, observation } = options;
    const { clock = observation?.clock ?? realClock } = options;
    this.#clock = clock;
    this.#log = log;
    this.actor = createActor(executorMachine, {
      id: 'executor',
      clock,
      input: {
        detachedMs: detachedMs ?? DETACHED_MS,
        retentionMs: retentionMs ?? RETENTION_MS,
        keptRetentionMs: keptRetentionMs ?? KEPT_RETENTION_MS,
        effects: this,
      },
    });
    this.actor.start();
    observation?.addRoot(this.actor);
  }

  get(sessionId: string): ExecutorSession | undefined {
    return this.#sessions.get(sessionId);
  }

  /** Oldest first. */
  kept(): readonly ExecutorSession[] {
    return [...this.#sessions.values()].filter((session) => session.isKept);
  }

  open(): ExecutorSession {
    const session = new ExecutorSession(randomUUID(), this.#clock, this.#log);
    this.actor.send({ type: 'session.open', sessionId: session.id, effects: session });
    const child = this.actor.getSnapshot().children[sessionActorId(session.id)];
    // A draining executor opens none: the session stays without an actor, and its state is `ended`.
    if (child !== undefined) {
      session.bind(child as ActorRefFrom<typeof sessionMachine>);
      this.#sessions.set(session.id, session);
    }
    return session;
  }

  sessionEnded(sessionId: string, error?: unknown): void {
    if (error !== undefined) {
      this.#log.error({ err: error, session: sessionId }, 'the chart of a session crashed; its processes are killed');
      this.#sessions.get(sessionId)?.crash();
    }
    this.#sessions.delete(sessionId);
  }

  drain(): Promise<void> {
    if (this.actor.getSnapshot().status !== 'active') return Promise.resolve();
    this.actor.send({ type: 'executor.drain' });
    if (this.actor.getSnapshot().status !== 'active') return Promise.resolve();
    return new Promise((resolve) => {
      this.actor.subscribe({ complete: resolve });
    });
  }
}
