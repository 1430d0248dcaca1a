/**
 * `signalbox rendezvous` without a command line: registry and router on one port, started and closed as one.
 * It owns the listener; what is served there is the registry's (HTTP) and the router's (WebSockets).
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerOptions, WebSocketServer } from 'ws';
import { SignalboxError } from '../../proto/signalbox-error.js';
import { AuthorizationOffice } from '../noise/authorization-office.js';
import { type Logger, silentLog } from '../observe/log.js';
import { realClock } from '../observe/real-clock.js';
import { admit } from './access.js';
import { ExpectedExecutors } from './expected-executors.js';
import type { Faults } from './faults.js';
import { Refusal, refuseConnection } from './refusal.js';
import { Registrar } from './registrar.js';
import { Registrations } from './registrations.js';
import { registry } from './registry.js';
import { defaultRendezvousLimits, type RendezvousLimits } from './rendezvous-limits.js';
import { watchRevocations } from './revocations.js';
import { Router } from './router.js';
import type { RoutingObserver } from './routing-observer.js';
import { TicketOffice } from './ticket.js';
import type { TokenStore } from './token.js';

export interface RendezvousOptions {
  /** `http://HOST:PORT`; port 0 takes any free one. */
  readonly listen: string;
  readonly tokens: TokenStore;
  /** The http(s) address by which both ends reach this rendezvous, where it differs (a proxy, TLS). */
  readonly publicUrl?: string;
  readonly log?: Logger;
  readonly limits?: Partial<RendezvousLimits>;
  /** For study only: what is done to the frames on their way, on purpose. */
  readonly faults?: Faults;
  /** Is told of sockets and of frames, by their heads alone. */
  readonly observer?: RoutingObserver;
  /** Closes the rendezvous when it aborts. */
  readonly signal?: AbortSignal;
}

export interface Rendezvous {
  /** `http://HOST:PORT` with the port that was taken. */
  readonly url: string;
  /** Ends every socket with 1012 and resolves when nothing is left open. May be called again. */
  close(): Promise<void>;
}

type RendezvousFaultCode = 'listen_address_invalid' | 'public_url_invalid' | 'address_in_use' | 'listen_failed';

/** Why a rendezvous did not start. */
export class RendezvousError extends SignalboxError {
  declare readonly code: RendezvousFaultCode;

  constructor(code: RendezvousFaultCode, message: string, cause?: unknown) {
    super(code, message, { scope: 'connection', initiator: 'local', cause });
  }
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** How long sockets may take to answer the goodbye of a closing rendezvous. */
const GOODBYE_MS = 1000;

/** How often Node looks for requests that take too long. */
const TIMEOUT_CHECK_MS = 1000;

/** Resolves when it listens; throws {@link RendezvousError}. */
export async function startRendezvous(options: RendezvousOptions): Promise<Rendezvous> {
  const address = parseListen(options.listen);
  const publicUrl = options.publicUrl === undefined ? undefined : parsePublicUrl(options.publicUrl);
  const log = options.log ?? silentLog;
  const limits: RendezvousLimits = { ...defaultRendezvousLimits, ...options.limits };
  const { ticketLifetimeMs } = limits;
  const tickets = new TicketOffice();
  const registrations = new Registrations({
    lifetimeMs: ticketLifetimeMs,
    mostPerEnvironment: limits.registrationsPerEnvironment,
    most: limits.registrations,
    clock: realClock,
  });
  const expected = new ExpectedExecutors({
    clock: realClock,
    expectedMs: limits.executorExpectedMs,
    longestWaitMs: limits.executorWaitMs,
    most: limits.environments,
  });
  const registrar = new Registrar({
    tickets,
    registrations,
    authorizations: new AuthorizationOffice({ lifetimeMs: limits.authorizationLifetimeMs }),
    ticketLifetimeMs,
    attached: (environmentId) => router.attached(environmentId),
    expected: (environmentId) => expected.wait(environmentId),
    log,
  });
  let closing: Promise<void> | undefined;
  let url = options.listen;

  const server = createServer(
    {
      maxHeaderSize: limits.httpHeaderBytes,
      headersTimeout: limits.httpHeadersMs,
      requestTimeout: limits.httpRequestMs,
      keepAliveTimeout: limits.httpKeepAliveMs,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      noDelay: true,
    },
    registry({
      tokens: options.tokens,
      registrar,
      log,
      httpBodyBytes: limits.httpBodyBytes,
      ...(publicUrl === undefined ? {} : { publicUrl }),
      listenUrl: () => url,
      ready: () => closing === undefined,
    }),
  );
  server.maxConnections = limits.connections;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseUnreadable(error, socket));
  await listen(server, address, options.listen);
  // No file descriptors left, for instance: the connections there are go on.
  server.on('error', (error) => log.error({ err: error }, 'a connection could not be accepted'));
  url = urlOf(server, address);

