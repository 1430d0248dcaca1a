/**
 * One process on the executor, with Node streams: what it prints, what it is fed, how it ended.
 * Notifications are put in order by their seq first, because releases let neighbours swap (jsonrpc.md §4.2).
 */
import { Readable, type Writable } from 'node:stream';
import { HarnessError } from '../../machines/harness.machine.js';
import { requireCapability } from './capability.js';
import type { Missed } from './catch-up.js';
import type { EnvironmentInfo } from './environment-info.js';
import { processWriter } from './process-writer.js';

export interface ProcessOptions {
  /** Program and arguments; no shell is involved. */
  readonly argv: readonly string[];
  /** A path on the executor; by default the folder it was started in (with 0.142.5 the home of its user). */
  readonly cwd?: string;
  /** Added to the executor's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A terminal; its output comes on `stdout`. */
  readonly tty?: boolean;
  /** Of the terminal; 24 by 80 by default. Needs the executor to announce `signalboxResize`. */
  readonly size?: TerminalSize;
  /**
   * Bytes of output the executor keeps at least for `process/read`, 64 KiB to 64 MiB, in place of up to 1 MiB. Needs
   * `signalboxRetainBytes`.
   */
  readonly retainBytes?: number;
  /** Gives the process a standard input that can be written; without it, it reads /dev/null. */
  readonly stdin?: boolean;
  /** Kills the process when it aborts; one that has aborted already keeps it from being started. */
  readonly signal?: AbortSignal;
}

export interface ProcessExit {
  /** The exit status, or 128 + n for signal n. */
  readonly exitCode: number;
}

export type Signal = 'interrupt' | NodeJS.Signals;

/** In characters, 1 to 65535 each. */
export interface TerminalSize {
  readonly rows: number;
  readonly cols: number;
}

/** One process of the session, as the executor lists it (docs/extensions.md). */
export interface ProcessListing {
  readonly processId: string;
  /** Null while it is starting. */
  readonly pid: number | null;
  readonly command: string;
  readonly tty: boolean;
  readonly running: boolean;
  readonly exitCode: number | null;
  readonly closed: boolean;
  /** Milliseconds since 1970; null while it is starting. */
  readonly startedAt: number | null;
  readonly outputBytes: number;
  readonly retainedBytes: number;
  readonly nextSeq: number;
}

/** What a process needs of its harness. */
export interface ProcessOwner {
  request(method: string, params: object): Promise<unknown>;
  /** A reader has taken all it wants for now, or wants more again. */
  setFull(reader: Readable, full: boolean): void;
  readonly environment: EnvironmentInfo;
  forget(processId: string): void;
}

const OUTPUT_BUFFER_BYTES = 1024 * 1024;

interface ProcessNotification {
  readonly seq: number;
  readonly method: string;
  readonly params: { readonly stream?: string; readonly chunk?: string; readonly exitCode?: number };
}

export class RemoteProcess implements AsyncDisposable {
  readonly processId: string;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly stdin: Writable;
  /**
   * Resolves when the process has ended; its output may still be coming. Streams that nobody reads fill up, and then
   * they hold up the whole session: read them, or `destroy()` those that are not wanted.
   */
  readonly exited: Promise<ProcessExit>;
  /**
   * Resolves when the process has ended and every byte of its output has been given to the streams; rejects with
   * `output_lost` when some could not be.
   */
  readonly closed: Promise<ProcessExit>;
  readonly #owner: ProcessOwner;
  readonly #early = new Map<number, ProcessNotification>();
  #nextSeq = 1;
  #exit: ProcessExit | undefined;
  /** Output was lost for good. */
  #gap: HarnessError | undefined;
  /** Of the output from before it was adopted, nothing was read yet. */
  #isAdopted: boolean;
  /** Terminations under way: what still comes must not hold up their answers. Being killed stays under way. */
  #terminating = 0;
  #settleExited!: { resolve(exit: ProcessExit): void; reject(error: Error): void };
  #settleClosed!: { resolve(exit: ProcessExit): void; reject(error: Error): void };

  /** `isAdopted`: it was started before, and what of its output is not kept any more is no loss. */
  constructor(processId: string, owner: ProcessOwner, { isAdopted = false } = {}) {
    this.processId = processId;
    this.#isAdopted = isAdopted;
    this.#owner = owner;
    this.stdout = this.#reader();
    this.stderr = this.#reader();
    this.stdin = processWriter(processId, owner);
    this.exited = new Promise((resolve, reject) => {
      this.#settleExited = { resolve, reject };
    });
    this.closed = new Promise((resolve, reject) => {
      this.#settleClosed = { resolve, reject };
    });
    // Whoever does not wait for the end must not be killed by it.
    this.exited.catch(() => {});
    this.closed.catch(() => {});
  }

