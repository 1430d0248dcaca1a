/**
 * The HTTP side of a rendezvous: where executors register and get the URL of their socket, and the two health answers
 * (relay.md §9.1, §9.6). One handler a request; it keeps nothing between requests.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from '../observe/log.js';
import { authorise, bearerOf, environmentIdOf, refuseBrowsers, targetOf } from './access.js';
import { answerJson, answerRefusal, Refusal } from './refusal.js';
import { decodePathSegment, environmentOfPath, executorUrl } from './socket-url.js';
import type { TicketOffice } from './ticket.js';
import type { TokenStore } from './token.js';

interface RegistryOptions {
  readonly tokens: TokenStore;
  readonly tickets: TicketOffice;
  readonly log: Logger;
  readonly httpBodyBytes: number;
  /** Address to put into returned URLs; without it, the one the executor used to reach the registry. */
  readonly publicUrl?: string;
  /** Address of the listener, for executors that name no host. */
  readonly listenUrl: () => string;
  /** Whether new sockets are taken; false while closing. */
  readonly ready: () => boolean;
}

/** G1 executors say `executor` and want `executor_id`, later ones `environment` and `environment_id`. */
const REGISTER_PATH = /^\/cloud\/(executor|environment)\/([^/]+)\/register$/;

/** A host and port as a client writes them; what else a Host header may hold does not get into a URL. */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

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
  const [, generation, segment] = REGISTER_PATH.exec(pathname) ?? [];
  if (segment !== undefined) {
    allow(request, 'POST');
    await register(request, response, generation === 'executor' ? 'executor_id' : 'environment_id', segment, options);
    return;
  }
  if (environmentOfPath(pathname) !== undefined) {
    const upgrade = { upgrade: 'websocket', connection: 'upgrade' };
    throw new Refusal(426, 'upgrade_required', 'this is the address of a WebSocket, not of a page', upgrade);
  }
  throw new Refusal(404, 'unknown_route', 'nothing is served at this path');
}

async function register(
  request: IncomingMessage,
  response: ServerResponse,
  idMember: 'executor_id' | 'environment_id',
  segment: string,
  options: RegistryOptions,
): Promise<void> {
  const environmentId = environmentIdOf(decodePathSegment(segment));
  await authorise(options.tokens, bearerOf(request), 'executor', environmentId);
  const body = parseBody(await readBody(request, options.httpBodyBytes));
  if (body !== undefined && 'security_profile' in body) {
    const remedy = 'use a release up to 0.140, or signalbox executor --relay cleartext';
    throw new Refusal(400, 'security_profile_unsupported', `Noise registration is not served here yet; ${remedy}`);
  }
  if (!options.ready()) throw new Refusal(503, 'pod_draining', 'this rendezvous is shutting down; try again');
  const ticket = options.tickets.issue(environmentId);
  const url = executorUrl(options.publicUrl ?? reachedAt(request) ?? options.listenUrl(), environmentId, ticket);
  options.log.info({ environmentId, registrationId: ticket.registration }, 'executor registered');
  answerJson(response, 200, { [idMember]: environmentId, url });
}

function allow(request: IncomingMessage, ...methods: string[]): void {
  if (methods.includes(request.method ?? '')) return;
  const allowed = methods.join(', ');
  throw new Refusal(405, 'method_not_allowed', `only ${allowed} is served at this path`, { allow: allowed });
}

/**
 * The whole body, at most `most` bytes. The server's own timeout ends a body that never comes. What is too much is read
 * on and thrown away, because a client that is still sending would not see the answer of a closed connection.
 */
function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= most) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      reject(new Refusal(413, 'body_too_large', `a registration has at most ${most} bytes`, { connection: 'close' }));
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    // Nobody is left to answer; without this the handler would wait for ever.
    request.on('close', () => reject(new Refusal(400, 'invalid_request', 'the request was cut short')));
  });
}

/** Undefined for no body: releases up to 0.140 send none. */
function parseBody(body: Buffer): object | undefined {
  const text = body.toString().trim();
  if (text === '') return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Refusal(400, 'invalid_json', 'the body of a registration must be JSON, or empty');
  }
  if (typeof parsed !== 'object' || parsed === null) {
    throw new Refusal(400, 'invalid_json', 'the body of a registration must be a JSON object, or empty');
  }
  return parsed;
}

/** The address an executor used: it reaches the socket the same way, also through a forwarded port. */
function reachedAt(request: IncomingMessage): string | undefined {
  const host = request.headers.host;
  return host !== undefined && HOST.test(host) && URL.canParse(`http://${host}`) ? `http://${host}` : undefined;
}
