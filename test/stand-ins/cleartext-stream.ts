/**
 * A harness on one stream of a fake rendezvous, as releases are: one frame a JSON-RPC message, seq from 0, no
 * acknowledgements (relay.md §4.1). It checks nothing; the frames it got are with the socket.
 */
import { plainFrame } from '../../proto/frame.js';
import { AwaitedList } from './awaited-list.js';
import type { PeerSocket } from './fake-rendezvous.js';

export interface RpcMessage {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

export class CleartextStream {
  readonly streamId: string;
  /** All messages of the stream from its peer, replies and notifications. */
  readonly messages = new AwaitedList<RpcMessage>('messages', (message) => JSON.stringify(message).slice(0, 300));
  readonly #socket: PeerSocket;
  #seq = 0;
  #requests = 0;

  /** Must be made before the peer sends on the stream; announces the stream by `resume`, as releases do. */
  constructor(socket: PeerSocket, streamId: string) {
    this.#socket = socket;
    this.streamId = streamId;
    socket.onFrame(({ streamId: ofStream, body }) => {
      if (ofStream !== streamId || body.kind !== 'data') return;
      this.messages.push(JSON.parse(Buffer.from(body.payload).toString('utf8')) as RpcMessage);
    });
    socket.send(plainFrame(streamId, { kind: 'resume', nextSeq: 0 }));
  }

  /** `initialize` and `initialized`; answers with the session id. */
  async initialize(params: Record<string, unknown> = {}): Promise<string> {
    const { result, error } = await this.request('initialize', { clientName: 'test', ...params });
    if (!result) throw new Error(`initialize failed: ${JSON.stringify(error)}`);
    this.notify('initialized');
    return String(result.sessionId);
  }

  /** Resolves with the reply, be it a result or an error. */
  request(method: string, params: Record<string, unknown> = {}): Promise<RpcMessage> {
    const id = ++this.#requests;
    this.sendMessage({ id, method, params });
    return this.messages.first((message) => message.id === id && message.method === undefined);
  }

  notify(method: string, params: Record<string, unknown> = {}): void {
    this.sendMessage({ method, params });
  }

  /** The first notification of the process, now or later. */
  notification(method: string, processId: string): Promise<RpcMessage> {
    return this.messages.first((message) => message.method === method && message.params?.processId === processId);
  }

  /** What a process has written so far, in the order of its `seq`. */
  outputOf(processId: string): Buffer {
    const chunks = this.messages.items
      .filter(({ method, params }) => method === 'process/output' && params?.processId === processId)
      .sort((one, other) => Number(one.params?.seq) - Number(other.params?.seq));
    return Buffer.concat(chunks.map(({ params }) => Buffer.from(String(params?.chunk), 'base64')));
  }

  sendMessage(message: RpcMessage): void {
    this.sendPayload(Buffer.from(JSON.stringify(message)));
  }

  sendPayload(payload: Uint8Array): void {
    this.#socket.send(
      plainFrame(this.streamId, { kind: 'data', seq: this.#seq++, segmentIndex: 0, segmentCount: 1, payload }),
    );
  }

  reset(reason: string): void {
    this.#socket.reset(this.streamId, reason);
  }
}
