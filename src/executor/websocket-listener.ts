/**
 * Plain JSON-RPC on a WebSocket of our own: `--listen ws://IP:PORT` (jsonrpc.md §1). One connection is one transport.
 * It refuses browsers (any Origin), and ends connections as the peers do, without a closing handshake.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { SignalboxError } from '../../proto/signalbox-error.js';
import { TickCork } from '../carrier/tick-cork.js';
import { type Logger, silentLog } from '../observe/log.js';
import { messageRooms } from '../rpc/message-rooms.js';
import type { RpcConnection, RpcServer, RpcTransport } from '../rpc/transport.js';
import type { ListenerAuth } from './listener-auth.js';

const INBOUND_BYTES = 16 * 1024 * 1024;
/** The largest answer: a file of 512 MiB in base64, with room for its envelope. */
const OUTBOUND_BYTES = 704 * 1024 * 1024;
/** Bytes waiting for the socket, beyond which sources of output stand still until it is empty. */
const WAITING_BYTES = 1024 * 1024;
const PING_MS = 30_000;
/** Pings in a row without any answer after which the other side counts as gone. */
const SILENT_PINGS = 3;
const CONNECTIONS = 2048;

export interface WebSocketListenerOptions {
  /** Literal IP address. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly server: RpcServer;
  /** Who may open a connection; everybody who reaches the address by default. */
  readonly auth?: ListenerAuth;
  readonly log?: Logger;
}

export interface WebSocketListener {
  /** `ws://IP:PORT`, as printed for clients. */
  readonly url: string;
  /** Stops listening and drops every connection. */
  close(): Promise<void>;
}

/** The address cannot be listened on. */
class ListenError extends SignalboxError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { scope: 'connection', initiator: 'local', cause });
  }
}

/** Answers the client's Close by dropping the connection, as every release does. */
class AbruptWebSocket extends WebSocket {
  override close(): void {
    this.terminate();
  }
}

/** Throws or rejects with ListenError. */
export async function listenWebSocket(options: WebSocketListenerOptions): Promise<WebSocketListener> {
  const { host, port, server, log = silentLog } = options;
  if (isIP(host) === 0) {
    throw new ListenError('listen_address_invalid', `\`${host}\` is not an IP address: listen on 127.0.0.1 or another`);
  }
  const upgrades = new WebSocketServer({
    noServer: true,
    WebSocket: AbruptWebSocket,
    maxPayload: INBOUND_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });
  const http = createServer(answerHttp);
  http.maxConnections = CONNECTIONS;
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // A client may leave while its token is being judged.
    socket.on('error', () => socket.destroy());
    void refuseUpgrade(request, options.auth).then((refusal) => {
      if (refusal !== undefined) socket.end(refusal);
      else if (!socket.destroyed) {
        upgrades.handleUpgrade(request, socket, head, (websocket) => serve(websocket, socket as Socket, server, log));
      }
    });
  });
  await listen(http, host, port);
  const address = http.address() as AddressInfo;
  return {
    url: `ws://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        for (const websocket of upgrades.clients) websocket.terminate();
        http.closeAllConnections();
      }),
  };
}

function listen(http: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'the port is in use: choose another, or 0' : error.message;
      reject(new ListenError('listen_failed', `cannot listen on ${host}:${port}: ${reason}`, error));
    });
    http.listen(port, host, () => resolve());
  });
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

/** The whole HTTP answer to an upgrade that is refused. */
async function refuseUpgrade(request: IncomingMessage, auth: ListenerAuth | undefined): Promise<string | undefined> {
  if (request.headers.origin !== undefined) return httpRefusal('403 Forbidden', '');
  if (pathOf(request) !== '/') return httpRefusal('404 Not Found', '');
  const unauthorized = await auth?.(request.headers.authorization);
  return unauthorized === undefined ? undefined : httpRefusal('401 Unauthorized', unauthorized);
}

function httpRefusal(status: string, body: string): string {
  const head = `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8`;
  return `${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}

function answerHttp(request: IncomingMessage, response: ServerResponse): void {
  const [status, body] = httpAnswer(request);
  response.writeHead(status, { 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function httpAnswer(request: IncomingMessage): [number, string] {
  if (request.headers.origin !== undefined) return [403, ''];
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  switch (pathOf(request)) {
    case '/readyz':
    case '/livez':
      return isRead ? [200, ''] : [405, ''];
    case '/':
      return isRead ? [400, "Connection header did not include 'upgrade'"] : [405, 'Request method must be `GET`'];
    default:
      return [404, ''];
  }
}

function serve(websocket: WebSocket, socket: Socket, server: RpcServer, log: Logger): void {
  socket.setNoDelay(true);
  const transport = new WebSocketTransport(websocket, socket);
  const connection = server.accept(transport);
  log.debug({ peer: transport.peer }, 'a client connected');
  transport.serve(connection);
  websocket.once('close', (code) => log.debug({ peer: transport.peer, code }, 'a client is gone'));
}

class WebSocketTransport implements RpcTransport {
  readonly peer: string;
  readonly messageBytes = OUTBOUND_BYTES;
  readonly #websocket: WebSocket;
  readonly #socket: Socket;
  readonly #cork: TickCork;
  #writable = true;
  #becameWritable: () => void = () => {};
  #received: Uint8Array[] = [];
  #silentPings = 0;

  constructor(websocket: WebSocket, socket: Socket) {
    this.#websocket = websocket;
    this.#socket = socket;
    this.#cork = new TickCork(socket);
    this.peer = `exec-server websocket ${socket.remoteAddress}:${socket.remotePort}`;
  }

  get writable(): boolean {
    return this.#writable;
  }

  onWritable(listener: () => void): void {
    this.#becameWritable = listener;
  }

  send(message: Uint8Array): void {
    if (this.#websocket.readyState !== WebSocket.OPEN) return;
    this.#cork.beforeWrite();
    this.#websocket.send(message, { binary: false }, () => messageRooms.give(message));
    if (this.#socket.writableLength > WAITING_BYTES) this.#writable = false;
  }

  setReading(reading: boolean): void {
    if (reading) this.#websocket.resume();
    else this.#websocket.pause();
  }

  end(): void {
    this.#websocket.terminate();
  }

  serve(connection: RpcConnection): void {
    this.#websocket.on('message', (data: RawData) => {
      this.#silentPings = 0;
      // ws emits every message of one read in a row; they go on as one batch.
      if (this.#received.push(toBytes(data)) > 1) return;
      queueMicrotask(() => {
        const batch = this.#received;
        this.#received = [];
        connection.receive(batch);
      });
    });
    this.#socket.on('drain', () => {
      if (this.#writable) return;
      this.#writable = true;
      this.#becameWritable();
    });
    this.#websocket.on('pong', () => {
      this.#silentPings = 0;
    });
    const pings = setInterval(() => this.#ping(), PING_MS);
    this.#websocket.on('error', () => {
      // A broken or oversized frame; `close` follows.
    });
    this.#websocket.once('close', (code) => {
      clearInterval(pings);
      connection.closed(`websocket_closed_${code}`);
    });
  }

  #ping(): void {
    if (this.#silentPings === SILENT_PINGS) this.#websocket.terminate();
    else if (this.#websocket.readyState === WebSocket.OPEN) {
      // While this end does not read, a pong would wait unread: silence says nothing then.
      if (!this.#websocket.isPaused) this.#silentPings++;
      this.#websocket.ping();
    }
  }
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