  /**
   * To the whole process group. Every executor knows `interrupt`, which is SIGINT; for others it must announce
   * `signalboxSignals`, else this rejects with UnsupportedError. A process that has ended gets none, without an error.
   */
  async signal(signal: Signal): Promise<void> {
    const known = signal === 'SIGINT' ? 'interrupt' : signal;
    if (known !== 'interrupt') requireCapability(this.#owner.environment, 'signalboxSignals', `send ${signal}`);
    await this.#owner.request('process/signal', { processId: this.processId, signal: known });
  }

  /** Rejects with UnsupportedError, and with RemoteError when it has no terminal or has ended. */
  async resize({ rows, cols }: TerminalSize): Promise<void> {
    requireCapability(this.#owner.environment, 'signalboxResize', 'change the size of a terminal');
    await this.#owner.request('process/resize', { processId: this.processId, rows, cols });
  }

  /**
   * Kills the process group at once; false when the process had ended already. With `graceMs` (0 to 600000) the group
   * gets SIGTERM, and what still runs when that time is over is killed; rejects with UnsupportedError when the
   * executor cannot do that.
   */
  async terminate({ graceMs }: { readonly graceMs?: number } = {}): Promise<boolean> {
    const grace = graceMs === undefined ? {} : { graceMs };
    if (graceMs !== undefined) {
      requireCapability(this.#owner.environment, 'signalboxTerminateGrace', 'give a process time to end');
    }
    this.#terminating += 1;
    for (const reader of [this.stdout, this.stderr]) this.#owner.setFull(reader, false);
    const answer = (await this.#owner.request('process/terminate', { processId: this.processId, ...grace })) as {
      running?: boolean;
    };
    // Killed, it says little more; asked, it may go on for long.
    if (graceMs !== undefined) this.#terminating -= 1;
    return answer.running === true;
  }

  /** Kills it if it still runs, and resolves when it is over. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exit === undefined) await this.terminate();
    await this.closed.catch(() => {});
  }

  /** A notification of the executor about this process. */
  notified(method: string, params: ProcessNotification['params'] & { seq: number }): void {
    this.#remember(method, params);
    this.#drain();
  }

  #remember(method: string, params: ProcessNotification['params'] & { seq: number }): void {
    if (params.seq < this.#nextSeq || this.#early.has(params.seq)) return;
    this.#early.set(params.seq, { seq: params.seq, method, params });
  }

  #drain(): void {
    for (;;) {
      const next = this.#early.get(this.#nextSeq);
      if (next === undefined) return;
      this.#early.delete(this.#nextSeq);
      this.#nextSeq += 1;
      this.#act(next);
    }
  }

  /** The number of the last event before which nothing is missing. */
  get lastSeq(): number {
    return this.#nextSeq - 1;
  }

  /**
   * The session was lost for a while and is back: what happened meanwhile is made up for. Output that the executor did
   * not keep is reported by `closed`, which then rejects with `output_lost`; what follows it is still given.
   */
  recovered({ nextSeq, output, exitCode, closed, lostBytes }: Missed): void {
    for (const { seq, stream, chunk } of output) this.#remember('process/output', { seq, stream, chunk });
    const missing: number[] = [];
    for (let seq = this.#nextSeq; seq < nextSeq; seq += 1) if (!this.#early.has(seq)) missing.push(seq);
    // The end has the largest number of all; an exit has one, too, and what is left over was output.
    if (closed && missing.at(-1) === nextSeq - 1) this.#remember('process/closed', { seq: missing.pop() as number });
    const knowsExit = this.#exit !== undefined || [...this.#early.values()].some(isExit);
    if (exitCode !== undefined && !knowsExit && missing.length > 0) {
      this.#remember('process/exited', { seq: missing.pop() as number, exitCode });
    }
    for (const seq of missing) this.#remember('lost', { seq });
    if (missing.length > 0 && !this.#isAdopted) this.#gap ??= outputLost(lostBytes);
    this.#isAdopted = false;
    this.#drain();
  }

  /** The session is gone, and nothing more will be heard. */
  lost(error: HarnessError | Error): void {
    this.#settleExited.reject(error);
    this.#settleClosed.reject(error);
    this.#owner.forget(this.processId);
    for (const reader of [this.stdout, this.stderr]) {
      this.#owner.setFull(reader, false);
      // An error nobody listens for would end the program; `closed` tells it to those who wait.
      reader.destroy(reader.listenerCount('error') > 0 ? error : undefined);
    }
    this.stdin.destroy();
  }

  #act({ method, params }: ProcessNotification): void {
    switch (method) {
      case 'process/output': {
        const reader = params.stream === 'stderr' ? this.stderr : this.stdout;
        // Who has destroyed the stream wants no more of it; that must not hold up everything else.
        if (reader.destroyed) return;
        const more = reader.push(Buffer.from(params.chunk ?? '', 'base64'));
        if (!more && this.#terminating === 0) this.#owner.setFull(reader, true);
        return;
      }
      case 'process/exited':
        this.#exit = { exitCode: params.exitCode ?? -1 };
        this.#settleExited.resolve(this.#exit);
        this.stdin.destroy();
        return;
      case 'process/closed':
        this.stdout.push(null);
        this.stderr.push(null);
        this.#owner.forget(this.processId);
        if (this.#gap === undefined) this.#settleClosed.resolve(this.#exit ?? { exitCode: -1 });
        else this.#settleClosed.reject(this.#gap);
    }
  }

  #reader(): Readable {
    const reader: Readable = new Readable({
      highWaterMark: OUTPUT_BUFFER_BYTES,
      read: () => this.#owner.setFull(reader, false),
      destroy: (error, done) => {
        this.#owner.setFull(reader, false);
        done(error);
      },
    });
    return reader;
  }
}

function isExit({ method }: ProcessNotification): boolean {
  return method === 'process/exited';
}

function outputLost(bytes: number | null): HarnessError {
  const amount = bytes === null ? 'an unknown number of bytes' : `${bytes} bytes`;
  return new HarnessError(
    'output_lost',
    `${amount} of the output were lost: the connection was away for longer than the executor keeps output`,
  );
}
