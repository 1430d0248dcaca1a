/**
 * Messages inside encrypted records (relay.md §7.1): the plaintexts of a direction, one after another, are a stream of
 * bytes that says `u32 big-endian length || message` again and again. Cutting and joining only; no encryption, and no
 * idea of what a message means.
 */

/** Bytes of plaintext in one record, 60 KiB. */
export const RECORD_PLAINTEXT_BYTES = 61_440;

/** Bytes of a full record once it is sealed. */
export const RECORD_BYTES = RECORD_PLAINTEXT_BYTES + 16;

const LENGTH_BYTES = 4;
const LARGEST_LENGTH = 0xffff_ffff;
/** Room a message is given at first, whatever length it announces: what never comes must not cost memory. */
const FIRST_ROOM_BYTES = 64 * 1024;

const NOTHING = new Uint8Array();

/** Where the stream of bytes stands between two records. */
export interface PartialFraming {
  /** Bytes of a length that is not whole yet, at most 3; empty inside a message. */
  readonly prefix: Uint8Array;
  /** Announced length of the message that has begun; 0 between messages. */
  readonly length: number;
  /** Its bytes so far lie in the first `filled` of this room, which only the newest value may go on filling. */
  readonly room: Uint8Array;
  readonly filled: number;
}

export const betweenMessages: PartialFraming = { prefix: NOTHING, length: 0, room: NOTHING, filled: 0 };

export interface FramingViolation {
  readonly code: 'noise_message_empty' | 'noise_message_oversized';
  readonly message: string;
}

export interface Deframed {
  readonly partial: PartialFraming;
  /** Whole messages, in order; views on the plaintexts where a message lies in one record. */
  readonly messages: readonly Uint8Array[];
  /** Set when the peer announced an impossible length: messages before it stand, the stream must be reset. */
  readonly violation?: FramingViolation;
}

/**
 * The plaintexts of one message: records of 61,440 bytes, the last one shorter, and nothing of another message in it.
 * Each record comes in parts, which are views: no byte is copied.
 */
export function recordsOf(message: Uint8Array): readonly (readonly Uint8Array[])[] {
  if (message.length === 0 || message.length > LARGEST_LENGTH) {
    throw new RangeError(`a message in records has 1 to ${LARGEST_LENGTH} bytes, got ${message.length}`);
  }
  const prefix = new Uint8Array(LENGTH_BYTES);
  new DataView(prefix.buffer).setUint32(0, message.length);
  const firstEnd = RECORD_PLAINTEXT_BYTES - LENGTH_BYTES;
  const records: Uint8Array[][] = [[prefix, message.subarray(0, firstEnd)]];
  for (let start = firstEnd; start < message.length; start += RECORD_PLAINTEXT_BYTES) {
    records.push([message.subarray(start, start + RECORD_PLAINTEXT_BYTES)]);
  }
  return records;
}

/** Takes the plaintext of the next record. `messageBytes` bounds one message. */
export function deframe(before: PartialFraming, plaintext: Uint8Array, messageBytes: number): Deframed {
  const messages: Uint8Array[] = [];
  let { prefix, length, room, filled } = before;
  let offset = 0;
  while (offset < plaintext.length) {
    if (length === 0) {
      const wanted = plaintext.subarray(offset, offset + LENGTH_BYTES - prefix.length);
      offset += wanted.length;
      prefix = concat(prefix, wanted);
      if (prefix.length < LENGTH_BYTES) break;
      length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(0);
      prefix = NOTHING;
      const violation = judge(length, messageBytes);
      if (violation) return { partial: betweenMessages, messages, violation };
      continue;
    }
    const piece = plaintext.subarray(offset, offset + length - filled);
    offset += piece.length;
    if (filled === 0 && piece.length === length) {
      messages.push(piece);
    } else {
      room = roomFor(room, filled, filled + piece.length, length);
      room.set(piece, filled);
      filled += piece.length;
      if (filled < length) break;
      messages.push(room.subarray(0, length));
    }
    length = 0;
    room = NOTHING;
    filled = 0;
  }
  return { partial: { prefix, length, room, filled }, messages };
}

function judge(length: number, messageBytes: number): FramingViolation | undefined {
  if (length === 0) return { code: 'noise_message_empty', message: 'the peer announced a message of no bytes' };
  if (length <= messageBytes) return undefined;
  const message = `the peer announced a message of ${length} bytes; at most ${messageBytes} are accepted`;
  return { code: 'noise_message_oversized', message };
}

/** The room itself where it is large enough, else one of at least twice the size with the same content. */
function roomFor(room: Uint8Array, filled: number, needed: number, length: number): Uint8Array {
  if (needed <= room.length) return room;
  const larger = new Uint8Array(Math.min(length, Math.max(needed, 2 * room.length, FIRST_ROOM_BYTES)));
  larger.set(room.subarray(0, filled));
  return larger;
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other.slice();
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
