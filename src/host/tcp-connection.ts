/**
 * One TCP connection on behalf of a client, which takes what arrives by asking for it (docs/extensions.md: tcp/*): what
 * is not asked for stays in the kernel, and so holds the far end back.
 */
import { type AddressInfo, connect, type Socket } from 'node:net';
import { SignalboxError } from '../../proto/signalbox-error.js';
import { asOsError } from './os-error.js';

/** Read from the kernel before anybody asked, in bytes. */
const READ_AHEAD_BYTES = 256 * 1024;
/** Given to write and not yet taken by the kernel, in bytes. */
const MOST_WAITING_BYTES = 1024 * 1024;
const MOST_READS = 16;

/** The client asked for what cannot be. */
export class TcpRequestError extends SignalboxError {
  constructor(code: string, message: string) {
    super(code, message, { scope: 'stream', initiator: 'peer' });
  }
}

/** What the network did, where the operating system has no number for it. */
export class TcpFailure extends SignalboxError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { scope: 'stream', initiator: 'peer', cause });
  }
}

export interface TcpTarget {
  readonly host: string;
  readonly port: number;
  /** For finding the address and connecting, in milliseconds. */
  readonly timeoutMs: number;
}

export interface Arrival {
  readonly bytes: Buffer;
  /** The far end sends no more. */
  readonly eof: boolean;
}

interface Read {
  readonly most: number;
  resolve(arrival: Arrival): void;
  reject(error: unknown): void;
}

export class TcpConnection {
  readonly #socket: Socket;
  readonly #mayAnswer: () => boolean;
  readonly #reads: Read[] = [];
  #error: unknown;

  /** `mayAnswer` is whether answers may leave now. */
  constructor({ host, port }: TcpTarget, mayAnswer: () => boolean) {
    this.#mayAnswer = mayAnswer;
    // Halves end separately. The type does not know the buffer's size, which every stream takes.
    const options = { host, port, allowHalfOpen: true, noDelay: true, highWaterMark: READ_AHEAD_BYTES };
    this.#socket = connect(options);
    this.#socket.on('readable', () => this.serve());
    this.#socket.on('end', () => this.serve());
    this.#socket.on('error', (error) => {
      this.#error = tcpError(error, host);
    });
    this.#socket.on('close', () => this.serve());
  }

  /** Resolves with the address that was reached. */
  async connected({ host, port, timeoutMs }: TcpTarget): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#error = new TcpFailure('tcp_timeout', `${host}:${port} did not answer within ${timeoutMs} ms`);
        this.#socket.destroy();
      }, timeoutMs);
      this.#socket.once('connect', resolve);
      this.#socket.once('close', () => reject(this.#error ?? closed()));
      this.#socket.once('close', () => clearTimeout(timer));
      this.#socket.once('connect', () => clearTimeout(timer));
    });
    const { remoteAddress = host, remoteFamily = '' } = this.#socket;
    return { address: remoteAddress, port, family: remoteFamily };
  }

  /** What has arrived, at least one byte of it, or the end; waits for it. */
  read(most: number): Promise<Arrival> {
    if (this.#reads.length >= MOST_READS) {
      throw new TcpRequestError('tcp_reads', `at most ${MOST_READS} reads of one connection may wait`);
    }
    return new Promise((resolve, reject) => {
      this.#reads.push({ most, resolve, reject });
      this.serve();
    });
  }

  /** Resolves when the kernel has it. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    if (this.#socket.writableLength + bytes.byteLength > MOST_WAITING_BYTES) {
      throw new TcpRequestError('tcp_write_queue', `at most ${MOST_WAITING_BYTES} bytes of one connection may wait`);
    }
    if (this.#socket.writableEnded) throw new TcpRequestError('tcp_ended', 'the connection was ended for writing');
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(this.#error ?? asOsError(error));
        else resolve();
      });
    });
  }

  /** Nothing more will be written; resolves when all that was has left. */
  end(): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    return new Promise((resolve, reject) => {
      const ended = () => (this.#socket.writableFinished ? resolve() : reject(this.#error ?? closed()));
      if (this.#socket.writableFinished || this.#socket.destroyed) ended();
      else this.#socket.once('finish', ended).once('close', ended).end();
    });
  }

  /** In good order when both ends had ended; else the far end gets a reset. */
  close(): void {
    this.#error ??= closed();
    if (this.#socket.writableFinished && this.#socket.readableEnded) this.#socket.destroy();
    else if (this.#socket.connecting) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
    this.serve();
  }

  /** Answers those who ask, as far as something is there and answers may leave. */
  serve(): void {
    while (this.#mayAnswer()) {
      const read = this.#reads[0];
      if (read === undefined) return;
      const arrival = this.#take(read.most);
      if (arrival === undefined) {
        if (this.#error === undefined) return;
        read.reject(this.#error);
      } else read.resolve(arrival);
      this.#reads.shift();
    }
  }

  #take(most: number): Arrival | undefined {
    const socket = this.#socket;
    const there = socket.readableLength;
    if (there > 0) return { bytes: socket.read(Math.min(most, there)) as Buffer, eof: false };
    // Asking is what makes the end known.
    socket.read();
    return socket.readableEnded ? { bytes: Buffer.alloc(0), eof: true } : undefined;
  }
}

function closed(): TcpRequestError {
  return new TcpRequestError('tcp_unknown', 'the connection was closed');
}

/** Trying several addresses fails with several errors: the first is as good as any. */
function tcpError(error: Error, host: string): unknown {
  const first = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  const { code = '', syscall } = first as NodeJS.ErrnoException;
  if (syscall === 'getaddrinfo') {
    return new TcpFailure('tcp_name', `no address of ${host} is known (${code})`, first);
  }
  return asOsError(first);
}
