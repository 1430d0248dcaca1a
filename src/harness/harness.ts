/**
 * A session with an executor, for programs: processes and files of another machine behind one address.
 * It joins the harness chart with a transport and a JSON-RPC client; which way the transport leads it does not know.
 */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type Actor, createActor, fromPromise } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import { HarnessError, harnessMachine, type Initialized } from '../../machines/harness.machine.js';
import { realClock } from '../observe/real-clock.js';
import { requireCapability } from './capability.js';
import { type EnvironmentInfo, readEnvironmentInfo } from './environment-info.js';
import type { HarnessTransport, HarnessTransportListener } from './harness-transport.js';
import { RemoteFiles } from './remote-files.js';
import { toRemotePath } from './remote-path.js';
import { type ProcessListing, type ProcessOptions, type ProcessOwner, RemoteProcess } from './remote-process.js';
import { RpcClient } from './rpc-client.js';

export interface HarnessOptions {
  /** Shown in the executor's log. */
  readonly clientName: string;
  readonly clock?: Clock;
  /** How long an executor may take to answer `initialize`. */
  readonly initializeMs?: number;
  open(listener: HarnessTransportListener, signal: AbortSignal): Promise<HarnessTransport>;
  readonly signal?: AbortSignal;
}

/** As long as releases wait (relay.md §4.4). */
const INITIALIZE_MS = 10_000;

/** Resolves when requests can be made; rejects with {@link HarnessError} or with the executor's refusal. */
export async function openHarness(options: HarnessOptions): Promise<Harness> {
  const harness = new Harness(options);
  await harness.ready();
  return harness;
}

export class Harness implements ProcessOwner, AsyncDisposable {
  readonly #options: HarnessOptions;
  readonly #actor: Actor<typeof harnessMachine>;
  readonly #processes = new Map<string, RemoteProcess>();
  /** Readers that have taken all they want for now; while there is one, nothing is read from the network. */
  readonly #full = new Set<Readable>();
  readonly #over: Promise<Error | undefined>;
  #transport: HarnessTransport | undefined;
  #rpc: RpcClient | undefined;
  #environment: EnvironmentInfo | undefined;
  #files: RemoteFiles | undefined;

  /** Use `connect` (connect.ts) or {@link openHarness}. */
  constructor(options: HarnessOptions) {
    this.#options = options;
    const logic = harnessMachine.provide({
      actors: {
        openTransport: fromPromise<void>(({ signal }) => this.#open(signal)),
        initialize: fromPromise<Initialized>(() => this.#initialize()),
        closeTransport: fromPromise<void>(async () => this.#transport?.close()),
      },
    });
    const clock = options.clock ?? realClock;
    this.#actor = createActor(logic, { input: { initializeMs: options.initializeMs ?? INITIALIZE_MS }, clock });
    this.#over = new Promise((resolve) => {
      this.#actor.subscribe({
        complete: () => resolve(this.#finish()),
        error: (error) => resolve(this.#finish(error)),
      });
    });
    this.#actor.start();
    options.signal?.addEventListener('abort', this.#abort, { once: true });
    if (options.signal?.aborted) this.#abort();
  }

  async ready(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = () => this.#actor.getSnapshot().matches('ready') && resolve();
      this.#actor.subscribe(look);
      look();
      void this.#over.then((error) => reject(error ?? new HarnessError('closed', 'closed before it was ready', LOCAL)));
    });
  }

  /** Resolves when the session is over: with the reason, or with undefined when it was closed from here. */
  get over(): Promise<Error | undefined> {
    return this.#over;
  }

  get sessionId(): string {
    return this.#actor.getSnapshot().context.session?.sessionId ?? '';
  }

