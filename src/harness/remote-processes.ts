/**
 * The processes of one session, by their ids: starts them, takes them over, hands each what is told of it. What a
 * process does with that is its own (remote-process.ts); how requests travel is not known here.
 */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { requireCapability } from './capability.js';
import { catchUp, readMissed } from './catch-up.js';
import { type EnvironmentInfo, HOME_FOLDER, isRefusedAsMalformed, UNTOLD_FOLDER } from './environment-info.js';
import { toRemotePath } from './remote-path.js';
import { type ProcessListing, type ProcessOptions, type ProcessOwner, RemoteProcess } from './remote-process.js';

export interface RemoteProcessesOptions {
  request(method: string, params: object): Promise<unknown>;
  environment(): EnvironmentInfo;
  /** Whether anything is to be read from the network. */
  setReading(reading: boolean): void;
}

export class RemoteProcesses implements ProcessOwner {
  readonly #options: RemoteProcessesOptions;
  readonly #processes = new Map<string, RemoteProcess>();
  /** Readers that have taken all they want for now; while there is one, nothing is read from the network. */
  readonly #full = new Set<Readable>();

  constructor(options: RemoteProcessesOptions) {
    this.#options = options;
  }

  get environment(): EnvironmentInfo {
    return this.#options.environment();
  }

  get isHeldUp(): boolean {
    return this.#full.size > 0;
  }

  request(method: string, params: object): Promise<unknown> {
    return this.#options.request(method, params);
  }

  /** Rejects with RemoteError when it cannot be started, and with UnsupportedError. */
  async start(options: ProcessOptions): Promise<RemoteProcess> {
    const { size, retainBytes, signal } = options;
    signal?.throwIfAborted();
    if (size !== undefined) requireCapability(this.environment, 'signalboxResize', 'give a terminal a size');
    if (retainBytes !== undefined) requireCapability(this.environment, 'signalboxRetainBytes', 'keep more output');
    const { pathStyle, cwd, capabilities } = this.environment;
    const child = new RemoteProcess(randomUUID(), this);
    const start = (folder: string) =>
      this.request('process/start', {
        processId: child.processId,
        argv: options.argv,
        cwd: toRemotePath(folder, pathStyle),
        env: options.env ?? {},
        envPolicy: WHOLE_ENVIRONMENT,
        tty: options.tty ?? false,
        ...(options.tty && capabilities.has('signalboxTellsSignals') ? { tellsSignals: true } : {}),
        pipeStdin: options.stdin ?? false,
        ...(size === undefined ? {} : { size }),
        ...(retainBytes === undefined ? {} : { retainBytes }),
      });
    // Known before it is asked for: notifications may come before the answer (jsonrpc.md §4.2).
    this.#processes.set(child.processId, child);
    try {
      await start(options.cwd ?? cwd).catch((error: unknown) => {
        if (options.cwd !== undefined || cwd !== UNTOLD_FOLDER || !isRefusedAsMalformed(error)) throw error;
        return start(HOME_FOLDER);
      });
    } catch (error) {
      child.lost(error as Error);
      throw error;
    }
    if (signal !== undefined) killOnAbort(child, signal);
    return child;
  }

  /** One that was started by somebody before: what it printed so far comes first. Rejects with RemoteError. */
  async adopt(processId: string): Promise<RemoteProcess> {
    const child = new RemoteProcess(processId, this, { isAdopted: true });
    this.#processes.set(processId, child);
    try {
      child.recovered(await readMissed(processId, 0, this.#options.request));
    } catch (error) {
      child.lost(error as Error);
      throw error;
    }
    return child;
  }

  /** Every one that still has its id. Rejects with UnsupportedError. */
  async list(): Promise<readonly ProcessListing[]> {
    requireCapability(this.environment, 'signalboxProcessList', 'list processes');
    return ((await this.request('process/list', {})) as { processes: readonly ProcessListing[] }).processes;
  }

  /** Makes up for what they did while nobody was told; the requests go past the recovery that this is part of. */
  catchUp(request: RemoteProcessesOptions['request']): Promise<void> {
    return catchUp([...this.#processes.values()], request);
  }

  notified(method: string, params: unknown): void {
    const { processId, seq } = (params ?? {}) as { processId?: unknown; seq?: unknown };
    if (typeof processId !== 'string' || typeof seq !== 'number') return;
    this.#processes.get(processId)?.notified(method, params as { seq: number });
  }

  setFull(reader: Readable, full: boolean): void {
    const before = this.#full.size;
    if (full) this.#full.add(reader);
    else this.#full.delete(reader);
    if (before === 0 && this.#full.size > 0) this.#options.setReading(false);
    if (before > 0 && this.#full.size === 0) this.#options.setReading(true);
  }

  forget(processId: string): void {
    this.#processes.delete(processId);
  }

  /** The session is over. */
  lost(error: Error): void {
    for (const child of [...this.#processes.values()]) child.lost(error);
  }
}

function killOnAbort(child: RemoteProcess, signal: AbortSignal): void {
  const kill = () => void child.terminate().catch(() => {});
  if (signal.aborted) kill();
  else signal.addEventListener('abort', kill, { once: true });
  const forget = () => signal.removeEventListener('abort', kill);
  child.exited.then(forget, forget);
}

/** The executor's own environment, without what looks like a secret (jsonrpc.md §4.1). */
const WHOLE_ENVIRONMENT = { inherit: 'all', ignoreDefaultExcludes: false, exclude: [], set: {}, includeOnly: [] };
