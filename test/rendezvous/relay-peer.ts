/**
 * Raw peers for rendezvous tests: a WebSocket that records what it receives, and a rendezvous with both tokens.
 */
import { once } from 'node:events';
import { expect, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type FrameBody, plainFrame } from '../../proto/frame.js';
import { decodeFrame, encodeFrame } from '../../proto/frame-codec.js';
import { type RendezvousOptions, startRendezvous } from '../../src/rendezvous/rendezvous.js';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import { MemoryTokenStore } from '../../src/rendezvous/token-store.js';

export const ENV = 'box-1';

/** Waits for a condition, without a time of its own: the test's timeout is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  await vi.waitUntil(condition, { timeout: 18_000, interval: 5 });
}

export interface Refused {
  readonly status: number;
  readonly code: string;
}

export class RelayPeer {
  readonly socket: WebSocket;
  readonly messages: Buffer[] = [];
  readonly texts: string[] = [];
  bytes = 0;
  pings = 0;
  closed: { code: number; reason: string } | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) this.texts.push(data.toString());
      this.bytes += data.length;
      this.messages.push(data);
    });
    socket.on('ping', () => {
      this.pings += 1;
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => {});
  }

  static async connect(url: string, options: { headers?: Record<string, string>; autoPong?: boolean } = {}) {
    const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 80 * 1024 * 1024, ...options });
    const peer = new RelayPeer(socket);
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    return peer;
  }

  send(streamId: string, body: FrameBody, reliability = 0): void {
    this.socket.send(encodeFrame({ ...plainFrame(streamId, body), reliability }));
  }

  resume(streamId: string): void {
    this.send(streamId, { kind: 'resume', nextSeq: 0 });
  }

  data(streamId: string, payload: string | Uint8Array, seq = 0): void {
    this.send(streamId, data(payload, seq));
  }

  /** What arrived, in the order it did: `stream kind detail`. */
  get seen(): string[] {
    return this.messages.map((message) => {
      const { streamId, body } = decodeFrame(message);
      if (body.kind === 'data') return `${streamId} data ${Buffer.from(body.payload).toString()}`;
      return body.kind === 'reset' ? `${streamId} reset ${body.reason}` : `${streamId} ${body.kind}`;
    });
  }

  async sees(...frames: string[]): Promise<void> {
    await until(() => this.messages.length >= frames.length || this.closed !== undefined);
    expect(this.seen).toEqual(frames);
  }

  async closesWith(code: number): Promise<void> {
    await until(() => this.closed !== undefined);
    expect(this.closed?.code).toBe(code);
  }
}

export function data(payload: string | Uint8Array, seq = 0): FrameBody {
  return { kind: 'data', seq, segmentIndex: 0, segmentCount: 1, payload: Buffer.from(payload) };
}

/** A rendezvous on a free port, with a token of each role, closed with the test. */
export async function rendezvousForTest(options: Partial<Omit<RendezvousOptions, 'tokens'>> = {}) {
  const tokens = new MemoryTokenStore();
  const executorToken = tokens.create('executor', ENV).token;
  const harnessToken = tokens.create('harness', ENV).token;
  const rendezvous = await startRendezvous({ listen: 'http://127.0.0.1:0', tokens, ...options });
  onTestFinished(() => rendezvous.close());

  const register = async (): Promise<string> => {
    const response = await post(`${rendezvous.url}/cloud/environment/${ENV}/register`, executorToken);
    expect(response.status).toBe(200);
    return response.body.url as string;
  };
  const urlOfHarness = harnessUrl(rendezvous.url, ENV, harnessToken);
  return {
    ...rendezvous,
    tokens,
    executorToken,
    harnessToken,
    harnessUrl: urlOfHarness,
    register,
    executor: async () => RelayPeer.connect(await register()),
    harness: () => RelayPeer.connect(urlOfHarness),
  };
}

export interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Response['headers'];
}

export async function post(
  url: string,
  token?: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...authorization, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  };
}

/** The refusal of a WebSocket upgrade. */
export async function refusalOf(url: string, headers: Record<string, string> = {}): Promise<Refused> {
  const socket = new WebSocket(url, { headers });
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const { error } = JSON.parse(Buffer.concat(chunks).toString());
  expect(error.message).toMatch(/\w+ \w+/);
  return { status: response.statusCode, code: error.code };
}
