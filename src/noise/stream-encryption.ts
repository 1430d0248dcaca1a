/**
 * The encryption of one stream, as a relay endpoint holds it: its half of the handshake, and after it a channel that
 * seals what leaves and opens what came. It numbers no frames and knows no socket.
 */
import type { InitiatorPort, ResponderPort } from '../../machines/stream-types.js';
import type { NoiseChannel } from './noise-channel.js';
import { NoiseError } from './noise-error.js';

/** Takes the channel when the handshake has made one. */
export type OpenedChannel = (channel: NoiseChannel) => void;

/** Begins the handshakes of a harness, one for each stream of its own; `opened` is called before `conclude` resolves. */
export interface Initiator {
  initiate(streamId: string, opened: OpenedChannel): InitiatorPort;
}

/** Answers the handshakes of an executor's peers; `opened` is called before `authorise` resolves with a yes. */
export interface Responder {
  respond(streamId: string, greeting: Uint8Array, opened: OpenedChannel): ResponderPort;
}

export class StreamEncryption {
  #channel: NoiseChannel | undefined;
  #isWiped = false;

  /** The handshake's result; wiped at once when the stream is over already. */
  readonly take: OpenedChannel = (channel) => {
    this.#channel = channel;
    if (this.#isWiped) channel.wipe();
  };

  /** Records of whole messages, in order. Throws {@link NoiseError}; the stream must be reset then. */
  seal(messages: readonly Uint8Array[]): Uint8Array[] {
    const channel = this.#opened();
    return messages.flatMap((message) => channel.seal(message));
  }

  /** Messages that these records complete, which must come in their order, each once. Throws {@link NoiseError}. */
  *open(records: readonly Uint8Array[]): Generator<Uint8Array, void, void> {
    const channel = this.#opened();
    for (const record of records) yield* channel.open(record, channel.opener.next);
  }

  /** The stream is over: nothing can be sealed or opened any more. */
  wipe(): void {
    this.#isWiped = true;
    this.#channel?.wipe();
  }

  #opened(): NoiseChannel {
    if (this.#channel !== undefined) return this.#channel;
    throw new NoiseError('noise_secret_wiped', 'a stream was used before its handshake was done', 'local');
  }
}
