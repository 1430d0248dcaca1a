/**
 * A session with an executor, for programs: processes and files of another machine behind one address.
 * It joins the harness chart with a transport and a JSON-RPC client; which way the transport leads it does not know.
 */
import { type Actor, createActor, fromPromise } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import { HarnessError, harnessMachine, type Initialized } from '../../machines/harness.machine.js';
import { realClock } from '../observe/real-clock.js';
import { type EnvironmentInfo, readEnvironmentInfo } from './environment-info.js';
import type { HarnessTransport, HarnessTransportListener, TransportFacts } from './harness-transport.js';
import { KeptSessions } from './kept-sessions.js';
import { beginSession, fateUnknown, Recovery, resumeSession } from './recovery.js';
import { RemoteFiles } from './remote-files.js';
import type { ProcessListing, ProcessOptions, RemoteProcess } from './remote-process.js';
import { RemoteProcesses } from './remote-processes.js';
import { isRepeatable } from './repeatable-methods.js';
import { RpcClient } from './rpc-client.js';

export interface HarnessOptions {
  /** Shown in the executor's log. */
  readonly clientName: string;
  readonly clock?: Clock;
  /** How long an executor may take to answer `initialize`. */
  readonly initializeMs?: number;
  /** How long a session whose transport was lost may take to be had again on another; 0: it is not tried. */
  readonly recoverMs?: number;
  /** Of a session to take over in place of beginning one. */
  readonly resumeSessionId?: string;
  open(listener: HarnessTransportListener, signal: AbortSignal): Promise<HarnessTransport>;
  readonly signal?: AbortSignal;
}

/** As long as releases wait (relay.md §4.4). */
const INITIALIZE_MS = 10_000;
/** As long as releases try (relay.md §10.5): most executors keep a session for thirty seconds. */
const RECOVER_MS = 25_000;

/** Resolves when requests can be made; rejects with {@link HarnessError} or with the executor's refusal. */
export async function openHarness(options: HarnessOptions): Promise<Harness> {
  const harness = new Harness(options);
  await harness.ready();
  return harness;
}

