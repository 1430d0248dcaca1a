/**
 * Asking a registry where this executor's socket is (relay.md §9.1, §9.6). One try; whether to try again is decided by
 * the connection's chart. The credential goes into one header and nowhere else.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { LocateError, type Location } from '../../machines/connection-types.js';

export interface Registration {
  /** Base URL of the registry; a path in it is kept. */
  readonly remote: string;
  readonly environmentId: string;
  /** The executor's credential at the registry. */
  readonly bearerToken: string;
  /** Milliseconds the registry may take for a whole answer. */
  readonly answerMs?: number;
}

const ANSWER_MS = 10_000;
/** Bytes of an answer that are read; a registration is a few hundred. */
const ANSWER_BYTES = 64 * 1024;
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;

interface Answer {
  readonly status: number;
  readonly retryAfterMs: number;
  readonly body: string;
}

/** Registers at the path of today's registries, and where there is none, at the one of the first releases. */
export async function register(registration: Registration, signal: AbortSignal): Promise<Location> {
  refuseUnusable(registration);
  const id = encodeURIComponent(registration.environmentId.trim());
  const today = await post(registration, `/cloud/environment/${id}/register`, signal);
  const answer = today.status === 404 ? await post(registration, `/cloud/executor/${id}/register`, signal) : today;
  return locationOf(answer.status === 404 ? today : answer, registration);
}

/** What is wrong here stays wrong however often it is tried. */
function refuseUnusable({ remote, bearerToken }: Registration): void {
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

function locationOf(answer: Answer, { remote, environmentId }: Registration): Location {
  const { status, retryAfterMs, body } = answer;
  if (status === 401 || status === 403) {
    throw new LocateError(
      'registration_unauthorized',
      `the registry ${remote} refused the token for environment ${environmentId} (${status}): ${detailOf(body)}. ` +
        'Make a new one with: signalbox token create --role executor --env ' +
        environmentId,
      { final: true },
    );
  }
  if (status < 200 || status > 299) {
    throw new LocateError('registration_failed', `the registry answered ${status}: ${detailOf(body)}`, {
      final: false,
      retryAfterMs,
    });
  }
  const url = parsedObject(body)?.url;
  if (typeof url !== 'string' || !/^wss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new LocateError(
      'registration_malformed',
      `the registry's answer names no ws:// or wss:// url: ${excerpt(body)}`,
      {
        final: false,
      },
    );
  }
  return { url };
}

function post(registration: Registration, path: string, signal: AbortSignal): Promise<Answer> {
  const target = new URL(registration.remote.trim().replace(/\/+$/, '') + path);
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const timeout = AbortSignal.timeout(registration.answerMs ?? ANSWER_MS);
  return new Promise<Answer>((resolve, reject) => {
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
      method: 'POST',
      headers: { accept: 'application/json', authorization: `Bearer ${registration.bearerToken}`, 'content-length': 0 },
      signal: AbortSignal.any([signal, timeout]),
      agent: false,
    });
    request.on('error', unreachable);
    request.on('response', (response) => {
      response.on('error', unreachable);
      readBody(response, (body) =>
        resolve({ status: response.statusCode ?? 0, retryAfterMs: retryAfter(response.headers['retry-after']), body }),
      );
    });
    request.end();
  });
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

function detailOf(body: string): string {
  const error = parsedObject(body)?.error;
  if (typeof error === 'object' && error !== null) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (typeof message === 'string') return message;
    if (typeof code === 'string') return code;
  }
  return excerpt(body);
}

function parsedObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function excerpt(body: string): string {
  return body.trim() === '' ? 'no explanation' : JSON.stringify(body.slice(0, 200));
}
