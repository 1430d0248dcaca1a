/**
 * One connection as the methods see it: the session it is attached to and what they may use of the executor.
 */
import type { Limits } from '../../proto/limits.js';
import type { Environment } from '../host/env-policy.js';
import type { EnvironmentInfo } from '../host/environment.js';
import { FileHandles } from '../host/file-handles.js';
import type { SpawnChild } from '../host/host-child.js';
import { MissingPaths } from '../host/missing-paths.js';
import type { ConfinedFiles } from '../host/sandbox/confined-files.js';
import type { Sandbox } from '../host/sandbox/sandbox.js';
import { encodeNotification } from '../rpc/envelope.js';
import type { ConnectionPeer } from '../rpc/rpc-connection.js';
import { RpcCode, RpcError } from '../rpc/rpc-error.js';
import type { RpcTransport } from '../rpc/transport.js';
import { BodyStreams } from './body-streams.js';
import type { ExecutorSession } from './executor-session.js';

/** What every connection of an executor shares. */
export interface ExecutorHost {
  readonly limits: Limits;
  readonly environment: EnvironmentInfo;
  /** Where relative paths start, and the environment children may inherit. */
  readonly cwd: string;
  readonly env: Environment;
  readonly spawnPiped: SpawnChild;
  readonly spawnTerminal: SpawnChild;
  readonly sandbox: Sandbox;
  readonly confinedFiles: ConfinedFiles;
  session(sessionId: string): ExecutorSession | undefined;
  /** Sessions whose processes go on without anybody attached, oldest first. */
  keptSessions(): readonly ExecutorSession[];
}

/** The families of methods, in the words of the lifecycle errors. */
export type MethodFamily =
  | 'exec'
  | 'filesystem'
  | 'http'
  | 'environment info'
  | 'environment status'
  | 'environment config'
  | 'capability discovery';

export class ExecutorConnection implements ConnectionPeer {
  readonly host: ExecutorHost;
  /** Open files; gone with the connection, as the session is not. */
  readonly files = new FileHandles();
  readonly missingPaths = new MissingPaths((watchId) => this.notify('fs/missingChanged', { watchId }));
  readonly bodies: BodyStreams;
  readonly #transport: RpcTransport;
  #session: ExecutorSession;
  #aborted: AbortController | undefined;
  #closed = false;

  constructor(host: ExecutorHost, transport: RpcTransport, session: ExecutorSession) {
    this.host = host;
    this.#transport = transport;
    this.bodies = new BodyStreams(transport);
    this.#session = session;
    session.attach(transport);
  }

  get session(): ExecutorSession {
    return this.#session;
  }

  /** Aborted when the connection ends; made only for calls that wait. */
  get signal(): AbortSignal {
    this.#aborted ??= new AbortController();
    if (this.#closed) this.#aborted.abort();
    return this.#aborted.signal;
  }

  /** Takes over a detached session in place of the one this connection came with. */
  resume(session: ExecutorSession): void {
    const unused = this.#session;
    this.#session = session;
    unused.abandon();
    session.resume(this.#transport);
  }

  /** Throws RpcError unless the session is ready for methods of the family. */
  admit(family: MethodFamily): void {
    const { state } = this.#session;
    if (state === 'ready') return;
    if (state === 'ending' || state === 'ended') {
      throw new RpcError(RpcCode.invalidRequest, 'the executor is shutting down: connect again later');
    }
    const step = state === 'awaitingInitialize' ? 'call initialize' : 'send initialized';
    throw new RpcError(RpcCode.invalidRequest, `client must ${step} before using ${family} methods`);
  }

  /** Tells the client something it did not ask for just now. */
  notify(method: string, params: object): void {
    this.#transport.send(encodeNotification(method, params));
  }

  notified(method: string): boolean {
    if (method !== 'initialized' || this.#session.state === 'awaitingInitialize') return false;
    this.#session.initialized();
    return true;
  }

  writable(): void {
    this.bodies.resume();
    this.#session.resumeOutput();
  }

  closed(): void {
    this.#closed = true;
    this.#aborted?.abort();
    this.files.closeAll();
    this.bodies.closeAll();
    this.missingPaths.stop();
    this.#session.transportClosed();
  }
}
