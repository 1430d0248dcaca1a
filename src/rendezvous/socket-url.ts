/**
 * The URLs of a rendezvous' WebSockets: `ws://HOST:PORT/ws/environment/{env}?role=…`.
 * `role=harness` in the query is also what makes every release of the real harness speak the relay (relay.md §1).
 */
import type { TicketQuery } from './ticket.js';

const SOCKET_PATH = /^\/ws\/environment\/([^/]+)$/;

/**
 * The URL a harness connects to. `base` is the rendezvous' http(s) or ws(s) address; without `token` the harness
 * must send it as `Authorization: Bearer` itself, which no release does.
 */
export function harnessUrl(base: string, environmentId: string, token?: string): string {
  return socketUrl(base, environmentId, { role: 'harness', ...(token === undefined ? {} : { token }) });
}

/** The URL that the registry hands to an executor or a harness: the ticket in it is all they need. */
export function ticketUrl(base: string, environmentId: string, ticket: TicketQuery): string {
  return socketUrl(base, environmentId, ticket);
}

/** The environment id in the path of such a URL, or undefined where the path is another. */
export function environmentOfPath(path: string): string | undefined {
  const segment = SOCKET_PATH.exec(path)?.[1];
  return segment === undefined ? undefined : decodePathSegment(segment);
}

/** Undefined for a segment whose percent signs mean nothing. */
export function decodePathSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function socketUrl(base: string, environmentId: string, query: Readonly<Record<string, string>>): string {
  const url = new URL(base);
  url.protocol = url.protocol.replace('http', 'ws');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/ws/environment/${encodeURIComponent(environmentId)}`;
  url.search = new URLSearchParams(query).toString();
  url.hash = '';
  return url.href;
}
