/**
 * One call of a registry, as executors and harnesses make them (relay.md §9.5, §9.6): JSON in and out, bounded in
 * bytes and time. It judges nothing but whether there was an answer; the credential goes into one header and nowhere
 * else, and is never sent on to where an answer points.
 */
import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { LocateError } from '../../machines/connection-types.js';

export interface RegistryAddress {
  /** Base URL of the registry; a path in it is kept. */
  readonly remote: string;
  readonly environmentId: string;
  /** The credential at the registry, of an executor or of a harness. */
  readonly bearerToken: string;
  /** Milliseconds the registry may take for a whole answer. */
  readonly answerMs?: number;
}

export interface RegistryAnswer {
  readonly status: number;
  /** 0 when it did not ask for patience. */
  readonly retryAfterMs: number;
  readonly body: string;
}

export interface RegistryRequest {
  /** POST by default. */
  readonly method?: 'GET' | 'POST';
  /** From the root of the registry. */
  readonly path: string;
  /** Without it the request has no body and no content type (relay.md §9.1). */
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whose connection it goes on; by default one of its own. */
  readonly connections?: Agent;
}

const ANSWER_MS = 10_000;
/** Bytes of an answer that are read; the largest is a few thousand. */
const ANSWER_BYTES = 64 * 1024;
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;

/** `/cloud/environment/{id}/{call}` with the id as it goes into a URL. */
export function environmentPath({ environmentId }: RegistryAddress, call: string): string {
  return `/cloud/environment/${encodeURIComponent(environmentId.trim())}/${call}`;
}

/** Throws {@link LocateError} for what stays wrong however often it is tried. */
export function refuseUnusableAddress({ remote, bearerToken }: RegistryAddress): void {
  const unusable = (message: string) => new LocateError('registration_impossible', message, { final: true });
  if (!URL.canParse(remote) || !/^https?:$/.test(new URL(remote).protocol)) {
    throw unusable(`the registry's address must be an http:// or https:// URL, not ${JSON.stringify(remote)}`);
  }
  if (!/^[\x21-\x7e]+$/.test(bearerToken)) {
    throw unusable(
      'the token for the registry is empty, or has characters in it that no token has: check where it is kept',
    );
  }
}

/** Rejects with {@link LocateError} `registry_unreachable` when there is no whole answer. */
export function callRegistry(
  address: RegistryAddress,
  { path, json, headers, method = 'POST', connections }: RegistryRequest,
  signal: AbortSignal,
): Promise<RegistryAnswer> {
  const target = new URL(address.remote.trim().replace(/\/+$/, '') + path);
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const timeout = AbortSignal.timeout(address.answerMs ?? ANSWER_MS);
  const body = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
  return new Promise<RegistryAnswer>((resolve, reject) => {
    const unreachable = (cause: Error) => {
      const why = timeout.aborted ? 'it did not answer in time' : cause.message;
      reject(
        new LocateError('registry_unreachable', `the registry ${target.origin} cannot be reached: ${why}`, {
          final: false,
          cause,
        }),
      );
    };
    const request = send(target, {
      method,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${address.bearerToken}`,
        'content-length': body?.length ?? 0,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      signal: AbortSignal.any([signal, timeout]),
      agent: connections ?? false,
    });
    request.on('error', unreachable);
    request.on('response', (response) => {
      response.on('error', unreachable);
      const retryAfterMs = retryAfter(response.headers['retry-after']);
      readBody(response, (text) => resolve({ status: response.statusCode ?? 0, retryAfterMs, body: text }));
    });
    request.end(body);
  });
}

/** What the registry says of an error, in words for a person. */
export function explanationIn(body: string): string {
  const { message, code } = errorIn(body);
  return message ?? code ?? excerptOf(body);
}

/** Its machine-readable name, where it has one. */
export function errorCodeIn(body: string): string | undefined {
  return errorIn(body).code;
}

export function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

export function excerptOf(body: string): string {
  return body.trim() === '' ? 'no explanation' : JSON.stringify(body.slice(0, 200));
}

function errorIn(body: string): { readonly code?: string; readonly message?: string } {
  const value = jsonIn(body);
  const error = typeof value === 'object' && value !== null && 'error' in value ? value.error : undefined;
  if (typeof error !== 'object' || error === null) return {};
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return {
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof message === 'string' ? { message } : {}),
  };
}

function readBody(response: IncomingMessage, done: (body: string) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const finish = () => done(Buffer.concat(chunks).subarray(0, ANSWER_BYTES).toString('utf8'));
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < ANSWER_BYTES) return;
    finish();
    response.destroy();
  });
  response.on('end', finish);
}

function retryAfter(header: string | undefined): number {
  const seconds = Number(header);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, LONGEST_RETRY_AFTER_MS) : 0;
}
