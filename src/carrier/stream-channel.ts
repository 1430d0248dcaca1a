/**
 * One stream as the JSON-RPC side sees it: messages in, messages out, and whether more may be sent now.
 * Messages sent in one turn of the event loop become one `flush` event of the stream's actor.
 */
import type { StreamEvent } from '../../machines/stream-types.js';
import type { RpcTransport } from '../rpc/transport.js';

/**
 * Bytes of one stream that may wait here, for its window and for the socket, before its sources are stopped: so few that
 * they are still in the processor's cache when they leave.
 */
const FULL_BYTES = 256 * 1024;
/** They go on when only so many are left. */
const READY_BYTES = 128 * 1024;

/** What the channel needs of the endpoint it belongs to. */
export interface ChannelOwner {
  sendEvent(streamId: string, event: StreamEvent): void;
  /** Messages of one turn, in order. */
  flush(streamId: string, messages: readonly Uint8Array[]): void;
  /** Bytes of the stream that wait for the socket. */
  bytesAtSocket(streamId: string): number;
}

export class StreamChannel implements RpcTransport {
  readonly streamId: string;
  readonly peer: string;
  readonly #owner: ChannelOwner;
  readonly messageBytes: number;
  readonly isStrict: boolean;
  #unflushed: Uint8Array[] = [];
  #unflushedBytes = 0;
  /** Bytes that wait for the send window. */
  #queuedBytes = 0;
  #full = false;
  #ended = false;
  /** What is sent waits here until the stream's handshake is done. */
  #held: boolean;
  #writableListener: (() => void) | undefined;

  /** One that is encrypted holds what is sent until its handshake is done. */
  constructor(streamId: string, owner: ChannelOwner, longestMessage: number, encrypted = false) {
    this.streamId = streamId;
    this.peer = `exec-server relay stream ${streamId}`;
    this.#owner = owner;
    this.messageBytes = longestMessage;
    this.isStrict = encrypted;
    this.#held = encrypted;
  }

  send(message: Uint8Array): void {
    if (this.#ended) return;
    if (message.length > this.messageBytes) {
      // Sent, it would cost every stream of the socket, not only this one (relay.md W10).
      this.end('message_oversized');
      return;
    }
    if (this.#unflushed.length === 0) queueMicrotask(() => this.#flush());
    this.#unflushed.push(message);
    this.#unflushedBytes += message.length;
    if (this.#waitingBytes() >= FULL_BYTES) this.#full = true;
  }

  get writable(): boolean {
    return !this.#full;
  }

  onWritable(listener: () => void): void {
    this.#writableListener = listener;
  }

  end(reason: string): void {
    if (this.#ended) return;
    this.#flush();
    this.#owner.sendEvent(this.streamId, { type: 'stream.reset', reason });
  }

  /** Ends in good order: what was sent arrives first. */
  close(): void {
    if (this.#ended) return;
    this.#flush();
    this.#owner.sendEvent(this.streamId, { type: 'stream.close' });
  }

  setReading(reading: boolean): void {
    this.#owner.sendEvent(this.streamId, { type: reading ? 'reader.resumed' : 'reader.paused' });
  }

  /** The handshake is done. */
  release(): void {
    this.#held = false;
    this.#flush();
  }

  /** The stream reports how much waits for its window. */
  queued(bytes: number): void {
    this.#queuedBytes = bytes;
    if (this.#waitingBytes() >= FULL_BYTES) this.#full = true;
    else this.recheck();
  }

  /** Less waits than before, perhaps little enough. */
  recheck(): void {
    if (!this.#full || this.#waitingBytes() > READY_BYTES) return;
    this.#full = false;
    // Outside of the turn of the actor that reported it.
    queueMicrotask(() => {
      if (!this.#full) this.#writableListener?.();
    });
  }

  /** The stream is over; nothing more is sent. */
  ended(): void {
    this.#ended = true;
    this.#unflushed = [];
    this.#unflushedBytes = 0;
  }

  #flush(): void {
    if (this.#held || this.#unflushed.length === 0) return;
    const messages = this.#unflushed;
    this.#unflushed = [];
    this.#unflushedBytes = 0;
    this.#owner.flush(this.streamId, messages);
    this.recheck();
  }

  #waitingBytes(): number {
    return this.#unflushedBytes + this.#queuedBytes + this.#owner.bytesAtSocket(this.streamId);
  }
}
