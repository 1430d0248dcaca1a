/**
 * One HTTP request on behalf of a client (jsonrpc.md §9): any status is a success, headers keep their order and
 * repeats, the body is a stream. Node's own client, because its headers come as they were sent.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { SignalboxError } from '../../proto/signalbox-error.js';

export interface HttpHeader {
  readonly name: string;
  readonly value: string;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly HttpHeader[];
  readonly body: Uint8Array | undefined;
  /** For everything up to the end of the body; undefined is no limit. */
  readonly timeoutMs: number | undefined;
  readonly followRedirects: boolean;
  /** Gives up, also while the body is read. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: readonly HttpHeader[];
  readonly body: Readable;
}

/** The request cannot be made as it is; the message is the peers' text. */
export class HttpArgumentError extends SignalboxError {
  constructor(message: string) {
    super('http_argument', `http/request ${message}`, { scope: 'stream', initiator: 'peer' });
  }
}

/** There was no answer; the message is the peers' text. */
export class HttpFailure extends SignalboxError {
  constructor(message: string, cause?: unknown) {
    super('http_failed', message, { scope: 'stream', initiator: 'peer', cause });
  }
}

const MOST_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const METHODS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
const BODY_HEADERS = ['content-type', 'content-length', 'content-encoding', 'transfer-encoding'];
const CREDENTIAL_HEADERS = ['authorization', 'cookie', 'cookie2', 'proxy-authorization', 'www-authenticate'];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What a header value may hold: visible characters, spaces, tabs and bytes above ASCII. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Throws {@link HttpArgumentError} or {@link HttpFailure}. */
export async function requestHttp(request: HttpRequest): Promise<HttpResponse> {
  const first = requireUrl(request.url);
  requireValid(request);
  const timeout = request.timeoutMs === undefined ? [] : [AbortSignal.timeout(request.timeoutMs)];
  const signal = AbortSignal.any([request.signal, ...timeout]);
  let hop: Hop = { url: first, method: request.method, headers: withAccept(request.headers), body: request.body };
  for (let redirects = 0; ; redirects += 1) {
    const response = await sendOnce(hop, signal, first);
    const next = request.followRedirects ? redirected(hop, response) : undefined;
    if (next === undefined) {
      return { status: response.statusCode ?? 0, headers: headersOf(response), body: response };
    }
    response.destroy();
    if (redirects === MOST_REDIRECTS) throw new HttpFailure('http/request failed: too many redirects');
    hop = next;
  }
}

/** One request of a chain of redirects. */
interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly HttpHeader[];
  readonly body: Uint8Array | undefined;
}

/** Resolves with the head of the answer. Failures name the URL that was asked for, as the peers do. */
function sendOnce({ url, method, headers, body }: Hop, signal: AbortSignal, asked: URL): Promise<IncomingMessage> {
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    // A socket of its own for each request: the next one may be for another place, and nobody would close it.
    const outgoing = open(url, { method, signal, agent: false });
    for (const { name, value } of headers) outgoing.appendHeader(name, value);
    // Node adds these; releases do not.
    outgoing.removeHeader('connection');
    if (body === undefined) {
      outgoing.removeHeader('transfer-encoding');
      if (!METHODS_WITH_BODY.has(method)) outgoing.removeHeader('content-length');
    } else {
      outgoing.setHeader('content-length', body.byteLength);
    }
    outgoing.once('response', (response) => {
      response.once('close', () => outgoing.destroy());
      resolve(response);
    });
    outgoing.once('error', (cause) =>
      reject(new HttpFailure(`http/request failed: error sending request for url (${asked.href})`, cause)),
    );
    outgoing.end(body);
  });
}

/** Where an answer leads, if anywhere: as browsers do it, a POST becomes a GET unless the status forbids it. */
function redirected(hop: Hop, response: IncomingMessage): Hop | undefined {
  const { statusCode = 0 } = response;
  const { location } = response.headers;
  if (!REDIRECTS.has(statusCode) || location === undefined || !URL.canParse(location, hop.url.href)) return undefined;
  const url = new URL(location, hop.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  const keepsMethod = statusCode >= 307 || hop.method === 'GET' || hop.method === 'HEAD';
  const dropped = new Set([
    ...(keepsMethod ? [] : BODY_HEADERS),
    // Another host must not learn what was meant for the first.
    ...(url.origin === hop.url.origin ? [] : CREDENTIAL_HEADERS),
  ]);
  const headers = hop.headers.filter(({ name }) => !dropped.has(name.toLowerCase()));
  return keepsMethod ? { ...hop, url, headers } : { url, method: 'GET', headers, body: undefined };
}

function requireUrl(text: string): URL {
  if (!URL.canParse(text)) {
    const fault = /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) ? 'invalid URL' : 'relative URL without a base';
    throw new HttpArgumentError(`url is invalid: ${fault}`);
  }
  const url = new URL(text);
  const scheme = url.protocol.slice(0, -1);
  if (scheme === 'http' || scheme === 'https') return url;
  throw new HttpArgumentError(`only supports http and https URLs, got ${scheme}`);
}

function requireValid({ method, headers }: HttpRequest): void {
  if (!TOKEN.test(method)) throw new HttpArgumentError('method is invalid: invalid HTTP method');
  for (const { name, value } of headers) {
    if (!TOKEN.test(name)) throw new HttpArgumentError('header name is invalid: invalid HTTP header name');
    if (!HEADER_VALUE.test(value)) {
      throw new HttpArgumentError(`header value is invalid for ${name}: failed to parse header value`);
    }
  }
}

function withAccept(headers: readonly HttpHeader[]): readonly HttpHeader[] {
  return headers.some(({ name }) => name.toLowerCase() === 'accept')
    ? headers
    : [...headers, { name: 'accept', value: '*/*' }];
}

function headersOf({ rawHeaders }: IncomingMessage): HttpHeader[] {
  const headers: HttpHeader[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.push({ name: String(rawHeaders[at]).toLowerCase(), value: String(rawHeaders[at + 1]) });
  }
  return headers;
}
