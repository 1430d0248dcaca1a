/**
 * Messages of a program that wait for its stream: it sends while the channel takes more, as every well-behaved source
 * does, and numbers what it sends.
 */
import type { StreamChannel } from '../../src/carrier/stream-channel.js';
import { encodeMessage, type Message } from './message.js';

interface Waiting {
  readonly message: Omit<Message, 'order'>;
  readonly fillerBytes: number;
}

export class Outbox {
  readonly #channel: StreamChannel;
  #waiting: Waiting[] = [];
  #next = 0;

  constructor(channel: StreamChannel) {
    this.#channel = channel;
    channel.onWritable(() => this.#pump());
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  send(message: Omit<Message, 'order'>, fillerBytes: number): void {
    this.#waiting.push({ message, fillerBytes });
    this.#pump();
  }

  #pump(): void {
    let sent = 0;
    for (const { message, fillerBytes } of this.#waiting) {
      if (!this.#channel.writable) break;
      this.#channel.send(encodeMessage({ ...message, order: this.#next }, fillerBytes));
      this.#next += 1;
      sent += 1;
    }
    this.#waiting.splice(0, sent);
  }
}