export class Harness implements AsyncDisposable {
  readonly #options: HarnessOptions;
  readonly #actor: Actor<typeof harnessMachine>;
  readonly #processes = new RemoteProcesses({
    request: (method, params) => this.request(method, params),
    environment: () => this.environment,
    setReading: (reading) => this.#transport?.setReading(reading),
  });
  readonly #over: Promise<Error | undefined>;
  #transport: HarnessTransport | undefined;
  #rpc: RpcClient | undefined;
  /** Undefined while nothing is wrong. */
  #recovery: Recovery | undefined;
  #environment: EnvironmentInfo | undefined;
  #files: RemoteFiles | undefined;

  /** Use `connect` (connect.ts) or {@link openHarness}. */
  constructor(options: HarnessOptions) {
    this.#options = options;
    const logic = harnessMachine.provide({
      actors: {
        openTransport: fromPromise<void>(({ signal }) => this.#open(signal)),
        initialize: fromPromise<Initialized>(() => this.#initialize()),
        resumeSession: fromPromise<void, Initialized>(({ input }) =>
          resumeSession(this.#openRpc(), options.clientName, input.sessionId),
        ),
        catchUp: fromPromise<void>(() => this.#catchUp()),
        closeTransport: fromPromise<void>(() => this.#leaveTransport()),
      },
    });
    const clock = options.clock ?? realClock;
    const { initializeMs = INITIALIZE_MS, recoverMs = RECOVER_MS } = options;
    this.#actor = createActor(logic, { input: { initializeMs, recoverMs, random: Math.random }, clock });
    this.#over = new Promise((resolve) => {
      this.#actor.subscribe({
        next: (snapshot) => {
          if (!snapshot.matches('ready')) return;
          this.#recovery?.succeed();
          this.#recovery = undefined;
        },
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

  /** Whether the session was lost and is being had again; requests wait meanwhile. */
  get isRecovering(): boolean {
    return this.#recovery !== undefined && this.#actor.getSnapshot().status === 'active';
  }

  get sessionId(): string {
    return this.#actor.getSnapshot().context.session?.sessionId ?? '';
  }

  get environment(): EnvironmentInfo {
    if (this.#environment === undefined) throw new HarnessError('closed', 'the session is not ready yet', LOCAL);
    return this.#environment;
  }

  /** How it is carried now. */
  get transport(): TransportFacts {
    if (this.#transport === undefined) throw new HarnessError('closed', 'the session is not ready yet', LOCAL);
    return this.#transport.facts;
  }

  get files(): RemoteFiles {
    this.#files ??= new RemoteFiles((method, params) => this.request(method, params), this.environment.pathStyle);
    return this.#files;
  }

  /** What stays on the executor when nobody is connected. */
  get kept(): KeptSessions {
    return new KeptSessions((method, params) => this.request(method, params), this.environment);
  }

  /**
   * Any method of the API (jsonrpc.md), with its result as it came. While the session is being recovered it waits. One
   * that was under way when the transport was lost is asked again if that can do no harm, else it rejects with
   * `fate_unknown`: whether it was served is not known, and it is never repeated.
   */
  async request(method: string, params: object = {}): Promise<unknown> {
    for (;;) {
      await this.#recovery?.settled;
      const rpc = this.#openRpc();
      try {
        return await rpc.request(method, params);
      } catch (error) {
        // Lost for good, or answered.
        if (this.#recovery === undefined || !rpc.isOver) throw error;
        if (!isRepeatable(method, this.#environment)) throw fateUnknown(method, error);
      }
    }
  }

  /** Every process of the session that still has its id. Rejects with UnsupportedError. */
  listProcesses(): Promise<readonly ProcessListing[]> {
    return this.#processes.list();
  }

  /**
   * A process of this session that was started by somebody before it was taken over: what it printed so far comes
   * first, as far as it was kept. Rejects with RemoteError when there is none of that id.
   */
  adoptProcess(processId: string): Promise<RemoteProcess> {
    return this.#processes.adopt(processId);
  }

  /** Rejects with RemoteError when it cannot be started, and with UnsupportedError. */
  startProcess(options: ProcessOptions): Promise<RemoteProcess> {
    return this.#processes.start(options);
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

  /** One that has ended by itself is not there to be closed. */
  async #leaveTransport(): Promise<void> {
    if (this.#rpc?.isOver !== true) await this.#transport?.close();
  }

  #openRpc(): RpcClient {
    if (this.#rpc === undefined) throw new HarnessError('closed', 'the session is not open', LOCAL);
    return this.#rpc;
  }

  async #open(signal: AbortSignal): Promise<void> {
    void this.#leaveTransport();
    const early: (readonly Uint8Array[])[] = [];
    let rpc: RpcClient | undefined;
    const transport = await this.#options.open(
      {
        receive: (messages) => (rpc ? rpc.receive(messages) : early.push(messages)),
        ended: (reason, final = false) => this.#transportEnded(rpc, reason, final),
      },
      signal,
    );
    if (signal.aborted) {
      void transport.close();
      return;
    }
    this.#transport = transport;
    if (this.#processes.isHeldUp) transport.setReading(false);
    rpc = new RpcClient(transport.rpc, (method, params) => this.#processes.notified(method, params));
    this.#rpc = rpc;
    for (const messages of early) rpc.receive(messages);
  }

  #transportEnded(rpc: RpcClient | undefined, reason: string, final: boolean): void {
    // One that was given up may end later.
    if (rpc !== this.#rpc || this.#actor.getSnapshot().status !== 'active') return;
    this.#actor.send({ type: 'transport.ended', reason, final });
    if (!this.#actor.getSnapshot().matches('recovering')) return;
    this.#recovery ??= new Recovery();
    rpc?.end(new HarnessError('transport_lost', `the session with the executor is interrupted: ${reason}`));
  }

  #catchUp(): Promise<void> {
    const rpc = this.#openRpc();
    return this.#processes.catchUp((method, params) => rpc.request(method, params));
  }

  async #initialize(): Promise<Initialized> {
    const { clientName, resumeSessionId = null } = this.#options;
    const answer = await beginSession(() => this.request('initialize', { clientName, resumeSessionId }));
    if (typeof answer.sessionId !== 'string') {
      throw new HarnessError('initialize_failed', 'the executor answered initialize without a session id');
    }
    this.#rpc?.notify('initialized', {});
    this.#environment = await readEnvironmentInfo(answer.environmentInfo, (method, params) =>
      this.request(method, params),
    );
    return { sessionId: answer.sessionId, environmentInfo: answer.environmentInfo };
  }

  #finish(crash?: unknown): Error | undefined {
    this.#options.signal?.removeEventListener('abort', this.#abort);
    const { error } = this.#actor.getSnapshot().context;
    const why = crash instanceof Error ? crash : error;
    const lost =
      why instanceof HarnessError ? why : new HarnessError('closed', why?.message ?? 'the session was closed');
    this.#rpc?.end(lost);
    this.#recovery?.fail(lost);
    this.#processes.lost(lost);
    if (why !== undefined) void this.#transport?.close();
    return why;
  }
}

const LOCAL = { initiator: 'local' } as const;
