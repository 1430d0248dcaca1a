/**
 * One process on the executor, with Node streams: what it prints, what it is fed, how it ended.
 * Notifications are put in order by their seq first, because releases let neighbours swap (jsonrpc.md §4.2).
 */
import { randomUUID } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import type { HarnessError } from '../../machines/harness.machine.js';
import { requireCapability } from './capability.js';
import type { EnvironmentInfo } from './environment-info.js';
import { RemoteError } from './rpc-client.js';

export interface ProcessOptions {
  /** Program and arguments; no shell is involved. */
  readonly argv: readonly string[];
  /** A path on the executor; the folder the executor was started in by default. */
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

/** Bytes of one write: its base64 and the JSON around it fit one segment. */
const WRITE_BYTES = 44 * 1024;
/** Writes that may be unanswered; the executor holds its answers back while the child does not read. */
const WRITES_IN_FLIGHT = 8;
const OUTPUT_BUFFER_BYTES = 1024 * 1024;

interface ProcessNotification {
  readonly seq: number;
  readonly method: string;
  readonly params: { readonly stream?: string; readonly chunk?: string; readonly exitCode?: number };
}

export class RemoteProcess {
  readonly processId: string;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly stdin: Writable;
  /**
   * Resolves when the process has ended; its output may still be coming. Streams that nobody reads fill up, and then
   * they hold up the whole session: read them, or `destroy()` those that are not wanted.
   */
  readonly exited: Promise<ProcessExit>;
  /** Resolves when the process has ended and every byte of its output has been given to the streams. */
  readonly closed: Promise<ProcessExit>;
  readonly #owner: ProcessOwner;
  readonly #early = new Map<number, ProcessNotification>();
  #nextSeq = 1;
  #exit: ProcessExit | undefined;
  /** Terminations under way: what still comes must not hold up their answers. Being killed stays under way. */
  #terminating = 0;
  #settleExited!: { resolve(exit: ProcessExit): void; reject(error: Error): void };
  #settleClosed!: { resolve(exit: ProcessExit): void; reject(error: Error): void };

  constructor(processId: string, owner: ProcessOwner) {
    this.processId = processId;
    this.#owner = owner;
    this.stdout = this.#reader();
    this.stderr = this.#reader();
    this.stdin = this.#writer();
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

  /** A notification of the executor about this process. */
  notified(method: string, params: ProcessNotification['params'] & { seq: number }): void {
    if (params.seq < this.#nextSeq || this.#early.has(params.seq)) return;
    this.#early.set(params.seq, { seq: params.seq, method, params });
    for (;;) {
      const next = this.#early.get(this.#nextSeq);
      if (next === undefined) return;
      this.#early.delete(this.#nextSeq);
      this.#nextSeq += 1;
      this.#act(next);
    }
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
        this.#settleClosed.resolve(this.#exit ?? { exitCode: -1 });
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

  #writer(): Writable {
    const { processId } = this;
    let inFlight = 0;
    let failed: Error | undefined;
    const waiting: (() => void)[] = [];
    const settle = () => {
      inFlight -= 1;
      for (const resume of waiting.splice(0)) resume();
    };
    const below = (count: number, then: () => void): void => {
      if (inFlight < count || failed) then();
      else waiting.push(() => below(count, then));
    };
    const send = async (chunk: Buffer): Promise<void> => {
      try {
        const params = { processId, chunk: chunk.toString('base64'), writeId: randomUUID() };
        const { status } = (await this.#owner.request('process/write', params)) as { status?: string };
        if (status !== 'accepted' && status !== 'starting') failed ??= brokenPipe(status);
      } catch (error) {
        failed ??= error as Error;
      }
      settle();
    };
    return new Writable({
      highWaterMark: WRITE_BYTES,
      write: (chunk: Buffer, _encoding, done) => {
        for (let start = 0; start < chunk.length; start += WRITE_BYTES) {
          inFlight += 1;
          void send(chunk.subarray(start, start + WRITE_BYTES));
        }
        below(WRITES_IN_FLIGHT, () => done(failed));
      },
      final: (done) => {
        below(1, () => {
          if (failed || !this.#owner.environment.capabilities.has('signalboxCloseStdin')) return done(failed);
          this.#owner.request('process/closeStdin', { processId }).then(
            () => done(),
            (error: unknown) => done(error instanceof RemoteError ? null : (error as Error)),
          );
        });
      },
    });
  }
}

/** What a local program would see that writes to a process which has stopped reading. */
function brokenPipe(status = 'unknown'): Error {
  return Object.assign(new Error(`the process takes no more input (${status})`), { code: 'EPIPE' });
}
