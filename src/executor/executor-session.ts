/**
 * One session: its processes by id, and whoever is attached to it. `sessionMachine` decides what its state allows;
 * this file holds what the chart must not: children and a transport.
 */
import type { ActorRefFrom } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import type { processMachine } from '../../machines/process.machine.js';
import { OutputBudget } from '../../machines/protocol/output-budget.js';
import { OutputLog, promisedOutputLog } from '../../machines/protocol/output-log.js';
import {
  processActorId,
  type SessionEffects,
  type SessionEvent,
  type sessionMachine,
} from '../../machines/session.machine.js';
import { GroupWatch } from '../host/group-watch.js';
import type { ChildSpec, SpawnChild } from '../host/host-child.js';
import type { Logger } from '../observe/log.js';
import { RpcCode, RpcError } from '../rpc/rpc-error.js';
import type { RpcTransport } from '../rpc/transport.js';
import { HostedProcess, type ProcessAudience } from './hosted-process.js';
import type { ProcessListing } from './process-listing.js';

export interface StartRequest {
  readonly processId: string;
  readonly tty: boolean;
  readonly pipeStdin: boolean;
  readonly sandboxed: boolean;
  /** Bytes of output it is promised to keep at least; absent, up to 1 MiB are kept. */
  readonly retainBytes?: number;
  readonly spec: ChildSpec;
  readonly spawn: SpawnChild;
}

export type SessionState = ReturnType<ActorRefFrom<typeof sessionMachine>['getSnapshot']>['value'];

export class ExecutorSession implements SessionEffects, ProcessAudience {
  readonly id: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #processes = new Map<string, HostedProcess>();
  readonly #budget = new OutputBudget();
  readonly #groups = new GroupWatch();
  #actor: ActorRefFrom<typeof sessionMachine> | undefined;
  #transport: RpcTransport | undefined;

  constructor(id: string, clock: Clock, log: Logger) {
    this.id = id;
    this.#clock = clock;
    this.#log = log;
  }

  bind(actor: ActorRefFrom<typeof sessionMachine>): void {
    this.#actor = actor;
  }

  /** The chart's state; `ended` when its actor is gone. */
  get state(): SessionState {
    return this.#actor?.getSnapshot().value ?? 'ended';
  }

  /** Its processes are to go on without anybody attached. */
  get isKept(): boolean {
    return this.#actor?.getSnapshot().context.kept ?? false;
  }

  get attached(): boolean {
    return this.#transport !== undefined;
  }

  get wantsOutput(): boolean {
    return this.#transport === undefined || this.#transport.writable;
  }

  attach(transport: RpcTransport): void {
    this.#transport = transport;
    if (!transport.writable) this.#forEachProcess((process) => process.pauseOutput());
  }

  initialize(): void {
    this.#tell({ type: 'session.initialize' });
  }

  initialized(): void {
    this.#tell({ type: 'session.initialized' });
  }

  keep(keep: boolean): void {
    this.#tell({ type: 'session.keep', keep });
  }

  resume(transport: RpcTransport): void {
    this.attach(transport);
    this.#tell({ type: 'session.resume' });
  }

  /** Its connection took another session instead; nobody ever knew this one. */
  abandon(): void {
    this.#transport = undefined;
    this.#tell({ type: 'session.abandon' });
  }

  transportClosed(): void {
    this.#transport = undefined;
    this.#tell({ type: 'transport.closed' });
  }

  /** The transport takes output again. */
  resumeOutput(): void {
    this.#forEachProcess((process) => process.resumeOutput());
  }

  notify(message: Buffer): void {
    this.#transport?.send(message);
  }

  process(processId: string): HostedProcess | undefined {
    return this.#processes.get(processId);
  }

  /** Its processes that still have their id, oldest first. */
  list(): ProcessListing[] {
    return [...this.#processes.values()].map(({ listing }) => listing);
  }

  /** Throws or rejects with what the operating system says when it cannot be started; its id stays free then. */
  startProcess({ retainBytes = 0, spec, spawn, ...request }: StartRequest): Promise<void> | undefined {
    const { processId } = request;
    if (this.#processes.has(processId)) {
      throw new RpcError(RpcCode.invalidRequest, `process ${processId} already exists`);
    }
    if (retainBytes > this.#budget.reservableBytes) {
      const left = `this session can promise ${this.#budget.reservableBytes} more bytes`;
      throw new RpcError(RpcCode.invalidRequest, `retainBytes is too much: ${left}, until other processes are gone`);
    }
    const log = retainBytes > 0 ? promisedOutputLog(retainBytes) : new OutputLog();
    const process = new HostedProcess({
      ...request,
      command: spec.arg0 ?? spec.program,
      log,
      budget: this.#budget,
      groups: this.#groups,
      audience: this,
      clock: this.#clock,
    });
    this.#tell({ type: 'process.start', processId, effects: process });
    const child = this.#actor?.getSnapshot().children[processActorId(processId)];
    if (child === undefined) throw new RpcError(RpcCode.invalidRequest, 'the session is over');
    this.#processes.set(processId, process);
    this.#budget.add(log, retainBytes);
    return process.start(child as ActorRefFrom<typeof processMachine>, spawn, spec);
  }

  detached(): void {
    // Nobody is slowed down by a client that is away: output goes to the retained log.
    this.#forEachProcess((process) => process.resumeOutput());
  }

  processEnded(processId: string, error?: unknown): void {
    const process = this.#processes.get(processId);
    if (process === undefined) return;
    if (error !== undefined) {
      this.#log.error({ err: error, session: this.id }, 'the chart of a process crashed; the process is killed');
      process.crash();
    }
    this.#processes.delete(processId);
    this.#budget.remove(process.log);
  }

  /** The chart of the session is gone without having ended its processes. */
  crash(): void {
    this.#forEachProcess((process) => process.crash());
    this.#processes.clear();
    this.#transport?.end('session_crashed');
  }

  /** The end of a session and the end of its transport may come in any order. */
  #tell(event: SessionEvent): void {
    if (this.#actor?.getSnapshot().status === 'active') this.#actor.send(event);
  }

  #forEachProcess(action: (process: HostedProcess) => void): void {
    for (const process of this.#processes.values()) action(process);
  }
}
