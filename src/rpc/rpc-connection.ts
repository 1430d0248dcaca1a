/**
 * One JSON-RPC connection: requests are served strictly in the order they came (or `concurrency` at a time), replies
 * leave in the same tick where the method is synchronous, and what waits is bounded.
 * It knows neither methods nor sockets.
 */
import type { Limits } from '../../proto/limits.js';
import type { Logger } from '../observe/log.js';
import { encodeError, encodeMalformed, encodeResult, type Incoming, parseMessage } from './envelope.js';
import { RpcCode, RpcError } from './rpc-error.js';
import { type MethodTable, Parked } from './rpc-method.js';
import type { RpcConnection, RpcTransport } from './transport.js';

/** The session's half of a connection. */
export interface ConnectionPeer {
  /** False drops the connection: the client broke the protocol. */
  notified(method: string): boolean;
  /** The transport takes more output again. */
  writable(): void;
  /** The connection is over, for whatever reason. Called once. */
  closed(reason: string): void;
}

export interface ServedConnectionOptions<Context extends ConnectionPeer> {
  readonly transport: RpcTransport;
  readonly methods: MethodTable<Context>;
  readonly context: Context;
  readonly limits: Pick<Limits, 'queuedMessages' | 'queuedBytes' | 'messageBytes'>;
  /** Requests served at a time. */
  readonly concurrency: number;
  readonly log: Logger;
}

/**
 * Bytes of replies that may still be given to a transport that is full already: enough to terminate or signal a
 * process whose output nobody reads, too little for bulk.
 */
const REPLIES_WHILE_FULL_BYTES = 1024 * 1024;

/** Shares of the queue at which the peer is held back and let go again. */
const HOLD_ABOVE = 0.25;
const RELEASE_BELOW = 0.125;

export class ServedConnection<Context extends ConnectionPeer> implements RpcConnection {
  readonly #options: ServedConnectionOptions<Context>;
  readonly #transport: RpcTransport;
  #queue: Uint8Array[] = [];
  /** Index of the first waiting message in the queue. */
  #head = 0;
  #queuedBytes = 0;
  #running = 0;
  /** Bytes of replies sent since the transport became full. */
  #repliedWhileFull = 0;
  /** The peer is held back because much waits. */
  #held = false;
  #ended = false;

  constructor(options: ServedConnectionOptions<Context>) {
    this.#options = options;
    this.#transport = options.transport;
    this.#transport.onWritable(() => {
      if (this.#ended) return;
      this.#repliedWhileFull = 0;
      this.#options.context.writable();
      this.#serve();
    });
  }

  receive(messages: readonly Uint8Array[]): void {
    if (this.#ended) return;
    for (const message of messages) {
      this.#queue.push(message);
      this.#queuedBytes += message.byteLength;
    }
    this.#serve();
    if (this.#fullness() > 1) this.#drop('queue_full');
    else if (!this.#held && this.#fullness() > HOLD_ABOVE) this.#hold(true);
  }

  closed(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue = [];
    this.#options.context.closed(reason);
  }

  #serve(): void {
    // A client that does not read its replies is not served more of them.
    while (this.#head < this.#queue.length && this.#running < this.#options.concurrency && this.#takesReplies()) {
      const message = this.#queue[this.#head] as Uint8Array;
      this.#head++;
      this.#queuedBytes -= message.byteLength;
      this.#handle(parseMessage(message));
    }
    if (this.#held && this.#fullness() < RELEASE_BELOW) this.#hold(false);
    if (this.#head === this.#queue.length) this.#queue = [];
    else if (this.#head > this.#queue.length / 2) this.#queue = this.#queue.slice(this.#head);
    else return;
    this.#head = 0;
  }

  /** How much of what may wait does: 1 is all of it. */
  #fullness(): number {
    const { queuedMessages, queuedBytes } = this.#options.limits;
    return Math.max((this.#queue.length - this.#head) / queuedMessages, this.#queuedBytes / queuedBytes);
  }

  #hold(held: boolean): void {
    this.#held = held;
    this.#transport.setReading(!held);
  }

  #takesReplies(): boolean {
    return this.#transport.writable || this.#repliedWhileFull < REPLIES_WHILE_FULL_BYTES;
  }

  #reply(message: Uint8Array): void {
    if (!this.#transport.writable) this.#repliedWhileFull += message.byteLength;
    this.#transport.send(message);
  }

  #handle(message: Incoming): void {
    switch (message.kind) {
      case 'request':
        this.#call(message.id, message.method, message.params);
        break;
      case 'notification':
        if (!this.#options.context.notified(message.method)) this.#drop('unexpected_notification');
        break;
      case 'response':
        this.#drop('unexpected_response');
        break;
      case 'malformed':
        if (this.#transport.isStrict) this.#drop('message_malformed');
        else this.#reply(encodeMalformed(this.#transport.peer, message.detail));
        break;
    }
  }

  #call(id: string, name: string, params: unknown): void {
    let result: unknown;
    try {
      const method = this.#options.methods.get(name);
      if (method === undefined) {
        throw new RpcError(RpcCode.methodNotFound, `exec-server stub does not implement \`${name}\` yet`);
      }
      const decoded = method.decode(params) as never;
      method.admit(this.#options.context);
      result = method.call(decoded, this.#options.context);
    } catch (error) {
      this.#reject(id, name, error);
      return;
    }
    if (result instanceof Parked) this.#settleLater(id, name, result.reply);
    else if (result instanceof Promise) {
      this.#running++;
      this.#settleLater(id, name, result, () => {
        this.#running--;
      });
    } else this.#resolve(id, result);
  }

  /** `release` frees the place of the request, just before its answer leaves. */
  #settleLater(id: string, name: string, reply: Promise<unknown>, release = () => {}): void {
    reply.then(
      (result) => {
        release();
        this.#resolve(id, result);
        this.#serve();
      },
      (error: unknown) => {
        release();
        this.#reject(id, name, error);
        this.#serve();
      },
    );
  }

  #resolve(id: string, result: unknown): void {
    if (this.#ended) return;
    const reply = encodeResult(id, result);
    const limit = this.#transport.messageBytes ?? this.#options.limits.messageBytes;
    if (reply.byteLength <= limit) this.#reply(reply);
    else {
      const message = `the answer has ${reply.byteLength} bytes and this transport carries at most ${limit}: ask for less at a time`;
      this.#reply(encodeError(id, new RpcError(RpcCode.internal, message)));
    }
  }

  #reject(id: string, name: string, error: unknown): void {
    if (this.#ended) return;
    if (error instanceof RpcError) {
      this.#reply(encodeError(id, error));
      return;
    }
    // A defect of ours: the log gets the truth, the client must not.
    this.#options.log.error({ err: error, method: name }, 'a method failed unexpectedly');
    this.#reply(encodeError(id, new RpcError(RpcCode.internal, 'internal error')));
  }

  #drop(reason: string): void {
    if (this.#ended) return;
    this.#options.log.warn({ peer: this.#transport.peer, reason }, 'dropping a connection that broke the protocol');
    this.closed(reason);
    this.#transport.end(reason);
  }
}
