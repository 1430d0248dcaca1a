/**
 * One child of a session, between the operating system, its chart and its clients: numbers and retains its output,
 * sends the notifications and answers reads.
 * What its life allows is decided by `processMachine`; this file does it.
 */
import type { ActorRefFrom } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import type { ProcessEffects, ProcessEvent, processMachine } from '../../machines/process.machine.js';
import type { OutputBudget } from '../../machines/protocol/output-budget.js';
import type { OutputLog, OutputStream } from '../../machines/protocol/output-log.js';
import type { GroupWatch } from '../host/group-watch.js';
import type { ChildListener, ChildSpec, HostChild, SpawnChild, TerminalSize } from '../host/host-child.js';
import { joinMessage } from '../rpc/base64-message.js';
import type { BulkResult } from '../rpc/envelope.js';
import { RpcCode, RpcError } from '../rpc/rpc-error.js';
import type { Parked } from '../rpc/rpc-method.js';
import { OutputReads, type ProcessStanding, type ReadRequest } from './output-reads.js';
import { ProcessInput, type WriteReply } from './process-input.js';
import type { ProcessListing } from './process-listing.js';
import { looksDenied } from './sandbox-denial.js';

/** Raw bytes of one output notification: with base64 and its members it fits one segment of 60 KiB. */
const CHUNK_BYTES = 44 * 1024;
/** How long the end of a child in a sandbox waits for its last words, which tell why it failed. */
const LAST_WORDS_MS = 200;

/** Where a process tells what happens. */
export interface ProcessAudience {
  /** True when more output is welcome; false once it should stand still until `resumeOutput`. */
  readonly wantsOutput: boolean;
  /** False when nobody is attached. */
  readonly attached: boolean;
  notify(message: Buffer): void;
}

export interface HostedProcessOptions {
  readonly processId: string;
  readonly tty: boolean;
  readonly pipeStdin: boolean;
  readonly sandboxed: boolean;
  /** What it was started as: a program, or the name it was given in its place. */
  readonly command: string;
  /** In the budget of its session. */
  readonly log: OutputLog;
  readonly budget: OutputBudget;
  readonly groups: GroupWatch;
  readonly audience: ProcessAudience;
  readonly clock: Clock;
}

export class HostedProcess implements ProcessEffects, ChildListener, ProcessStanding {
  readonly #options: HostedProcessOptions;
  readonly #name: string;
  readonly log: OutputLog;
  readonly #reads: OutputReads;
  readonly #input: ProcessInput;
  #actor: ActorRefFrom<typeof processMachine> | undefined;
  #child: HostChild | undefined;
  #startedOrFailed: ((error?: unknown) => void) | undefined;
  #pid: number | undefined;
  #startedAt: number | undefined;
  #exitCode: number | null = null;
  #sandboxDenied = false;
  /** Tells the exit that waits for the end of the output. */
  #tellExit: (() => void) | undefined;
  #streamsEnded = false;
  #closed = false;

  constructor(options: HostedProcessOptions) {
    this.#options = options;
    this.#name = JSON.stringify(options.processId);
    this.log = options.log;
    this.#reads = new OutputReads(options.log, options.clock, this);
    this.#input = new ProcessInput(options.processId, options.tty || options.pipeStdin);
  }

  get exitCode(): number | null {
    return this.#exitCode;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get sandboxDenied(): boolean {
    return this.#sandboxDenied;
  }

  get listing(): ProcessListing {
    const { processId, command, tty } = this.#options;
    return {
      processId,
      pid: this.#pid ?? null,
      command,
      tty,
      running: this.#pid !== undefined && this.#exitCode === null,
      exitCode: this.#exitCode,
      closed: this.#closed,
      startedAt: this.#startedAt ?? null,
      outputBytes: this.log.totalBytes,
      retainedBytes: this.log.bytes,
      nextSeq: this.log.nextSeq,
    };
  }

