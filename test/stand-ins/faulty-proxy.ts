/**
 * A WebSocket proxy that mistreats what it carries, message by message, and keeps the header of every frame it was
 * given, so that a test can say what each side sent and not only what arrived. Path, query and Authorization pass
 * through; so do plain HTTP requests, without faults, with the server's address in JSON replies replaced by the proxy's
 * own: a registry behind it hands out URLs that lead through it.
 */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { Frame } from '../../proto/frame.js';
import { decodeFrame } from '../../proto/frame-codec.js';
import { realClock } from '../../src/observe/real-clock.js';
import { type Faults, FaultyLane, type LaneCounts } from './faulty-lane.js';
import { seededRandom } from './seeded-random.js';

export type Direction = 'toServer' | 'toClient';

export interface FaultyProxyOptions {
  /** Host and port of the server: `ws://127.0.0.1:PORT` or `http://…`; its path is not used. */
  readonly target: string;
  readonly seed: number;
  readonly toServer?: Faults;
  readonly toClient?: Faults;
  /** Keep messages, the payloads of data frames, and texts, to look at what was asked; not for bulk. */
  readonly keepPayloads?: boolean;
}

/** A frame as its sender gave it to the proxy, before any fault. */
export interface SeenFrame {
  readonly direction: Direction;
  /** Which of the proxy's connections, from 0. */
  readonly connection: number;
  readonly streamId: string;
  readonly kind: Frame['body']['kind'];
  readonly ack: number;
  readonly ackBits: number;
  readonly reliability: number;
  /** Of data frames only. */
  readonly seq?: number;
  readonly segmentIndex?: number;
  readonly segmentCount?: number;
  /** Bytes of payload. */
  readonly size?: number;
  readonly payload?: Uint8Array;
}

export interface FaultyProxy {
  /** Leads to the target's root; `through` leads anywhere on it. */
  readonly url: string;
  /** A URL of the target, ws or http, as it is through the proxy. */
  through(url: string): string;
  readonly seen: readonly SeenFrame[];
  /** All messages, byte for byte, in order, when payloads are kept. */
  readonly messages: readonly Buffer[];
  /** Text messages, in order, when payloads are kept. */
  readonly texts: readonly { readonly direction: Direction; readonly connection: number; readonly text: string }[];
  /** Messages that were no frames, a direction. */
  readonly strays: Readonly<Record<Direction, number>>;
  readonly counts: Readonly<Record<Direction, Readonly<LaneCounts>>>;
  /** WebSocket connections since the start. */
  readonly connections: number;
  /** Data frames whose number was sent before in the same direction of the same stream: retransmissions. */
  sentTwice(): readonly SeenFrame[];
  /** Ends every present connection without a word to either side. */
  cut(): void;
  /** From here on new connections are refused with 503, until the next call. */
  refuse(refusing: boolean): void;
  /** What plain HTTP requests are answered with from here on, where it is not what the server says. */
  answerInstead(answer: HttpAnswerer): void;
  /** Changes the faults of all present and future connections. */
  setFaults(faults: { readonly toServer?: Faults; readonly toClient?: Faults }): void;
  close(): Promise<void>;
}

/** The receiver's socket may hold so many bytes before the sender is paused. */
const MOST_BUFFERED = 1024 * 1024;

export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** For a path: an answer of its own, `silence`, or undefined for what the server says. */
export type HttpAnswerer = (path: string) => HttpAnswer | 'silence' | undefined;

interface Message {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

interface Pair {
  cut(): void;
  readonly lanes: Record<Direction, FaultyLane<Message>>;
}

export async function startFaultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const target = new URL(options.target);
  const random = seededRandom(options.seed);
  const seen: SeenFrame[] = [];
  const texts: FaultyProxy['texts'][number][] = [];
  const messages: Buffer[] = [];
  const strays = { toServer: 0, toClient: 0 };
  const faults = { toServer: options.toServer ?? {}, toClient: options.toClient ?? {} };
  const pairs = new Set<Pair>();
  const totals: Record<Direction, LaneCounts> = { toServer: noCounts(), toClient: noCounts() };
  let connections = 0;
  let refusing = false;
  let answerer: HttpAnswerer = () => undefined;

  const keep = (direction: Direction, connection: number, { data, isBinary }: Message): void => {
    const frame = isBinary ? frameIn(data) : undefined;
    if (options.keepPayloads) messages.push(data);
    if (!isBinary && options.keepPayloads) texts.push({ direction, connection, text: data.toString('utf8') });
    if (frame === undefined) strays[direction]++;
    else seen.push(headerOf(frame, direction, connection, options.keepPayloads ?? false));
  };

