/**
 * The two directions of an open channel (relay.md §6.7): each record is sealed once, under a number that is never sent,
 * and opened at its place in the order. A record that has to be sent again is the same bytes again; order and
 * duplicates are settled before anything comes here (machines/protocol/noise-order.ts, receive-window.ts).
 */
import { RECORD_PLAINTEXT_BYTES } from '../../machines/protocol/noise-framing.js';
import { UINT32_MAX } from '../../proto/frame.js';
import { openRecord, sealRecord } from './aes-gcm.js';
import { NoiseError } from './noise-error.js';
import type { SecretBytes } from './secret-bytes.js';
import { TAG_BYTES } from './suite.js';

const NOTHING = new Uint8Array();

/** A stream has this many records in each direction: the seq after the last one would be 2^32 - 1 (relay.md §7.2). */
const MOST_RECORDS = UINT32_MAX;

export class RecordSealer {
  readonly #key: SecretBytes;
  #next: number;

  /** `next` is for tests of the last numbers only. */
  constructor(key: SecretBytes, next = 0) {
    this.#key = key;
    this.#next = next;
  }

  /** Number of the record that is sealed next, from 0. */
  get next(): number {
    return this.#next;
  }

  /** One record of at most 61,440 bytes of plaintext, which may come in parts. Records must be sent in this order. */
  seal(plaintext: readonly Uint8Array[]): Buffer {
    const bytes = plaintext.reduce((sum, part) => sum + part.length, 0);
    if (bytes > RECORD_PLAINTEXT_BYTES) {
      const message = `a record holds at most ${RECORD_PLAINTEXT_BYTES} bytes, got ${bytes}; cut the message first`;
      throw new NoiseError('noise_record_oversized', message, 'local');
    }
    if (this.#next >= MOST_RECORDS) throw exhausted('local');
    return sealRecord(this.#key.bytes, this.#next++, NOTHING, plaintext);
  }

  wipe(): void {
    this.#key.wipe();
  }
}

export class RecordOpener {
  readonly #key: SecretBytes;
  #next: number;

  /** `next` is for tests of the last numbers only. */
  constructor(key: SecretBytes, next = 0) {
    this.#key = key;
    this.#next = next;
  }

  /** Number of the record that is opened next, from 0. */
  get next(): number {
    return this.#next;
  }

  /**
   * Plaintext of the record with this number, which must be {@link next}: whoever calls has settled the order.
   * After a record that does not open, nothing is opened any more.
   */
  open(record: Uint8Array, number: number): Buffer {
    if (number !== this.#next) {
      const message = `record ${number} was offered for opening where ${this.#next} is next: a defect of this end`;
      throw new NoiseError('noise_record_misordered', message, 'local');
    }
    if (number >= MOST_RECORDS) throw this.#fail(exhausted('peer'));
    if (record.length < TAG_BYTES) {
      const message = `a record of ${record.length} bytes is shorter than its tag`;
      throw this.#fail(new NoiseError('noise_record_undersized', message, 'peer'));
    }
    if (record.length > RECORD_PLAINTEXT_BYTES + TAG_BYTES) {
      const message = `a record has at most ${RECORD_PLAINTEXT_BYTES + TAG_BYTES} bytes, got ${record.length}`;
      throw this.#fail(new NoiseError('noise_record_oversized', message, 'peer'));
    }
    const plaintext = openRecord(this.#key.bytes, number, NOTHING, record);
    if (plaintext === undefined) {
      const message = `record ${number} does not open: it was altered, or belongs elsewhere`;
      throw this.#fail(new NoiseError('noise_record_unauthentic', message, 'peer'));
    }
    this.#next += 1;
    return plaintext;
  }

  wipe(): void {
    this.#key.wipe();
  }

  #fail(error: NoiseError): NoiseError {
    this.wipe();
    return error;
  }
}

function exhausted(initiator: 'local' | 'peer'): NoiseError {
  return new NoiseError(
    'noise_records_exhausted',
    'the stream has used all its record numbers; open another',
    initiator,
  );
}