  /** Starts the child. Returns when it runs, or a promise when that takes time; throws or rejects when it cannot. */
  start(actor: ActorRefFrom<typeof processMachine>, spawn: SpawnChild, spec: ChildSpec): Promise<void> | undefined {
    this.#actor = actor;
    let outcome: { readonly error?: unknown } | undefined;
    this.#startedOrFailed = (error) => {
      outcome = error === undefined ? {} : { error };
    };
    try {
      this.#child = spawn(spec, this);
    } catch (error) {
      this.failed(error);
    }
    if (this.#pid !== undefined) this.#tell({ type: 'process.spawned' });
    if (!this.#options.audience.wantsOutput) this.#child?.pause();
    if (outcome !== undefined) {
      if ('error' in outcome) throw outcome.error;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.#startedOrFailed = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  // ---- what the child reports

  spawned(pid: number): void {
    this.#pid = pid;
    this.#startedAt = Date.now();
    this.#startedOrFailed?.();
    this.#startedOrFailed = undefined;
    // The chart may act on the child, which a synchronous spawn has not returned yet: `start` tells it then.
    if (this.#child !== undefined) this.#tell({ type: 'process.spawned' });
  }

  failed(error: unknown): void {
    this.#startedOrFailed?.(error);
    this.#startedOrFailed = undefined;
    this.#tell({ type: 'process.failed' });
  }

  output(stream: OutputStream, bytes: Buffer): void {
    const pieces = Math.ceil(bytes.byteLength / CHUNK_BYTES);
    const size = Math.ceil(bytes.byteLength / pieces);
    const { audience, budget } = this.#options;
    for (let at = 0; at < bytes.byteLength; at += size) {
      const piece = pieces === 1 ? bytes : bytes.subarray(at, at + size);
      const seq = this.log.append(stream, piece);
      if (!audience.attached) continue;
      const head = `{"method":"process/output","params":{"processId":${this.#name},"seq":${seq},"stream":"${stream}","chunk":"`;
      audience.notify(joinMessage([head, piece, '"}}']));
    }
    budget.changed(this.log);
    this.#reads.wake();
    if (!audience.wantsOutput) this.#child?.pause();
  }

  exited(exitCode: number): void {
    this.#input.drop();
    const tell = () => {
      this.#tellExit = undefined;
      this.#tell({ type: 'process.exited', exitCode });
    };
    const { clock, sandboxed } = this.#options;
    if (!sandboxed || exitCode === 0 || this.#streamsEnded) {
      tell();
      return;
    }
    const timer = clock.setTimeout(() => this.#tellExit?.(), LAST_WORDS_MS);
    this.#tellExit = () => {
      clock.clearTimeout(timer);
      tell();
    };
  }

  streamsEnded(): void {
    this.#streamsEnded = true;
    this.#tellExit?.();
    this.#tell({ type: 'streams.ended' });
  }

  inputTaken(): void {
    if (this.#child !== undefined) this.#input.taken(this.#child);
  }

  // ---- what the chart decides

  killGroup(): void {
    this.#child?.signalGroup('SIGKILL');
  }

  signalGroup(signal: NodeJS.Signals): void {
    this.#child?.signalGroup(signal);
  }

  askGroup(): void {
    this.#child?.signalGroup('SIGTERM');
    // Who stands still takes no signal but this one.
    this.#child?.signalGroup('SIGCONT');
  }

  watchGroup(): void {
    if (this.#pid !== undefined) this.#options.groups.add(this.#pid, () => this.#tell({ type: 'group.ended' }));
  }

  unwatchGroup(): void {
    if (this.#pid !== undefined) this.#options.groups.remove(this.#pid);
  }

  abandonStreams(): void {
    this.#child?.abandonStreams();
  }

  announceExited(exitCode: number): void {
    this.#exitCode = exitCode;
    this.#sandboxDenied = this.#options.sandboxed && looksDenied(exitCode, () => this.log.read().chunks);
    const seq = this.log.claimSeq();
    this.#notify(
      `{"method":"process/exited","params":{"processId":${this.#name},"seq":${seq},"exitCode":${exitCode},"sandboxDenied":${this.#sandboxDenied}}}`,
    );
    this.#reads.wake();
  }

  announceClosed(): void {
    this.#closed = true;
    this.#options.budget.end(this.log);
    const seq = this.log.claimSeq();
    this.#notify(`{"method":"process/closed","params":{"processId":${this.#name},"seq":${seq}}}`);
    this.#reads.wake();
  }

  // ---- what a client asks

  /** A promise only while there is nothing to tell; `signal` gives the waiting up. */
  read(request: ReadRequest, signal: () => AbortSignal): BulkResult | Promise<BulkResult> {
    this.#requireStarted();
    return this.#reads.read(request, signal);
  }

  write(bytes: Uint8Array, writeId: string | undefined): WriteReply | Parked {
    if (this.#pid === undefined) return { status: 'starting' };
    return this.#input.write(bytes, writeId, this.#exitCode === null ? this.#child : undefined);
  }

  /** End of input, after everything accepted before. */
  closeInput(): void {
    this.#input.close(this.#child);
  }

  /** To its whole group, while it runs. */
  signal(signal: NodeJS.Signals): void {
    this.#tell({ type: 'process.signal', signal });
  }

  /** True when it was still running. With `graceMs` it is asked to end first, and killed when that time is over. */
  terminate(graceMs?: number): boolean {
    const running = this.#exitCode === null;
    this.#tell(graceMs === undefined ? { type: 'process.terminate' } : { type: 'process.terminate', graceMs });
    return running;
  }

  resize(size: TerminalSize): void {
    this.#requireStarted();
    const { processId, tty } = this.#options;
    if (!tty) throw new RpcError(RpcCode.invalidRequest, `process ${processId} has no terminal`);
    if (this.#exitCode === null && this.#child?.resize?.(size) === true) return;
    throw new RpcError(RpcCode.invalidRequest, `process ${processId} has ended`);
  }

  pauseOutput(): void {
    this.#child?.pause();
  }

  resumeOutput(): void {
    this.#child?.resume();
  }

  /** The chart is gone without having ended the child. */
  crash(): void {
    this.unwatchGroup();
    this.killGroup();
    this.abandonStreams();
  }

  #requireStarted(): void {
    if (this.#pid !== undefined) return;
    throw new RpcError(RpcCode.invalidRequest, `process id ${this.#options.processId} is starting`);
  }

  /** The child may report its end after its chart was done with it. */
  #tell(event: ProcessEvent): void {
    if (this.#actor?.getSnapshot().status === 'active') this.#actor.send(event);
  }

  #notify(message: string): void {
    const { audience } = this.#options;
    if (audience.attached) audience.notify(Buffer.from(message));
  }
}