  const join = (client: WebSocket, server: WebSocket): void => {
    const connection = connections++;
    const lane = (direction: Direction, to: WebSocket, from: WebSocket) => {
      const carrying = new FaultyLane<Message>(realClock, random, faults[direction], ({ data, isBinary }) => {
        if (to.readyState !== WebSocket.OPEN) return;
        to.send(data, { binary: isBinary }, () => {
          if (from.isPaused && to.bufferedAmount < MOST_BUFFERED) from.resume();
        });
        if (to.bufferedAmount >= MOST_BUFFERED) from.pause();
      });
      from.on('message', (data: Buffer, isBinary) => {
        const message = { data, isBinary };
        keep(direction, connection, message);
        carrying.offer(message);
      });
      return carrying;
    };
    const lanes = { toServer: lane('toServer', server, client), toClient: lane('toClient', client, server) };
    const pair: Pair = {
      lanes,
      cut() {
        if (!pairs.delete(pair)) return;
        for (const direction of ['toServer', 'toClient'] as const) {
          lanes[direction].cut();
          addCounts(totals[direction], lanes[direction].counts);
        }
        client.terminate();
        server.terminate();
      },
    };
    pairs.add(pair);
    const endTogether = (one: WebSocket, other: WebSocket) => {
      one.on('error', () => {}); // `close` follows
      one.on('close', (code, reason) => {
        // Codes from 1004 to 1006 and 1015 only tell the local side that there was no goodbye.
        const goodbye = code >= 1000 && code !== 1015 && (code < 1004 || code > 1006);
        if (goodbye && pairs.has(pair)) other.close(code, reason);
        else if (code === 1005 && pairs.has(pair)) other.close();
        else pair.cut();
        if (other.readyState === WebSocket.CLOSED) pair.cut();
      });
    };
    endTogether(client, server);
    endTogether(server, client);
  };

  const upgrader = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 128 * 1024 * 1024 });
  const http = createServer((request, response) => {
    const answer = answerer(request.url ?? '');
    if (answer === undefined) forward(request, response, target, () => address().host);
    else if (answer !== 'silence') {
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    }
  });
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    if (refusing) {
      refuseUpgrade(socket, 503);
      return;
    }
    const { authorization } = request.headers;
    const server = new WebSocket(`ws://${target.host}${request.url}`, {
      perMessageDeflate: false,
      maxPayload: 128 * 1024 * 1024,
      ...(authorization === undefined ? {} : { headers: { authorization } }),
    });
    server.once('unexpected-response', (_request, { statusCode = 502 }) => refuseUpgrade(socket, statusCode));
    const unreachable = () => refuseUpgrade(socket, 502);
    server.on('error', unreachable);
    socket.once('close', () => {
      if (server.readyState === WebSocket.CONNECTING) server.terminate();
    });
    // Joined in the same call in which the server's side opens, so that its first message is not missed.
    server.once('open', () => {
      server.off('error', unreachable);
      upgrader.handleUpgrade(request, socket, head, (client) => join(client, server));
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = () => new URL(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);

  return {
    url: address().origin,
    through(url) {
      const through = new URL(url);
      if (through.host !== target.host) throw new Error(`${url} does not lead to ${target.host}`);
      through.host = address().host;
      return through.href;
    },
    seen,
    messages,
    texts,
    strays,
    get counts() {
      const counts = { toServer: { ...totals.toServer }, toClient: { ...totals.toClient } };
      for (const { lanes } of pairs) {
        addCounts(counts.toServer, lanes.toServer.counts);
        addCounts(counts.toClient, lanes.toClient.counts);
      }
      return counts;
    },
    get connections() {
      return connections;
    },
    sentTwice: () => repeatedIn(seen),
    cut() {
      for (const pair of pairs) pair.cut();
    },
    refuse(refused) {
      refusing = refused;
    },
    answerInstead(answer) {
      answerer = answer;
    },
    setFaults(changed) {
      Object.assign(faults, changed);
      for (const { lanes } of pairs) {
        lanes.toServer.faults = faults.toServer;
        lanes.toClient.faults = faults.toClient;
      }
    },
    async close() {
      for (const pair of pairs) pair.cut();
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

function repeatedIn(seen: readonly SeenFrame[]): SeenFrame[] {
  const known = new Set<string>();
  return seen.filter(({ direction, streamId, seq, kind }) => {
    if (kind !== 'data') return false;
    const key = JSON.stringify([direction, streamId, seq]);
    if (known.has(key)) return true;
    known.add(key);
    return false;
  });
}

function frameIn(data: Buffer): Frame | undefined {
  try {
    return decodeFrame(data);
  } catch {
    return undefined;
  }
}

function headerOf(frame: Frame, direction: Direction, connection: number, keepPayload: boolean): SeenFrame {
  const { streamId, ack, ackBits, reliability, body } = frame;
  const header = { direction, connection, streamId, kind: body.kind, ack, ackBits, reliability };
  if (body.kind !== 'data') return header;
  const { seq, segmentIndex, segmentCount, payload } = body;
  const data = { ...header, seq, segmentIndex, segmentCount, size: payload.length };
  return keepPayload ? { ...data, payload: Uint8Array.from(payload) } : data;
}

function forward(request: IncomingMessage, response: ServerResponse, target: URL, ownHost: () => string): void {
  const { method, url: path, headers } = request;
  const onwards = httpRequest({ host: target.hostname, port: target.port, method, path, headers }, (reply) => {
    const chunks: Buffer[] = [];
    reply.on('data', (chunk: Buffer) => chunks.push(chunk));
    reply.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8').replaceAll(target.host, ownHost());
      const { 'content-length': _, 'transfer-encoding': __, ...replyHeaders } = reply.headers;
      response.writeHead(reply.statusCode ?? 502, replyHeaders).end(body);
    });
  });
  onwards.on('error', () => response.writeHead(502).end());
  request.pipe(onwards);
}

function refuseUpgrade(socket: Duplex, status: number): void {
  if (socket.writable) socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function noCounts(): LaneCounts {
  return { offered: 0, dropped: 0, duplicated: 0, swapped: 0, delayed: 0, delivered: 0 };
}

function addCounts(sum: LaneCounts, counts: Readonly<LaneCounts>): void {
  for (const name of Object.keys(sum) as (keyof LaneCounts)[]) sum[name] += counts[name];
}
