/**
 * One stream as its endpoint holds it: the channel of its user, the user, what was delivered and not handed over yet,
 * and its encryption where it has one. It decides nothing about the stream; its actor does.
 */

import type { Actor } from 'xstate';
import type { streamMachine } from '../../machines/stream.machine.js';
import type { StreamEnd } from '../../machines/stream-types.js';
import { PROTOCOL_ERROR_REASON } from '../../proto/frame.js';
import type { Limits } from '../../proto/limits.js';
import { StreamEncryption } from '../noise/stream-encryption.js';
import type { Logger } from '../observe/log.js';
import { messageRooms } from '../rpc/message-rooms.js';
import type { ChannelListener } from './relay-endpoint-options.js';
import { type ChannelOwner, StreamChannel } from './stream-channel.js';

/** Messages over this length would cost the whole socket at the other end; leaves room for the frame around it. */
const FRAME_ROOM = 64 * 1024;

export type StreamActor = Pick<Actor<typeof streamMachine>, 'send' | 'getSnapshot'>;

export class ServedStream {
  actor: StreamActor | undefined;
  readonly #streamId: string;
  readonly #owner: ChannelOwner;
  readonly #limits: Limits;
  readonly #log: Logger;
  #channel: StreamChannel;
  #encryption: StreamEncryption | undefined;
  #listener: ChannelListener | undefined;
  /** Messages, or records, that its actor has let through and its user has not been given yet. */
  #inbox: Uint8Array[] = [];

  constructor(streamId: string, owner: ChannelOwner, limits: Limits, log: Logger) {
    this.#streamId = streamId;
    this.#owner = owner;
    this.#limits = limits;
    this.#log = log;
    this.#channel = new StreamChannel(streamId, owner, limits.websocketMessageBytes - FRAME_ROOM);
  }

  get channel(): StreamChannel {
    return this.#channel;
  }

  get isEncrypted(): boolean {
    return this.#encryption !== undefined;
  }

  /** It is encrypted, and nobody came to use it yet. */
  get isHandshaking(): boolean {
    return this.isEncrypted && this.#listener === undefined;
  }

  /** Asked for before anybody uses it. */
  encrypt(): StreamEncryption {
    this.#encryption = new StreamEncryption();
    // Records carry a message of any size, so a frame does not bound it.
    this.#channel = new StreamChannel(this.#streamId, this.#owner, this.#limits.messageBytes, true);
    return this.#encryption;
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener;
  }

  /** What leaves for these messages. Throws NoiseError. */
  sealed(messages: readonly Uint8Array[]): readonly Uint8Array[] {
    if (this.#encryption === undefined) return messages;
    const records = this.#encryption.seal(messages);
    for (const message of messages) messageRooms.give(message);
    return records;
  }

  deliver(messages: readonly Uint8Array[]): void {
    for (const message of messages) this.#inbox.push(message);
  }

  /** Outside of the actors' turns, so that what a message sets off can send them events of its own. */
  handOver(): void {
    // What comes behind a handshake waits until somebody is there.
    if (this.#inbox.length === 0 || this.#listener === undefined) return;
    const inbox = this.#inbox;
    this.#inbox = [];
    const messages = this.#encryption === undefined ? inbox : this.#unsealed(inbox, this.#encryption);
    if (messages.length === 0) return;
    try {
      this.#listener.receive(messages);
    } catch (error) {
      this.#log.error({ err: error, streamId: this.#streamId }, 'a message could not be served; its stream is reset');
      this.#channel.end('internal_error');
    }
  }

  /** The handshake is done: from here on the stream is its user's, who comes only now where it was begun by a peer. */
  opened(accept?: (channel: StreamChannel) => ChannelListener): void {
    // Outside of the turn of the actor that reported it: whoever comes sends events to actors too.
    queueMicrotask(() => {
      if (accept !== undefined) this.listen(accept(this.#channel));
      this.#listener?.opened?.();
      this.#channel.release();
      this.handOver();
    });
  }

  /** The stream is over. */
  ended(end: StreamEnd): void {
    this.#channel.ended();
    queueMicrotask(() => {
      this.handOver();
      this.#listener?.ended(end);
      this.#encryption?.wipe();
    });
  }

  /** What came before a record that does not open counts. */
  #unsealed(records: readonly Uint8Array[], encryption: StreamEncryption): readonly Uint8Array[] {
    const messages: Uint8Array[] = [];
    try {
      for (const message of encryption.open(records)) messages.push(message);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn({ streamId: this.#streamId, reason }, 'what arrived cannot be decrypted; its stream is reset');
      this.#channel.end(PROTOCOL_ERROR_REASON);
    }
    return messages;
  }
}
