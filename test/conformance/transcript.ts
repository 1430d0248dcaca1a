/**
 * What real executors answered, call by call: the lines of `golden/<release>/<case>.jsonl`, and what those lines do not
 * tell. Data only; replaying it is for replay.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const golden = fileURLToPath(new URL('./golden/', import.meta.url));

/** The releases that were recorded, with the form of path each of them was asked with. */
export const RECORDED_VERSIONS = ['0.140.0', '0.169.0'] as const;
export type RecordedVersion = (typeof RECORDED_VERSIONS)[number];

/**
 * A JSON-RPC message, or one of: `$open` a WebSocket is opened, `$close` it is gone, `$raw` text that is no JSON,
 * `$http` a plain HTTP request or the answer to one (also to a WebSocket that was refused).
 */
export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
  readonly $open?: { readonly headers?: Readonly<Record<string, string>> };
  readonly $close?: { readonly code: number };
  readonly $raw?: string;
  readonly $http?: HttpExchange;
}

interface HttpExchange {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly body?: string;
}

export interface Entry {
  readonly dir: 'c2s' | 's2c';
  /** Milliseconds since the case began. */
  readonly t_ms: number;
  /** Which of the case's connections, from 0. */
  readonly conn?: number;
  readonly msg: Message;
}

export interface Transcript {
  readonly version: RecordedVersion;
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly untold: Untold;
}

/** What happened on the client's side and left no line. */
export interface Untold {
  /** Messages went out as binary ones. */
  readonly binary?: boolean;
  /** Where connections were opened to, unless at `/`. */
  readonly paths?: Readonly<Record<number, string>>;
  /** It was the server that closed: otherwise every `$close` answers the client's own. */
  readonly droppedByServer?: boolean;
}

const UNTOLD: Readonly<Record<string, Untold>> = {
  'binary-frame': { binary: true },
  'client-error': { droppedByServer: true },
  'malformed-id-null': { droppedByServer: true },
  'unknown-notification': { droppedByServer: true },
  'ws-origin': { paths: { 3: '/other', 4: '/?x=1' } },
};

export function caseNames(version: RecordedVersion): string[] {
  return readdirSync(`${golden}${version}`).map((file) => file.replace(/\.jsonl$/, ''));
}

export function readTranscript(version: RecordedVersion, name: string): Transcript {
  const lines = readFileSync(`${golden}${version}/${name}.jsonl`, 'utf8').trim().split('\n');
  return { version, name, entries: lines.map((line) => JSON.parse(line) as Entry), untold: UNTOLD[name] ?? {} };
}

/** The JSON-RPC method of a request by its connection and id. */
export function methodOf(entries: readonly Entry[], conn: number, id: unknown): string | undefined {
  const asked = entries.find(
    (entry) =>
      entry.dir === 'c2s' && (entry.conn ?? 0) === conn && entry.msg.id === id && entry.msg.method !== undefined,
  );
  return asked?.msg.method;
}
