/**
 * One child of a session, between the operating system, its chart and its clients: numbers and retains its output,
 * sends the notifications and answers reads.
 * What its life allows is decided by `processMachine`; this file does it.
 */
import type { ActorRefFrom } from 'xstate';
import { type Clock, LONGEST_DELAY_MS } from '../../machines/clock.js';
import type { ProcessEffects, ProcessEvent, processMachine } from '../../machines/process.machine.js';
import { OutputLog, type OutputStream } from '../../machines/protocol/output-log.js';
import type { ChildListener, ChildSpec, HostChild, SpawnChild } from '../host/host-child.js';
import { joinMessage, type MessagePart } from '../rpc/base64-message.js';
import { BulkResult } from '../rpc/envelope.js';
import { RpcCode, RpcError } from '../rpc/rpc-error.js';
import type { Parked } from '../rpc/rpc-method.js';
import { ProcessInput, type WriteReply } from './process-input.js';
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

export interface ReadRequest {
  readonly afterSeq: number;
  readonly maxBytes: number | undefined;
  readonly waitMs: number;
}

export interface HostedProcessOptions {
  readonly processId: string;
  readonly tty: boolean;
  readonly pipeStdin: boolean;
  readonly sandboxed: boolean;
  readonly audience: ProcessAudience;
  readonly clock: Clock;
}

export class HostedProcess implements ProcessEffects, ChildListener {
  readonly #options: HostedProcessOptions;
  readonly #name: string;
  readonly #log = new OutputLog();
  readonly #input: ProcessInput;
  readonly #waiting = new Set<() => void>();
  #actor: ActorRefFrom<typeof processMachine> | undefined;
  #child: HostChild | undefined;
  #startedOrFailed: ((error?: unknown) => void) | undefined;
  #started = false;
  #exitCode: number | null = null;
  #sandboxDenied = false;
  /** Tells the exit that waits for the end of the output. */
  #tellExit: (() => void) | undefined;
  #streamsEnded = false;
  #closed = false;

  constructor(options: HostedProcessOptions) {
    this.#options = options;
    this.#name = JSON.stringify(options.processId);
    this.#input = new ProcessInput(options.processId, options.tty || options.pipeStdin);
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
    if (this.#started) this.#tell({ type: 'process.spawned' });
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

  spawned(): void {
    this.#started = true;
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
    const { audience } = this.#options;
    for (let at = 0; at < bytes.byteLength; at += size) {
      const piece = pieces === 1 ? bytes : bytes.subarray(at, at + size);
      const seq = this.#log.append(stream, piece);
      if (!audience.attached) continue;
      const head = `{"method":"process/output","params":{"processId":${this.#name},"seq":${seq},"stream":"${stream}","chunk":"`;
      audience.notify(joinMessage([head, piece, '"}}']));
    }
    this.#wake();
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

  interruptGroup(): void {
    this.#child?.signalGroup('SIGINT');
  }

  abandonStreams(): void {
    this.#child?.abandonStreams();
  }

  announceExited(exitCode: number): void {
    this.#exitCode = exitCode;
    this.#sandboxDenied = this.#options.sandboxed && looksDenied(exitCode, () => this.#log.read().chunks);
    const seq = this.#log.claimSeq();
    this.#notify(
      `{"method":"process/exited","params":{"processId":${this.#name},"seq":${seq},"exitCode":${exitCode},"sandboxDenied":${this.#sandboxDenied}}}`,
    );
    this.#wake();
  }

  announceClosed(): void {
    this.#closed = true;
    const seq = this.#log.claimSeq();
    this.#notify(`{"method":"process/closed","params":{"processId":${this.#name},"seq":${seq}}}`);
    this.#wake();
  }

  // ---- what a client asks

  /** A promise only while there is nothing to tell; `signal` gives the waiting up. */
  read(request: ReadRequest, signal: () => AbortSignal): BulkResult | Promise<BulkResult> {
    if (!this.#started) throw new RpcError(RpcCode.invalidRequest, `process id ${this.#options.processId} is starting`);
    if (request.waitMs === 0 || this.#hasNews(request.afterSeq)) return this.#page(request);
    return this.#waitForNews(request, signal());
  }

  write(bytes: Uint8Array, writeId: string | undefined): WriteReply | Parked {
    if (!this.#started) return { status: 'starting' };
    return this.#input.write(bytes, writeId, this.#exitCode === null ? this.#child : undefined);
  }

  /** End of input, after everything accepted before. */
  closeInput(): void {
    this.#input.close(this.#child);
  }

  interrupt(): void {
    this.#tell({ type: 'process.interrupt' });
  }

  /** True when it was still running. */
  terminate(): boolean {
    const running = this.#exitCode === null;
    this.#tell({ type: 'process.terminate' });
    return running;
  }

  pauseOutput(): void {
    this.#child?.pause();
  }

  resumeOutput(): void {
    this.#child?.resume();
  }

  /** The chart is gone without having ended the child. */
  crash(): void {
    this.killGroup();
    this.abandonStreams();
  }

  /** The child may report its end after its chart was done with it. */
  #tell(event: ProcessEvent): void {
    if (this.#actor?.getSnapshot().status === 'active') this.#actor.send(event);
  }

  #notify(message: string): void {
    const { audience } = this.#options;
    if (audience.attached) audience.notify(Buffer.from(message));
  }

  #hasNews(afterSeq: number): boolean {
    if (this.#log.lastChunkSeq > afterSeq || this.#closed) return true;
    return this.#exitCode !== null && afterSeq < this.#log.nextSeq - 1;
  }

  #waitForNews(request: ReadRequest, signal: AbortSignal): Promise<BulkResult> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const settle = () => {
        clock.clearTimeout(timer);
        this.#waiting.delete(look);
        signal.removeEventListener('abort', settle);
        resolve(this.#page(request));
      };
      const look = () => {
        if (this.#hasNews(request.afterSeq)) settle();
      };
      const timer = clock.setTimeout(settle, Math.min(request.waitMs, LONGEST_DELAY_MS));
      this.#waiting.add(look);
      signal.addEventListener('abort', settle);
    });
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }

  #page({ afterSeq, maxBytes }: ReadRequest): BulkResult {
    const { chunks, nextSeq } = this.#log.read(afterSeq, maxBytes);
    const parts: MessagePart[] = ['{"chunks":['];
    for (const [index, chunk] of chunks.entries()) {
      parts.push(
        `${index === 0 ? '' : ','}{"seq":${chunk.seq},"stream":"${chunk.stream}","chunk":"`,
        chunk.bytes,
        '"}',
      );
    }
    parts.push(
      `],"nextSeq":${nextSeq},"exited":${this.#exitCode !== null},"exitCode":${this.#exitCode},"closed":${this.#closed},"failure":null,"sandboxDenied":${this.#sandboxDenied}}`,
    );
    return new BulkResult(parts);
  }
}
