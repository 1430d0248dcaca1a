/**
 * Who may do what here: bearer tokens on HTTP requests, tickets and tokens on WebSocket upgrades.
 * It judges requests and throws {@link Refusal}; it opens and answers nothing.
 */
import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.js';
import type { Registration, Registrations } from './registrations.js';
import { environmentOfPath } from './socket-url.js';
import { bearsTicket, type Ticket, type TicketFault, type TicketOffice } from './ticket.js';
import { ENVIRONMENT_ID, type TokenRecord, type TokenRole, type TokenStore } from './token.js';

/** What an accepted upgrade becomes. */
export type Admission =
  | { readonly role: 'executor'; readonly environmentId: string; readonly registration: Registration }
  | { readonly role: 'harness'; readonly environmentId: string; readonly tokenId: string };

/** What credentials are judged by. */
export interface Credentials {
  readonly tokens: TokenStore;
  readonly tickets: TicketOffice;
  readonly registrations: Registrations;
}

/** A browser sends `Origin`, no peer of the relay does: no page may reach a rendezvous on somebody's loopback. */
export function refuseBrowsers(request: IncomingMessage): void {
  if (request.headers.origin !== undefined) {
    throw new Refusal(403, 'origin_refused', 'requests with an Origin header (web pages) are not served');
  }
}

/** Path and query of a request; never its host, which its sender makes up. */
export function targetOf(request: IncomingMessage): URL {
  const target = request.url ?? '/';
  try {
    return new URL(target.startsWith('/') ? `http://rendezvous${target}` : target);
  } catch {
    throw new Refusal(400, 'invalid_request', 'the request target is not a URL');
  }
}

/** The record of the token that a request bears, whatever it is for; throws when there is none. */
export async function authenticate(
  tokens: TokenStore,
  token: string | undefined,
  needed = 'a token',
): Promise<TokenRecord> {
  if (token === undefined || token === '') {
    throw new Refusal(401, 'missing_token', `${needed} is needed: Authorization: Bearer …`, CHALLENGE);
  }
  const record = await tokens.authenticate(token);
  if (record === undefined) {
    throw new Refusal(
      401,
      'invalid_token',
      'this token is not known here; create one: signalbox token create',
      CHALLENGE,
    );
  }
  return record;
}

/** As {@link authenticate}; throws unless the token is of this role, for this environment. */
export async function authorise(
  tokens: TokenStore,
  token: string | undefined,
  role: TokenRole,
  environmentId: string,
): Promise<TokenRecord> {
  const record = await authenticate(tokens, token, `a token of role ${role}`);
  if (record.role !== role) {
    throw new Refusal(403, 'wrong_role', `this token is for the role ${record.role}, but ${role} is needed`);
  }
  if (record.environmentId !== environmentId) {
    throw new Refusal(403, 'wrong_environment', `this token is for another environment than ${environmentId}`);
  }
  return record;
}

/** The environment id of a URL path, judged before anything is looked up with it. */
export function environmentIdOf(segment: string | undefined): string {
  if (segment === undefined || !ENVIRONMENT_ID.test(segment)) {
    throw new Refusal(400, 'invalid_environment_id', 'the environment id in the path is not one');
  }
  return segment;
}

/** The token of `Authorization: Bearer …`, or undefined without such a header. */
export function bearerOf(request: IncomingMessage): string | undefined {
  return /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}

/** Judges a WebSocket upgrade. */
export async function admit(request: IncomingMessage, credentials: Credentials): Promise<Admission> {
  refuseBrowsers(request);
  const target = targetOf(request);
  const segment = environmentOfPath(target.pathname);
  if (segment === undefined) throw new Refusal(404, 'unknown_route', 'WebSockets are at /ws/environment/{id} only');
  const environmentId = environmentIdOf(segment);
  const query = target.searchParams;
  const role = query.get('role');
  switch (role) {
    case null:
      throw new Refusal(400, 'missing_role', 'the query must say role=harness or role=executor');
    case 'harness': {
      const token = bearerOf(request) ?? query.get('token') ?? undefined;
      if (token === undefined && bearsTicket(query)) {
        const { holder: tokenId } = ticketOf(role, environmentId, query, credentials);
        await refuseRevoked(role, environmentId, tokenId, credentials);
        return { role, environmentId, tokenId };
      }
      const { id: tokenId } = await authorise(credentials.tokens, token, role, environmentId);
      return { role, environmentId, tokenId };
    }
    case 'executor': {
      const registration = credentials.registrations.find(ticketOf(role, environmentId, query, credentials).holder);
      if (registration === undefined) {
        const why = 'this registration is not remembered any more; register again';
        throw new Refusal(401, 'unexpected_executor_registration_id', why);
      }
      await refuseRevoked(role, environmentId, registration.tokenId, credentials);
      return { role, environmentId, registration };
    }
    default:
      throw new Refusal(400, 'invalid_role', 'the role must be harness or executor');
  }
}

function ticketOf(role: TokenRole, environmentId: string, query: URLSearchParams, { tickets }: Credentials): Ticket {
  const ticket = tickets.check(role, environmentId, query);
  if (typeof ticket !== 'string') return ticket;
  throw new Refusal(401, ticket, `${TICKET_FAULTS[ticket]}; ${TICKET_REMEDIES[role]}`);
}

/** A ticket is worth no more than the token it was issued for is now. */
async function refuseRevoked(
  role: TokenRole,
  environmentId: string,
  tokenId: string,
  { tokens }: Credentials,
): Promise<void> {
  const record = await tokens.find(tokenId);
  if (record?.role === role && record.environmentId === environmentId) return;
  throw new Refusal(401, 'invalid_token', 'the token that this URL was issued for is not valid here any more');
}

const CHALLENGE = { 'www-authenticate': 'Bearer' };

const TICKET_FAULTS: Readonly<Record<TicketFault, string>> = {
  missing_signature: 'this is not the whole URL that the registry returned',
  missing_expiry: 'this is not the whole URL that the registry returned',
  invalid_expiry: 'this URL has expired',
  invalid_signature: 'this URL was not issued here, or before a restart',
};

const TICKET_REMEDIES: Readonly<Record<TokenRole, string>> = {
  executor: 'register again',
  harness: 'ask for another one: POST /cloud/environment/{id}/connect',
};
