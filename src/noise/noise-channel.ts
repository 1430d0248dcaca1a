/**
 * An open channel: messages become sealed records, and records in their order become messages. It neither numbers
 * frames nor orders them; that is the stream's part.
 */
import { betweenMessages, deframe, type PartialFraming, recordsOf } from '../../machines/protocol/noise-framing.js';
import { defaultLimits } from '../../proto/limits.js';
import { NoiseError } from './noise-error.js';
import { RecordOpener, RecordSealer } from './record-cipher.js';
import type { SecretBytes } from './secret-bytes.js';

export interface ChannelKeys {
  readonly sending: SecretBytes;
  readonly receiving: SecretBytes;
  /** 32 bytes, the same at both ends and of no other handshake. */
  readonly handshakeHash: Uint8Array;
}

export class NoiseChannel {
  readonly handshakeHash: Uint8Array;
  readonly sealer: RecordSealer;
  readonly opener: RecordOpener;
  readonly #messageBytes: number;
  #partial: PartialFraming = betweenMessages;

  /** `messageBytes` bounds one received message. */
  constructor({ sending, receiving, handshakeHash }: ChannelKeys, messageBytes = defaultLimits.messageBytes) {
    this.handshakeHash = handshakeHash;
    this.sealer = new RecordSealer(sending);
    this.opener = new RecordOpener(receiving);
    this.#messageBytes = messageBytes;
  }

  /** The records of one message, in the order in which they must be numbered and sent. */
  seal(message: Uint8Array): Buffer[] {
    return recordsOf(message).map((plaintext) => this.sealer.seal(plaintext));
  }

  /**
   * Messages that the record with this number, from 0, completes. Throws {@link NoiseError}; the stream must be reset
   * then, and nothing is opened any more.
   */
  open(record: Uint8Array, number: number): readonly Uint8Array[] {
    const plaintext = this.opener.open(record, number);
    const { partial, messages, violation } = deframe(this.#partial, plaintext, this.#messageBytes);
    this.#partial = partial;
    if (violation === undefined) return messages;
    this.wipe();
    throw new NoiseError(violation.code, violation.message, 'peer');
  }

  /** Nothing can be sealed or opened any more. */
  wipe(): void {
    this.sealer.wipe();
    this.opener.wipe();
    this.#partial = betweenMessages;
  }
}
