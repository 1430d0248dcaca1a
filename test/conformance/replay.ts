/**
 * Plays the client's side of a transcript against a live executor and writes down what is answered, in the same form.
 * The client says nothing before it has seen what the recorded one had seen by then, and pauses where that one paused;
 * requests that were sent without waiting are sent so here. Judging the answers is for observations.ts.
 */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type RawData, WebSocket } from 'ws';
import { localised, type Places } from './places.js';
import type { Entry, Message, Transcript } from './transcript.js';

/** What has not come by then will not come; the comparison tells. Counted per wait. */
const PATIENCE_MS = 10_000;
/** Shorter gaps in a transcript are how long things took, not pauses of the client. */
const SHORTEST_PAUSE_MS = 95;

export interface ReplayOptions {
  /** `ws://IP:PORT` */
  readonly url: string;
  readonly places: Places;
}

export async function replay(transcript: Transcript, options: ReplayOptions): Promise<Entry[]> {
  const client = new ReplayingClient(transcript, options);
  try {
    await client.play();
    return client.entries;
  } finally {
    client.close();
  }
}

class ReplayingClient {
  readonly entries: Entry[] = [];
  readonly #transcript: Transcript;
  readonly #options: ReplayOptions;
  readonly #sockets = new Map<number, WebSocket>();
  readonly #began = performance.now();
  #waiting: (() => void)[] = [];

  constructor(transcript: Transcript, options: ReplayOptions) {
    this.#transcript = transcript;
    this.#options = options;
  }

