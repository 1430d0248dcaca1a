/**
 * Requests and their answers over one transport, by json-rpc-2.0. It adds the `jsonrpc` member the library wants and
 * takes it off what leaves (jsonrpc.md §2); what the methods mean is not known here.
 */
import { JSONRPCClient, type JSONRPCErrorException } from 'json-rpc-2.0';
import type { HarnessError } from '../../machines/harness.machine.js';
import { SignalboxError } from '../../proto/signalbox-error.js';
import type { RpcTransport } from '../rpc/transport.js';

/** The executor answered with an error object. */
export class RemoteError extends SignalboxError {
  /** JSON-RPC code (jsonrpc.md §2). */
  readonly rpcCode: number;
  readonly method: string;

  constructor(method: string, rpcCode: number, message: string) {
    super('remote_error', message, { scope: 'stream', initiator: 'peer' });
    this.method = method;
    this.rpcCode = rpcCode;
  }
}

export type NotificationListener = (method: string, params: unknown) => void;

const METHOD_NOT_FOUND = -32601;

export class RpcClient {
  readonly #transport: RpcTransport;
  readonly #client: JSONRPCClient;
  readonly #notified: NotificationListener;
  #ended: HarnessError | undefined;

  constructor(transport: RpcTransport, notified: NotificationListener) {
    this.#transport = transport;
    this.#notified = notified;
    this.#client = new JSONRPCClient((payload) => this.#send(payload as Record<string, unknown>));
  }

  get isOver(): boolean {
    return this.#ended !== undefined;
  }

  /** Rejects with {@link RemoteError}, or with {@link HarnessError} when the transport ends first. */
  async request(method: string, params: object): Promise<unknown> {
    if (this.#ended) throw this.#ended;
    try {
      return await this.#client.request(method, params);
    } catch (error) {
      if (this.#ended) throw this.#ended;
      const { code, message } = error as JSONRPCErrorException;
      throw new RemoteError(method, code, message);
    }
  }

  notify(method: string, params: object): void {
    if (this.#ended === undefined) this.#client.notify(method, params);
  }

  receive(messages: readonly Uint8Array[]): void {
    for (const bytes of messages) {
      const message = parse(bytes);
      if (message === undefined) continue;
      const { id, method } = message;
      if (typeof method !== 'string') {
        this.#client.receive({ jsonrpc: '2.0', ...message } as Parameters<JSONRPCClient['receive']>[0]);
      } else if (id === undefined) {
        this.#notified(method, message.params);
      } else {
        // Nothing an executor may ask a harness is offered here; silence would leave it waiting.
        this.#send({ id, error: { code: METHOD_NOT_FOUND, message: `this client does not serve ${method}` } });
      }
    }
  }

  /** The transport is gone: every open request fails with this error. */
  end(error: HarnessError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#client.rejectAllPendingRequests(error.message);
  }

  #send({ jsonrpc: _, ...message }: Record<string, unknown>): void {
    this.#transport.send(Buffer.from(JSON.stringify(message)));
  }
}

function parse(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const message: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    return typeof message === 'object' && message !== null && !Array.isArray(message)
      ? (message as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
