/**
 * A rendezvous in the test's hand: it accepts a WebSocket on any path, keeps every message in order of arrival, and
 * sends nothing but what the test says. Shares nothing with src/rendezvous, so that the two can disagree.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Frame, plainFrame } from '../../proto/frame.js';
import { decodeFrame, encodeFrame } from '../../proto/frame-codec.js';
import { AwaitedList } from './awaited-list.js';

export interface ReceivedFrame {
  /** Place among all messages of the socket, from 0. */
  readonly order: number;
  readonly frame: Frame;
  /** The message as it came. */
  readonly bytes: Uint8Array;
}

/** One socket as the rendezvous sees it; usually an executor's. */
export class PeerSocket {
  /** Path and query it asked for. */
  readonly path: string;
  readonly request: IncomingMessage;
  readonly frames = new AwaitedList<ReceivedFrame>('frames', showFrame);
  /** Messages that are no frames: text, and binary that does not decode. A well-behaved peer sends none. */
  readonly strays = new AwaitedList<string | Uint8Array>('stray messages', (stray) => JSON.stringify(stray));
  /** Payloads of the pings it sent. */
  readonly pings = new AwaitedList<Uint8Array>('pings', (payload) => `${payload.length} bytes`);
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #socket: WebSocket;
  readonly #listeners = new Set<(frame: Frame) => void>();
  #order = 0;
  #answering = true;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.#socket = socket;
    this.request = request;
    this.path = request.url ?? '';
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') }));
    });
    socket.on('error', () => {}); // `close` follows and says it all
    socket.on('message', (data: Buffer, isBinary) => this.#keep(data, isBinary));
    socket.on('ping', (payload) => {
      this.pings.push(payload);
      if (this.#answering) socket.pong(payload);
    });
  }

  send(frame: Frame): void {
    this.sendBytes(encodeFrame(frame));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes, { binary: true });
  }

  sendText(text: string): void {
    this.#socket.send(text, { binary: false });
  }

  reset(streamId: string, reason: string): void {
    this.send(plainFrame(streamId, { kind: 'reset', reason }));
  }

  /** Calls the listener with every frame from now on, after it was kept. */
  onFrame(listener: (frame: Frame) => void): void {
    this.#listeners.add(listener);
  }

  /** Frames of one stream, in order of arrival. */
  framesOf(streamId: string): readonly Frame[] {
    return this.frames.items.flatMap(({ frame }) => (frame.streamId === streamId ? frame : []));
  }

  /** The next ping gets no pong, as from a machine that fell asleep; the socket stays open. */
  stopAnsweringPings(): void {
    this.#answering = false;
  }

  /** Stops reading; the peer's sends pile up at its side. */
  stall(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Sends a ping and resolves when its pong is there. */
  async ping(payload: string): Promise<void> {
    const pong = once(this.#socket, 'pong');
    this.#socket.ping(payload);
    await pong;
  }

  /** Gone without a word, as when a cable is pulled out: the peer sees code 1006. */
  drop(): void {
    this.#socket.terminate();
  }

  close(code: number, reason = ''): void {
    this.#socket.close(code, reason);
  }

  #keep(data: Buffer, isBinary: boolean): void {
    const order = this.#order++;
    if (!isBinary) {
      this.strays.push(data.toString('utf8'));
      return;
    }
    let frame: Frame;
    try {
      frame = decodeFrame(data);
    } catch {
      this.strays.push(data);
      return;
    }
    this.frames.push({ order, frame, bytes: data });
    for (const listener of this.#listeners) listener(frame);
  }
}

/** What the next socket meets. */
export type Welcome =
  | { readonly kind: 'accept' }
  | { readonly kind: 'refuse'; readonly status: number }
  /** The upgrade is never answered. */
  | { readonly kind: 'hang' };

export interface FakeRendezvous {
  /** `ws://127.0.0.1:PORT` */
  readonly url: string;
  readonly sockets: AwaitedList<PeerSocket>;
  /** Path and query of every upgrade asked for, also of the refused ones. */
  readonly upgrades: AwaitedList<string>;
  /** What the next sockets meet, one each; then all are accepted again. */
  next(...welcomes: Welcome[]): void;
  close(): Promise<void>;
}

export async function startFakeRendezvous(): Promise<FakeRendezvous> {
  const sockets = new AwaitedList<PeerSocket>('sockets', (socket) => socket.path);
  const upgrades = new AwaitedList<string>('upgrades', String);
  const planned: Welcome[] = [];
  const hanging = new Set<Duplex>();
  const server = createServer((_request, response) => response.writeHead(426).end());
  const upgrader = new WebSocketServer({ noServer: true, autoPong: false, maxPayload: 64 * 1024 * 1024 });
  server.on('upgrade', (request, socket, head) => {
    const welcome = planned.shift() ?? { kind: 'accept' };
    if (welcome.kind === 'accept') {
      upgrader.handleUpgrade(request, socket, head, (webSocket) => sockets.push(new PeerSocket(webSocket, request)));
    } else if (welcome.kind === 'refuse') {
      socket.end(`HTTP/1.1 ${welcome.status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    } else {
      socket.on('error', () => {}).on('close', () => hanging.delete(socket));
      hanging.add(socket);
    }
    upgrades.push(request.url ?? '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    upgrades,
    next: (...welcomes) => void planned.push(...welcomes),
    async close() {
      for (const socket of sockets.items) socket.drop();
      for (const socket of hanging) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function showFrame({ order, frame }: ReceivedFrame): string {
  const { body } = frame;
  const detail = body.kind === 'data' ? ` ${Buffer.from(body.payload.subarray(0, 200)).toString('utf8')}` : '';
  return `#${order} ${frame.streamId} ${body.kind}${body.kind === 'reset' ? ` ${body.reason}` : detail}`;
}
