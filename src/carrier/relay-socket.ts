/**
 * One WebSocket to a rendezvous: opens it, moves binary messages both ways, reports what happens to it.
 * It knows neither frames nor streams, and decides nothing about trying again.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Carrier, CarrierListener } from './carrier.js';
import { TickCork } from './tick-cork.js';

/** Releases take at most 16 MiB in one WebSocket frame, but 64 MiB in one message (relay.md §3.2). */
const FRAGMENT_BYTES = 8 * 1024 * 1024;

export interface RelaySocketOptions {
  /** ws or wss; may carry its credential in the query. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Larger messages close the socket with 1009. */
  readonly longestMessage: number;
  readonly connectMs: number;
}

/** How much of a refusal's body is kept for the message. */
const REFUSAL_BYTES = 4096;

export class RelaySocket implements Carrier {
  /** A client masks what it sends, and does so into a buffer of its own. */
  readonly copies = true;
  readonly #socket: WebSocket;
  readonly #listener: CarrierListener;
  #cork: TickCork | undefined;
  #drained: () => void = () => {};
  readonly #sent = () => this.#drained();
  #over = false;
  #awaitingPong = false;
  #error = '';

  constructor(options: RelaySocketOptions, listener: CarrierListener) {
    this.#listener = listener;
    const socket = new WebSocket(options.url, {
      ...(options.headers ? { headers: options.headers } : {}),
      perMessageDeflate: false,
      maxPayload: options.longestMessage,
      handshakeTimeout: options.connectMs,
      followRedirects: false,
      skipUTF8Validation: true,
    });
    this.#socket = socket;
    socket.on('upgrade', (response) => this.#tune(response.socket));
    socket.on('open', () => listener.opened());
    socket.on('message', (data: Buffer, isBinary) => {
      this.#showLife();
      if (isBinary) listener.message(data);
      else listener.text();
    });
    socket.on('pong', () => this.#showLife());
    socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        if (bytes < REFUSAL_BYTES) chunks.push(chunk);
        bytes += chunk.length;
        if (bytes >= REFUSAL_BYTES) response.destroy();
      });
      response.on('close', () =>
        this.#refuse(response.statusCode ?? 0, describeRefusal(Buffer.concat(chunks), response.statusMessage)),
      );
    });
    socket.on('error', (error) => {
      this.#error = error.message;
    });
    socket.on('close', (code, reason) => this.#end(code, reason.toString('utf8') || this.#error));
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#cork?.beforeWrite();
    if (message.length <= FRAGMENT_BYTES) {
      this.#socket.send(message, { binary: true }, this.#sent);
      return;
    }
    for (let start = 0; start < message.length; start += FRAGMENT_BYTES) {
      const end = Math.min(start + FRAGMENT_BYTES, message.length);
      this.#socket.send(message.subarray(start, end), { binary: true, fin: end === message.length }, this.#sent);
    }
  }

  onDrained(listener: () => void): void {
    this.#drained = listener;
  }

  ping(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.ping();
    this.#awaitingPong = true;
    if (this.#socket.isPaused) queueMicrotask(() => this.#showLife());
  }

  setReading(reading: boolean): void {
    if (reading) {
      this.#socket.resume();
      return;
    }
    this.#socket.pause();
    queueMicrotask(() => this.#showLife());
  }

  close(code: number, reason: string): void {
    if (this.#over) return;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code, reason);
    else this.#socket.terminate();
  }

  destroy(): void {
    this.#over = true;
    this.#drained = () => {};
    this.#socket.on('error', () => {});
    this.#socket.terminate();
  }

  /**
   * A pong waits behind all that was sent before it, so anything that arrives counts. While this end does not read, it
   * waits unread, and silence says nothing about the peer.
   */
  #showLife(): void {
    if (!this.#awaitingPong || this.#over) return;
    this.#awaitingPong = false;
    this.#listener.ponged();
  }

  #tune(socket: Socket): void {
    socket.setNoDelay(true);
    this.#cork = new TickCork(socket);
  }

  #refuse(status: number, message: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.terminate();
    this.#listener.refused(status, message);
  }

  #end(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener.closed(code, reason);
  }
}

/** Registries and rendezvous answer `{"error":{"code","message"}}`; anything else is shown as it is, in part. */
function describeRefusal(body: Buffer, statusMessage = ''): string {
  const text = body.toString('utf8').slice(0, 200);
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { error?: { code?: unknown; message?: unknown } };
    if (typeof error?.message === 'string') return error.message;
    if (typeof error?.code === 'string') return error.code;
  } catch {
    // Not JSON: the text will do.
  }
  return text || statusMessage;
}
