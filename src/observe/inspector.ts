/**
 * The inspector: a small web server on loopback that serves one page and tells it what is observed. It is read-only:
 * nothing that arrives here reaches an actor.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { SignalboxError } from '../../proto/signalbox-error.js';
import { InspectorAccess } from './inspector-access.js';
import { inspectorFiles } from './inspector-files.js';
import type { Observation } from './observation.js';
import type { ObservationRecord } from './record.js';
import { StatelyViewer } from './stately-viewer.js';
import { Viewer } from './viewer.js';

export interface InspectorOptions {
  readonly observation: Observation;
  /** Literal IP address; 127.0.0.1 by default. */
  readonly host?: string;
  /** 0, the default, lets the system choose. */
  readonly port?: number;
  /** Whether it also speaks to the Stately inspector, whose page is a third party's. */
  readonly stately?: boolean;
  /** What the page shows instead of what is observed now. */
  readonly recording?: readonly ObservationRecord[];
  /** Serves whoever wants everything, and not as much as a page can show. */
  readonly record?: (observation: Observation, socket: WebSocket) => void;
}

export interface Inspector {
  /** Of the page, with its token: whoever has it can look on. */
  readonly url: string;
  /** Of the bridge to the Stately inspector. */
  readonly statelyUrl?: string;
  /** Stops listening and leaves the pages. */
  close(): Promise<void>;
}

/** The address cannot be listened on. */
class InspectorError extends SignalboxError {
  constructor(message: string, cause?: unknown) {
    super('inspector_failed', message, { scope: 'connection', initiator: 'local', cause });
  }
}

/** Under the page's address: lines of a recording. */
export const RECORDING_PATH = 'recording';
const STATELY_ORIGIN = 'https://stately.ai';
/** A page says which actor it looks at, and no more. */
const INBOUND_BYTES = 1024;
const MOST_PAGES = 16;
const LONGEST_ID = 64;
/** Records of one message to a page that shows a recording. */
const PIECE = 500;

const ALWAYS = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

function securityPolicy(frames: string): string {
  return (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    `frame-src ${frames}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  );
}

/** Rejects with a SignalboxError when it cannot listen. */
export async function startInspector(options: InspectorOptions): Promise<Inspector> {
  const { observation, host = '127.0.0.1', port = 0, stately = false, recording, record } = options;
  if (isIP(host) === 0) throw new InspectorError(`\`${host}\` is not an IP address: use 127.0.0.1 or another`);
  const files = inspectorFiles();
  const http = createServer();
  const address = await listen(http, host, port);
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  const access = new InspectorAccess(name, address.port);
  /** The one that looks on for longest first. */
  const viewers = new Set<Viewer>();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: INBOUND_BYTES, perMessageDeflate: false });

  http.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const judged = access.judge(request);
    if (judged.kind === 'refused') {
      response.writeHead(judged.status, { connection: 'close' }).end();
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...ALWAYS, allow: 'GET, HEAD' }).end();
      return;
    }
    void answer(judged.path, request.method === 'HEAD', response);
  });
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const judged = access.judge(request);
    const serve = judged.kind === 'granted' ? serviceAt(judged.path) : undefined;
    if (serve === undefined || sockets.clients.size >= MOST_PAGES) {
      const status = judged.kind === 'refused' ? judged.status : serve === undefined ? 404 : 503;
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, serve);
  });

  async function answer(path: string, headOnly: boolean, response: ServerResponse): Promise<void> {
    const isBridge = path === 'stately/';
    const file = isBridge && !stately ? undefined : files.get(fileAt(path));
    const body = await file?.read().catch(() => undefined);
    if (file === undefined || body === undefined) {
      response.writeHead(404, ALWAYS).end();
      return;
    }
    response.writeHead(200, {
      ...ALWAYS,
      'content-type': file.type,
      'content-length': body.length,
      'content-security-policy': securityPolicy(isBridge ? STATELY_ORIGIN : "'none'"),
    });
    response.end(headOnly ? undefined : body);
  }

  function serviceAt(path: string): ((socket: WebSocket) => void) | undefined {
    if (path === 'records' && recording !== undefined) return (socket) => playRecording(recording, socket);
    if (path === 'records') return (socket) => serveRecords(observation, socket, viewers);
    if (path === RECORDING_PATH && record !== undefined) return (socket) => record(observation, socket);
    return path === 'stately/records' && stately ? (socket) => serveStately(observation, socket) : undefined;
  }

  const url = `http://${name}:${address.port}/${access.token}/`;
  return {
    url,
    ...(stately ? { statelyUrl: `${url}stately/` } : {}),
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        for (const socket of sockets.clients) socket.close(1001, 'the program ends');
        for (const socket of sockets.clients) socket.terminate();
        http.closeAllConnections();
      }),
  };
}

function fileAt(path: string): string {
  if (path === '') return 'index.html';
  return path === 'stately/' ? 'stately.html' : path.replace(/^stately\//, '');
}

function serveRecords(observation: Observation, socket: WebSocket, viewers: Set<Viewer>): void {
  const [first] = viewers;
  const viewer = new Viewer(observation, socket, first?.recent.all());
  viewers.add(viewer);
  socket.on('message', (data) => {
    const focus = focusOf(String(data));
    if (focus !== undefined) viewer.lookAt(focus);
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    viewers.delete(viewer);
    viewer.close();
  });
}

/** Piece by piece, as fast as the page takes it. */
function playRecording(recording: readonly ObservationRecord[], socket: WebSocket): void {
  let next = 0;
  const play = () => {
    const piece = recording.slice(next, next + PIECE);
    next += piece.length;
    if (piece.length > 0) socket.send(JSON.stringify(piece), (error) => error === undefined && setImmediate(play));
  };
  socket.on('error', () => {});
  play();
}

function serveStately(observation: Observation, socket: WebSocket): void {
  const viewer = new StatelyViewer(observation, socket);
  socket.on('error', () => {});
  socket.on('close', () => viewer.close());
}

/** Anything else that a page may send means nothing. */
function focusOf(text: string): string | undefined {
  try {
    const { focus } = JSON.parse(text) as { readonly focus?: unknown };
    return typeof focus === 'string' && focus.length <= LONGEST_ID ? focus : undefined;
  } catch {
    return undefined;
  }
}

function listen(http: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'the port is in use: choose another, or 0' : error.message;
      reject(new InspectorError(`the inspector cannot listen on ${host}:${port}: ${reason}`, error));
    });
    http.listen(port, host, () => resolve(http.address() as AddressInfo));
  });
}
