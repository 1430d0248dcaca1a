/**
 * The answer to an HTTP request or WebSocket upgrade that is not served: status, machine-readable code, and a sentence
 * for a person, in the body shape that peers understand (relay.md §9.6). Statuses matter: on an upgrade, 4xx makes an
 * executor register again and 5xx makes it try the same URL later (§11 duty 12).
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

type RefusalCode =
  // Names that releases know (relay.md §9.6, §9.7).
  | 'environment_offline'
  | 'missing_role'
  | 'invalid_role'
  | 'missing_signature'
  | 'invalid_signature'
  | 'missing_expiry'
  | 'invalid_expiry'
  | 'unexpected_executor_registration_id'
  | 'unknown_route'
  | 'route_unavailable'
  | 'pod_draining'
  // Ours.
  | 'missing_token'
  | 'invalid_token'
  | 'wrong_role'
  | 'wrong_environment'
  | 'invalid_environment_id'
  | 'origin_refused'
  | 'method_not_allowed'
  | 'upgrade_required'
  | 'invalid_request'
  | 'invalid_json'
  | 'invalid_body'
  | 'body_too_large'
  | 'security_profile_unsupported'
  | 'internal_error';

/** Thrown by whatever judges a request; answered once, at the edge. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: RefusalCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: RefusalCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function answerRefusal(response: ServerResponse, refusal: Refusal): void {
  answerJson(response, refusal.status, bodyOf(refusal), refusal.headers);
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(text);
}

/** For connections that have no response object: upgrades, and bytes that were never a request. */
export function refuseConnection(socket: Duplex, refusal: Refusal): void {
  const text = JSON.stringify(bodyOf(refusal));
  const headers = {
    connection: 'close',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...refusal.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => {});
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${lines.join('')}\r\n${text}`);
}

function bodyOf(refusal: Refusal) {
  return { error: { code: refusal.code, message: refusal.message } };
}
