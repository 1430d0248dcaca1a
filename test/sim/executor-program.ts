/**
 * What runs at the executor's end of a simulated world: takes requests, works on each for a while, sends its outputs
 * and the answer. Several requests of a stream are worked on at once, so answers may overtake each other.
 */
import type { Clock } from '../../machines/clock.js';
import type { ChannelListener } from '../../src/carrier/relay-endpoint.js';
import type { StreamChannel } from '../../src/carrier/stream-channel.js';
import type { Message } from './message.js';
import type { Oracle } from './oracle.js';
import { Outbox } from './outbox.js';

export class ExecutorProgram {
  readonly #clock: Clock;
  readonly #oracle: Oracle;
  readonly #channels = new Map<string, StreamChannel>();

  constructor(clock: Clock, oracle: Oracle) {
    this.#clock = clock;
    this.#oracle = oracle;
  }

  /** Ids of the streams it serves. */
  get streams(): readonly string[] {
    return [...this.#channels.keys()];
  }

  channel(streamId: string): StreamChannel | undefined {
    return this.#channels.get(streamId);
  }

  accept(channel: StreamChannel): ChannelListener {
    const { streamId } = channel;
    const outbox = new Outbox(channel);
    const timers = new Set<unknown>();
    this.#channels.set(streamId, channel);
    this.#oracle.accepted('executor', streamId);
    return {
      receive: (messages) => {
        for (const bytes of messages) {
          const message = this.#oracle.delivered('executor', streamId, bytes);
          if (message?.kind !== 'request') continue;
          const timer = this.#clock.setTimeout(() => {
            timers.delete(timer);
            answer(outbox, message);
          }, message.work.delayMs);
          timers.add(timer);
        }
      },
      ended: () => {
        for (const timer of timers) this.#clock.clearTimeout(timer);
        if (this.#channels.get(streamId) === channel) this.#channels.delete(streamId);
      },
    };
  }
}

function answer(outbox: Outbox, { request, work }: Message): void {
  for (let index = 0; index < work.outputs; index += 1) {
    outbox.send({ kind: 'output', request, work }, work.outputBytes);
  }
  outbox.send({ kind: 'answer', request, work }, work.answerBytes);
}
