/**
 * A client of an executor in the same process: a transport in memory whose writability the test decides, and the
 * few things every scenario needs. Real processes and files are behind it.
 */
import type { OutputStream } from '../../machines/protocol/output-log.js';
import type { Executor } from '../../src/executor/executor.js';
import type { RpcConnection, RpcTransport } from '../../src/rpc/transport.js';
import { AwaitedList } from '../stand-ins/awaited-list.js';

export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly processId?: string; readonly [name: string]: unknown };
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string };
}

export class MemoryTransport implements RpcTransport {
  readonly peer = 'exec-server websocket 127.0.0.1:1';
  writable = true;
  /** False while the session side wants no more messages. */
  reading = true;
  ended: string | undefined;
  onMessage: (message: Uint8Array) => void = () => {};
  #writableListener: () => void = () => {};

  send(message: Uint8Array): void {
    if (this.ended === undefined) this.onMessage(message);
  }

  onWritable(listener: () => void): void {
    this.#writableListener = listener;
  }

  setReading(reading: boolean): void {
    this.reading = reading;
  }

  end(reason: string): void {
    this.ended = reason;
  }

  block(): void {
    this.writable = false;
  }

  unblock(): void {
    this.writable = true;
    this.#writableListener();
  }
}

export class MemoryClient {
  readonly transport = new MemoryTransport();
  readonly messages = new AwaitedList<Message>('messages', (message) => JSON.stringify(message).slice(0, 300));
  readonly #connection: RpcConnection;
  #lastId = 0;

  constructor(executor: Executor) {
    this.transport.onMessage = (bytes) => this.messages.push(JSON.parse(Buffer.from(bytes).toString()) as Message);
    this.#connection = executor.server.accept(this.transport);
  }

  static async ready(executor: Executor, resumeSessionId?: string): Promise<MemoryClient> {
    const client = new MemoryClient(executor);
    await client.result('initialize', { clientName: 'test', ...(resumeSessionId && { resumeSessionId }) });
    client.notify('initialized', {});
    return client;
  }

  get sessionId(): string {
    const reply = this.messages.items.find((message) => message.result?.sessionId !== undefined);
    return String(reply?.result?.sessionId);
  }

  raw(...texts: (string | Uint8Array)[]): void {
    this.#connection.receive(texts.map((text) => (typeof text === 'string' ? Buffer.from(text) : text)));
  }

  notify(method: string, params?: unknown): void {
    this.raw(JSON.stringify({ method, params }));
  }

  /** Sends without waiting; the id answers to `reply`. */
  post(method: string, params?: unknown): number {
    const id = ++this.#lastId;
    this.raw(JSON.stringify({ id, method, params }));
    return id;
  }

  reply(id: unknown): Promise<Message> {
    return this.messages.first((message) => message.id === id && message.method === undefined);
  }

  replied(id: unknown): boolean {
    return this.messages.items.some((message) => message.id === id && message.method === undefined);
  }

  request(method: string, params?: unknown): Promise<Message> {
    return this.reply(this.post(method, params));
  }

  async result(method: string, params?: unknown): Promise<Readonly<Record<string, unknown>>> {
    const { result, error } = await this.request(method, params);
    if (result === undefined) throw new Error(`${method}: ${error?.message}`);
    return result;
  }

  async error(method: string, params?: unknown): Promise<{ readonly code: number; readonly message: string }> {
    const { error, result } = await this.request(method, params);
    if (error === undefined) throw new Error(`${method} succeeded: ${JSON.stringify(result)}`);
    return error;
  }

  start(processId: string, script: string, options: object = {}): Promise<Message> {
    const argv = ['/bin/sh', '-c', script];
    return this.request('process/start', { processId, argv, cwd: '/', env: PATH_ONLY, tty: false, ...options });
  }

  /** The exit code, once everything of the process was told. */
  async closed(processId: string): Promise<number> {
    await this.messages.first(
      (message) => message.method === 'process/closed' && message.params?.processId === processId,
    );
    const exited = this.messages.items.find(
      (message) => message.method === 'process/exited' && message.params?.processId === processId,
    );
    return Number(exited?.params?.exitCode);
  }

  output(processId: string, stream?: OutputStream): Buffer {
    const chunks = this.messages.items.filter(
      ({ method, params }) =>
        method === 'process/output' && params?.processId === processId && (stream ?? params.stream) === params.stream,
    );
    return Buffer.concat(chunks.map(({ params }) => Buffer.from(String(params?.chunk), 'base64')));
  }

  async sees(processId: string, text: string): Promise<void> {
    await this.messages.first(() => this.output(processId).includes(text));
  }

  /** All output a process retains, as text. */
  async retained(processId: string, waitMs = 0): Promise<string> {
    const { chunks } = await this.result('process/read', { processId, waitMs });
    return (chunks as { chunk: string }[]).map(({ chunk }) => Buffer.from(chunk, 'base64').toString()).join('');
  }

  /** The transport breaks. */
  disconnect(): void {
    this.#connection.closed('test_disconnect');
  }
}

const PATH_ONLY = { PATH: '/usr/bin:/bin' };

export function base64(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64');
}