  get environment(): EnvironmentInfo {
    if (this.#environment === undefined) throw new HarnessError('closed', 'the session is not ready yet', LOCAL);
    return this.#environment;
  }

  get files(): RemoteFiles {
    this.#files ??= new RemoteFiles((method, params) => this.request(method, params), this.environment.pathStyle);
    return this.#files;
  }

  /** Any method of the API (jsonrpc.md), with its result as it came. */
  request(method: string, params: object = {}): Promise<unknown> {
    if (this.#rpc === undefined) throw new HarnessError('closed', 'the session is not open', LOCAL);
    return this.#rpc.request(method, params);
  }

  /** Every process of the session that still has its id. Rejects with UnsupportedError. */
  async listProcesses(): Promise<readonly ProcessListing[]> {
    requireCapability(this.environment, 'signalboxProcessList', 'list processes');
    return ((await this.request('process/list')) as { processes: readonly ProcessListing[] }).processes;
  }

  /** Rejects with RemoteError when it cannot be started, and with UnsupportedError. */
  async startProcess(options: ProcessOptions): Promise<RemoteProcess> {
    const { size, retainBytes } = options;
    if (size !== undefined) requireCapability(this.environment, 'signalboxResize', 'give a terminal a size');
    if (retainBytes !== undefined) requireCapability(this.environment, 'signalboxRetainBytes', 'keep more output');
    const processId = randomUUID();
    const { pathStyle, cwd } = this.environment;
    const child = new RemoteProcess(processId, this);
    // Known before it is asked for: notifications may come before the answer (jsonrpc.md §4.2).
    this.#processes.set(processId, child);
    try {
      await this.request('process/start', {
        processId,
        argv: options.argv,
        cwd: toRemotePath(options.cwd ?? cwd, pathStyle),
        env: options.env ?? {},
        envPolicy: WHOLE_ENVIRONMENT,
        tty: options.tty ?? false,
        pipeStdin: options.stdin ?? false,
        ...(size === undefined ? {} : { size }),
        ...(retainBytes === undefined ? {} : { retainBytes }),
      });
    } catch (error) {
      child.lost(error as Error);
      throw error;
    }
    return child;
  }

  setFull(reader: Readable, full: boolean): void {
    const before = this.#full.size;
    if (full) this.#full.add(reader);
    else this.#full.delete(reader);
    if (before === 0 && this.#full.size > 0) this.#transport?.setReading(false);
    if (before > 0 && this.#full.size === 0) this.#transport?.setReading(true);
  }

  forget(processId: string): void {
    this.#processes.delete(processId);
  }

  /** Ends the session in good order. Processes that still run are left to the executor, which ends them in time. */
  async close(): Promise<void> {
    this.#transport?.setReading(true);
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send({ type: 'harness.close' });
    await this.#over;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  readonly #abort = (): void => {
    void this.close();
  };

  async #open(signal: AbortSignal): Promise<void> {
    const early: (readonly Uint8Array[])[] = [];
    this.#transport = await this.#options.open(
      {
        receive: (messages) => (this.#rpc ? this.#rpc.receive(messages) : early.push(messages)),
        ended: (reason) => this.#actor.send({ type: 'transport.ended', reason }),
      },
      signal,
    );
    this.#rpc = new RpcClient(this.#transport.rpc, (method, params) => this.#notified(method, params));
    for (const messages of early) this.#rpc.receive(messages);
  }

  async #initialize(): Promise<Initialized> {
    const { clientName } = this.#options;
    const answer = (await this.request('initialize', { clientName, resumeSessionId: null })) as {
      sessionId?: unknown;
      environmentInfo?: unknown;
    };
    if (typeof answer.sessionId !== 'string') {
      throw new HarnessError('initialize_failed', 'the executor answered initialize without a session id');
    }
    this.#rpc?.notify('initialized', {});
    this.#environment = await readEnvironmentInfo(answer.environmentInfo, (method, params) =>
      this.request(method, params),
    );
    return { sessionId: answer.sessionId, environmentInfo: answer.environmentInfo };
  }

  #notified(method: string, params: unknown): void {
    const { processId, seq } = (params ?? {}) as { processId?: unknown; seq?: unknown };
    if (typeof processId !== 'string' || typeof seq !== 'number') return;
    this.#processes.get(processId)?.notified(method, params as { seq: number });
  }

  #finish(crash?: unknown): Error | undefined {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    const { error } = this.#actor.getSnapshot().context;
    const why = crash instanceof Error ? crash : error;
    const lost =
      why instanceof HarnessError ? why : new HarnessError('closed', why?.message ?? 'the session was closed');
    this.#rpc?.end(lost);
    for (const child of [...this.#processes.values()]) child.lost(lost);
    if (why !== undefined) void this.#transport?.close();
    return why;
  }
}

const LOCAL = { initiator: 'local' } as const;

/** The executor's own environment, without what looks like a secret (jsonrpc.md §4.1). */
const WHOLE_ENVIRONMENT = { inherit: 'all', ignoreDefaultExcludes: false, exclude: [], set: {}, includeOnly: [] };