  const router = new Router(limits, log, expected, options.faults, options.observer);
  // ws knows closeTimeout, its type declarations do not yet.
  const socketOptions: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.websocketMessageBytes,
    closeTimeout: limits.closeTimeoutMs,
    // Text is never decoded here, so it need not be checked either.
    skipUTF8Validation: true,
  };
  const sockets = new WebSocketServer(socketOptions);
  const upgrade = async (request: IncomingMessage, tcp: Socket, head: Buffer): Promise<void> => {
    const admission = await admit(request, { tokens: options.tokens, tickets, registrations });
    if (closing !== undefined) throw new Refusal(503, 'pod_draining', 'this rendezvous is shutting down; try again');
    router.refuseWithoutPlace(admission);
    sockets.handleUpgrade(request, tcp, head, (ws) => {
      tcp.setNoDelay(true);
      router.accept(admission, ws, tcp);
    });
  };
  server.on('upgrade', (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    // The server is never given to anything but TCP, so its sockets are no other duplex.
    if (!(duplex instanceof Socket)) return duplex.destroy();
    const ignore = () => {};
    duplex.on('error', ignore);
    upgrade(request, duplex, head)
      .catch((error: unknown) => {
        if (!(error instanceof Refusal)) log.error({ err: error }, 'a WebSocket upgrade failed');
        refuseConnection(
          duplex,
          error instanceof Refusal ? error : new Refusal(500, 'internal_error', 'the upgrade failed'),
        );
      })
      .finally(() => duplex.off('error', ignore));
  });

  const revocations = watchRevocations({
    tokens: options.tokens,
    router,
    intervalMs: limits.revocationIntervalMs,
    log,
  });
  const close = (): Promise<void> => {
    revocations.stop();
    closing ??= shutDown(server, router).finally(() => registrations.close());
    return closing;
  };
  const { signal } = options;
  if (signal?.aborted) await close();
  else signal?.addEventListener('abort', () => void close(), { once: true });
  log.info({ url }, 'rendezvous listens');
  if (!LOOPBACK.test(address.host)) {
    log.warn({ url }, 'not a loopback address: without TLS in front, tokens and streams can be read on the way');
  }
  return { url, close };
}

async function shutDown(server: Server, router: Router): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await router.close(GOODBYE_MS);
  server.closeAllConnections();
  await closed;
}

interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

function parseListen(listen: string): ListenAddress {
  const expected = 'expected http://HOST:PORT, for instance http://127.0.0.1:7420';
  const url = URL.canParse(listen) ? new URL(listen) : undefined;
  if (url?.protocol !== 'http:' || url.pathname !== '/' || url.search !== '' || url.username !== '') {
    throw new RendezvousError('listen_address_invalid', `cannot listen on ${JSON.stringify(listen)}: ${expected}`);
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : Number(url.port) };
}

function parsePublicUrl(publicUrl: string): string {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  if (url === undefined || !/^(https?|wss?):$/.test(url.protocol) || url.username !== '') {
    const expected = 'expected http(s)://HOST[:PORT][/PATH]';
    throw new RendezvousError('public_url_invalid', `unusable public URL ${JSON.stringify(publicUrl)}: ${expected}`);
  }
  return url.href;
}

function listen(server: Server, address: ListenAddress, asked: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new RendezvousError(
              'address_in_use',
              `${asked} is in use, perhaps by another signalbox; choose another port with --listen (port 0 takes any free one)`,
              error,
            )
          : new RendezvousError('listen_failed', `cannot listen on ${asked}: ${error.message}`, error),
      );
    };
    server.once('error', fail);
    server.listen({ host: address.host, port: address.port }, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function urlOf(server: Server, { host }: ListenAddress): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Bytes that are no HTTP request, or one that is too large or too slow. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  refuseConnection(socket, new Refusal(status, 'invalid_request', 'this is not a request that can be read'));
}
