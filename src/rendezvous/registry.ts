/**
 * The HTTP side of a rendezvous: which call a request makes, whether its token may make it, and the two health answers
 * (relay.md §9). One handler a request; what the calls do is the registrar's.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from '../observe/log.js';
import { authenticate, authorise, bearerOf, environmentIdOf, refuseBrowsers, targetOf } from './access.js';
import { answerJson, answerRefusal, Refusal } from './refusal.js';
import type { Generation, Registrar } from './registrar.js';
import { readObject } from './request-body.js';
import { decodePathSegment, environmentOfPath } from './socket-url.js';
import type { TokenRole, TokenStore } from './token.js';

interface RegistryOptions {
  readonly tokens: TokenStore;
  readonly registrar: Registrar;
  readonly log: Logger;
  readonly httpBodyBytes: number;
  /** Address to put into returned URLs; without it, the one the caller used to reach the registry. */
  readonly publicUrl?: string;
  /** Address of the listener, for callers that name no host. */
  readonly listenUrl: () => string;
  /** Whether new sockets are taken; false while closing. */
  readonly ready: () => boolean;
}

type Call = 'register' | 'connect' | 'validate';

/** The first generation of executors says `executor`, and can do nothing but register. */
const CALL_PATH = /^\/cloud\/(?:(executor)\/([^/]+)\/(register)|(environment)\/([^/]+)\/(register|connect|validate))$/;

/** Ours; releases have no such call. */
const ENVIRONMENTS_PATH = '/cloud/environments';

const CALLER: Readonly<Record<Call, TokenRole>> = { register: 'executor', connect: 'harness', validate: 'executor' };

/** A host and port as a client writes them; what else a Host header may hold does not get into a URL. */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** By which executors from 0.169.0 say whose handshake they ask about. */
const STREAM_ID_HEADER = 'x-codex-noise-stream-id';

export function registry(options: RegistryOptions): RequestListener {
  return (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      if (!(error instanceof Refusal)) options.log.error({ err: error }, 'a registry request failed');
      if (response.headersSent) return;
      answerRefusal(
        response,
        error instanceof Refusal ? error : new Refusal(500, 'internal_error', 'the registry failed; its log says why'),
      );
    });
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, options: RegistryOptions): Promise<void> {
  refuseBrowsers(request);
  const { pathname } = targetOf(request);
  if (pathname === '/livez' || pathname === '/readyz') {
    allow(request, 'GET', 'HEAD');
    const ready = pathname === '/livez' || options.ready();
    answerJson(response, ready ? 200 : 503, { status: ready ? 'ok' : 'draining' });
    return;
  }
  if (pathname === ENVIRONMENTS_PATH) {
    allow(request, 'GET', 'HEAD');
    const caller = await authenticate(options.tokens, bearerOf(request));
    answerJson(response, 200, options.registrar.environments(caller));
    return;
  }
  const [, ...found] = CALL_PATH.exec(pathname) ?? [];
  const [generation, segment, call] = found.filter((part) => part !== undefined);
  if (segment !== undefined) {
    allow(request, 'POST');
    const environmentId = environmentIdOf(decodePathSegment(segment));
    answerJson(response, 200, await replyTo(request, generation as Generation, environmentId, call as Call, options));
    return;
  }
  if (environmentOfPath(pathname) !== undefined) {
    const upgrade = { upgrade: 'websocket', connection: 'upgrade' };
    throw new Refusal(426, 'upgrade_required', 'this is the address of a WebSocket, not of a page', upgrade);
  }
  throw new Refusal(404, 'unknown_route', 'nothing is served at this path');
}

async function replyTo(
  request: IncomingMessage,
  generation: Generation,
  environmentId: string,
  call: Call,
  options: RegistryOptions,
): Promise<object> {
  const { tokens, registrar } = options;
  const { id: tokenId } = await authorise(tokens, bearerOf(request), CALLER[call], environmentId);
  const body = await readObject(request, options.httpBodyBytes);
  if (!options.ready()) throw new Refusal(503, 'pod_draining', 'this rendezvous is shutting down; try again');
  const caller = { environmentId, tokenId };
  const base = options.publicUrl ?? reachedAt(request) ?? options.listenUrl();
  switch (call) {
    case 'register':
      return registrar.register(caller, generation, body, base);
    case 'connect':
      return await registrar.connect(caller, body, base);
    case 'validate':
      return registrar.validate(caller, body, request.headers[STREAM_ID_HEADER]?.toString());
  }
}

function allow(request: IncomingMessage, ...methods: string[]): void {
  if (methods.includes(request.method ?? '')) return;
  const allowed = methods.join(', ');
  throw new Refusal(405, 'method_not_allowed', `only ${allowed} is served at this path`, { allow: allowed });
}

/** The address a caller used: it reaches the socket the same way, also through a forwarded port. */
function reachedAt(request: IncomingMessage): string | undefined {
  const host = request.headers.host;
  return host !== undefined && HOST.test(host) && URL.canParse(`http://${host}`) ? `http://${host}` : undefined;
}
