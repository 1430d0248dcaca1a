/**
 * A plain WebSocket to an executor that listens itself: one JSON-RPC message a text message, no relay (jsonrpc.md §1).
 */
import { WebSocket } from 'ws';
import { HarnessError } from '../../machines/harness.machine.js';
import { defaultLimits } from '../../proto/limits.js';
import { TickCork } from '../carrier/tick-cork.js';
import type { RpcTransport } from '../rpc/transport.js';
import type {
  HarnessAddress,
  HarnessTransport,
  HarnessTransportListener,
  TransportFacts,
} from './harness-transport.js';

const CONNECT_MS = 10_000;
const FULL_BYTES = 1024 * 1024;
const READY_BYTES = 256 * 1024;
const PLAIN: TransportFacts = { relayed: false, encrypted: false, reliable: false };
/** A release never answers a close, so it is not waited for long (jsonrpc.md §1). */
const CLOSE_MS = 500;

class PlainChannel implements RpcTransport {
  readonly peer: string;
  readonly #socket: WebSocket;
  readonly #cork: TickCork;
  #full = false;
  #writableListener: (() => void) | undefined;

  constructor(socket: WebSocket, cork: TickCork, peer: string) {
    this.#socket = socket;
    this.#cork = cork;
    this.peer = peer;
  }

  send(message: Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#cork.beforeWrite();
    this.#socket.send(message, { binary: false }, () => this.#recheck());
    if (this.#socket.bufferedAmount >= FULL_BYTES) this.#full = true;
  }

  get writable(): boolean {
    return !this.#full;
  }

  onWritable(listener: () => void): void {
    this.#writableListener = listener;
  }

  setReading(reading: boolean): void {
    if (reading) this.#socket.resume();
    else this.#socket.pause();
  }

  end(reason: string): void {
    this.#socket.close(1011, reason);
  }

  #recheck(): void {
    if (!this.#full || this.#socket.bufferedAmount > READY_BYTES) return;
    this.#full = false;
    this.#writableListener?.();
  }
}

export function openPlainTransport(
  { url, token }: HarnessAddress,
  listener: HarnessTransportListener,
  signal: AbortSignal,
): Promise<HarnessTransport> {
  const socket = new WebSocket(url, {
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    perMessageDeflate: false,
    maxPayload: defaultLimits.websocketMessageBytes * 16,
    handshakeTimeout: CONNECT_MS,
  });
  let cork: TickCork | undefined;
  let opened = false;
  let closing = false;
  socket.on('upgrade', ({ socket: tcp }) => {
    tcp.setNoDelay(true);
    cork = new TickCork(tcp);
  });
  const collect = collecting((messages) => listener.receive(messages));
  socket.on('message', (data: Buffer) => collect(data));
  return new Promise((resolve, reject) => {
    const abort = () => socket.terminate();
    signal.addEventListener('abort', abort, { once: true });
    let failure = '';
    socket.on('error', (error) => {
      failure = error.message;
    });
    socket.on('close', (code) => {
      signal.removeEventListener('abort', abort);
      const why = failure || `closed with code ${code}`;
      if (!opened) reject(new HarnessError('unreachable', `${new URL(url).host} cannot be reached: ${why}`));
      else if (!closing) listener.ended(why);
    });
    socket.on('open', () => {
      opened = true;
      signal.removeEventListener('abort', abort);
      const channel = new PlainChannel(socket, cork as TickCork, `exec-server websocket ${new URL(url).host}`);
      resolve({
        rpc: channel,
        facts: PLAIN,
        setReading: (reading) => channel.setReading(reading),
        close: () => {
          closing = true;
          return closed(socket);
        },
      });
    });
  });
}

/** Messages of one turn of the event loop as one batch. */
function collecting(hand: (messages: readonly Uint8Array[]) => void): (message: Uint8Array) => void {
  let batch: Uint8Array[] = [];
  return (message) => {
    if (batch.length === 0) {
      queueMicrotask(() => {
        const messages = batch;
        batch = [];
        hand(messages);
      });
    }
    batch.push(message);
  };
}

function closed(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.close(1000);
  });
}
