/**
 * One process on the executor, with Node streams: what it prints, what it is fed, how it ended.
 * Notifications are put in order by their seq first, because releases let neighbours swap (jsonrpc.md §4.2).
 */
import { randomUUID } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import type { HarnessError } from '../../machines/harness.machine.js';
import { RemoteError } from './rpc-client.js';

export interface ProcessOptions {
  /** Program and arguments; no shell is involved. */
  readonly argv: readonly string[];
  /** A path on the executor; the folder the executor was started in by default. */
  readonly cwd?: string;
  /** Added to the executor's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A terminal of 24 by 80; its output comes on `stdout`. */
  readonly tty?: boolean;
  /** Gives the process a standard input that can be written; without it, it reads /dev/null. */
  readonly stdin?: boolean;
}

export interface ProcessExit {
  /** The exit status, or 128 + n for signal n. */
  readonly exitCode: number;
}

export type Signal = 'interrupt';

/** What a process needs of its harness. */
export interface ProcessOwner {
  request(method: string, params: object): Promise<unknown>;
  /** A reader has taken all it wants for now, or wants more again. */
  setFull(reader: Readable, full: boolean): void;
  /** Whether the executor can be told that stdin has ended. */
  readonly canCloseStdin: boolean;
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
  /** It was terminated: what still comes is little, and must not hold up the answer. */
  #terminated = false;
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

  /** Sends SIGINT to the process group; a terminal's line discipline would do the same for ^C. */
  async signal(signal: Signal): Promise<void> {
    await this.#owner.request('process/signal', { processId: this.processId, signal });
  }

  /** Kills the process group at once; false when it had ended already. */
  async terminate(): Promise<boolean> {
    this.#terminated = true;
    for (const reader of [this.stdout, this.stderr]) this.#owner.setFull(reader, false);
    const answer = (await this.#owner.request('process/terminate', { processId: this.processId })) as {
      running?: boolean;
    };
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
        if (!more && !this.#terminated) this.#owner.setFull(reader, true);
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
          if (failed || !this.#owner.canCloseStdin) return done(failed);
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