  async play(): Promise<void> {
    const { entries, untold } = this.#transcript;
    for (const [index, entry] of entries.entries()) {
      const closing = entry.msg.$close !== undefined && !untold.droppedByServer;
      if (entry.dir !== 'c2s' && !closing) continue;
      const before = entries.slice(0, index);
      await this.#seen(before);
      const gapMs = entry.t_ms - (before.at(-1)?.t_ms ?? 0);
      const settingUp = before.at(-1)?.msg.$open !== undefined || before.length === 0;
      if (gapMs >= SHORTEST_PAUSE_MS && !settingUp && entry.msg.$http === undefined) await pause(gapMs);
      await this.#act(entry, closing);
    }
    await this.#seen(entries);
    // What the server had said before it answers these has come.
    await Promise.all([...this.#sockets.values()].map(roundTrip));
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.terminate();
  }

  async #act({ conn = 0, msg }: Entry, closing: boolean): Promise<void> {
    if (closing) {
      const socket = this.#socket(conn);
      socket.close();
      if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
      return;
    }
    this.#write('c2s', conn, msg);
    if (msg.$open !== undefined) await this.#open(conn, msg.$open.headers ?? {});
    else if (msg.$http !== undefined) await this.#fetch(conn, msg.$http);
    else {
      const text = msg.$raw ?? this.#withLiveSession(JSON.stringify(msg));
      this.#socket(conn).send(localised(text, this.#options.places), {
        binary: this.#transcript.untold.binary ?? false,
      });
    }
  }

  async #open(conn: number, headers: Readonly<Record<string, string>>): Promise<void> {
    const path = this.#transcript.untold.paths?.[conn] ?? '';
    const socket = new WebSocket(`${this.#options.url}${path}`, { headers: { ...headers }, perMessageDeflate: false });
    socket.on('error', () => {}); // `close` or `unexpected-response` says the same
    const refused = once(socket, 'unexpected-response').then(([request, { statusCode }]) => {
      this.#write('s2c', conn, { $http: { status: statusCode } });
      request.destroy();
    });
    socket.on('message', (data) => this.#write('s2c', conn, parsed(data)));
    socket.on('close', (code) => {
      if (this.#sockets.has(conn)) this.#write('s2c', conn, { $close: { code } });
    });
    await Promise.race([once(socket, 'open').then(() => this.#sockets.set(conn, socket)), refused]);
  }

  async #fetch(
    conn: number,
    { method = 'GET', path = '/', headers = {} }: NonNullable<Message['$http']>,
  ): Promise<void> {
    const url = `${this.#options.url.replace(/^ws/, 'http')}${path}`;
    const response = await fetch(url, { method, headers });
    this.#write('s2c', conn, { $http: { status: response.status, body: (await response.text()).slice(0, 200) } });
  }

  #socket(conn: number): WebSocket {
    const socket = this.#sockets.get(conn);
    if (socket === undefined) throw new Error(`connection ${conn} was refused here but not when it was recorded`);
    return socket;
  }

  #write(dir: Entry['dir'], conn: number, msg: Message): void {
    this.entries.push({ dir, t_ms: performance.now() - this.#began, conn, msg });
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resumed is the session this executor gave, in place of the one the recorded executor gave. */
  #withLiveSession(text: string): string {
    const recorded = sessionsIn(this.#transcript.entries);
    const live = sessionsIn(this.entries);
    return recorded.reduce((said, id, index) => said.replaceAll(id, live[index] ?? id), text);
  }

  async #seen(recorded: readonly Entry[]): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!progress(this.entries).reaches(progress(recorded))) {
      const left = deadline - performance.now();
      if (left <= 0) return;
      const timeout = new AbortController();
      const written = new Promise<void>((resolve) => this.#waiting.push(resolve));
      const late = pause(left, undefined, { signal: timeout.signal }).catch(() => {});
      await Promise.race([written, late]);
      timeout.abort();
    }
  }
}

/** How far a conversation has come, in counts that only grow. */
function progress(entries: readonly Entry[]) {
  const counts = new Map<string, number>();
  const outputs = new Map<string, number>();
  const count = (key: string, amount = 1) => counts.set(key, (counts.get(key) ?? 0) + amount);
  const starts = new Map<string, string>();
  const running = new Set<string>();
  const failed = new Set<string>();
  for (const { dir, conn = 0, msg } of entries) {
    const params = (msg.params ?? {}) as { processId?: string; chunk?: string; requestId?: string; done?: boolean };
    if (dir === 'c2s') {
      if (msg.method === 'process/start') starts.set(`${conn} ${msg.id}`, `${params.processId}`);
    } else if (msg.$close !== undefined) count(`${conn} close`);
    else if (msg.method === 'process/output') {
      const key = `${conn} ${params.processId}`;
      outputs.set(key, (outputs.get(key) ?? 0) + Buffer.byteLength(params.chunk ?? '', 'base64'));
    } else if (msg.method?.startsWith('process/')) count(`${conn} ${msg.method} ${params.processId}`);
    else if (msg.method === undefined) {
      count(`${conn} answers`);
      if (msg.id === -1) count(`${conn} complaints`);
      const started = starts.get(`${conn} ${msg.id}`);
      if (started === undefined) continue;
      const process = `${conn} ${started}`;
      if (msg.error === undefined) running.add(process);
      // An id that is taken is refused too; that process runs on.
      if (running.has(process)) failed.delete(process);
      else failed.add(process);
    } else if (params.done) count(`${conn} body ${params.requestId}`);
  }
  const ended = (process: string) => {
    const [conn, ...id] = process.split(' ');
    return counts.has(`${conn} process/closed ${id.join(' ')}`);
  };
  return {
    counts,
    outputs,
    failed,
    ended,
    reaches(goal: { readonly counts: typeof counts; readonly outputs: typeof outputs }): boolean {
      const excused = (key: string) =>
        // A process that was not started here ends nowhere, and who complains need not close.
        [...failed].some((process) => key === process || isEventOf(key, process)) ||
        (key.endsWith(' close') && counts.has(key.replace(/close$/, 'complaints')));
      const reached = [...goal.counts].every(([key, amount]) => (counts.get(key) ?? 0) >= amount || excused(key));
      const heard = [...goal.outputs].every(
        ([key, bytes]) => (outputs.get(key) ?? 0) >= bytes || ended(key) || excused(key),
      );
      return reached && heard;
    },
  };
}

function isEventOf(key: string, process: string): boolean {
  const [conn, ...id] = process.split(' ');
  return key.startsWith(`${conn} process/`) && key.endsWith(` ${id.join(' ')}`);
}

function sessionsIn(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ msg }) => (msg.result as { sessionId?: string } | undefined)?.sessionId ?? []);
}

function parsed(data: RawData): Message {
  const text = data.toString();
  try {
    return JSON.parse(text) as Message;
  } catch {
    return { $raw: text };
  }
}

async function roundTrip(socket: WebSocket): Promise<void> {
  if (socket.readyState !== WebSocket.OPEN) return;
  const answered = Promise.race([once(socket, 'pong'), once(socket, 'close')]);
  socket.ping();
  await answered;
}
