/**
 * What a router must know of a frame, read from its bytes by walking over the field tags; bodies are stepped over.
 * It neither decodes nor copies a body and judges nothing an endpoint judges: segment facts, numbers, empty payloads.
 * For every frame that `decodeFrame` accepts it names the same stream, reliability and body (relay.md §2).
 */
import { FRAME_VERSION, type FrameBody } from './frame.js';
import { FrameDecodeError } from './frame-error.js';
import { defaultLimits } from './limits.js';

type BodyKind = FrameBody['kind'];

export interface RoutingHeader {
  readonly streamId: string;
  /** As on the wire: 0 or absent = none, 1 = reliable, anything else counts as none. */
  readonly reliability: number;
  /** Undefined for a body this version does not know: it is forwarded all the same. */
  readonly body: BodyKind | undefined;
  /** A `resume` of a stream that both its ends know: it is further than its start, or has heard of its peer. */
  readonly continues: boolean;
}

const VERSION_TAG = (1 << 3) | 0;
const STREAM_ID_TAG = (2 << 3) | 2;
const ACK_TAG = (3 << 3) | 0;
const ACK_BITS_TAG = (4 << 3) | 0;
const RESUME_TAG = (7 << 3) | 2;
const NEXT_SEQ_TAG = (1 << 3) | 0;
const RELIABILITY_TAG = (1015 << 3) | 0;

const BODY_BY_TAG: ReadonlyMap<number, BodyKind> = new Map([
  [(5 << 3) | 2, 'data'],
  [(6 << 3) | 2, 'ack'],
  [RESUME_TAG, 'resume'],
  [(8 << 3) | 2, 'reset'],
  [(9 << 3) | 2, 'heartbeat'],
  [(10 << 3) | 2, 'handshake'],
]);

/** Groups inside groups that are followed; the decoder of the endpoints stops at the same depth. */
const DEEPEST_GROUP = 100;

/** A UTF-16 character takes at most this many bytes in UTF-8. */
const UTF8_BYTES_PER_CHARACTER = 3;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the header of one binary WebSocket message. Throws {@link FrameDecodeError} only. */
export function readRoutingHeader(bytes: Buffer): RoutingHeader {
  const walk = new FieldWalk(bytes);
  let version = 0;
  let reliability = 0;
  let body: BodyKind | undefined;
  let idStart = 0;
  let idEnd = 0;
  let ack = 0;
  let ackBits = 0;
  let nextSeq = 0;
  // A field that comes twice counts as it came last, as in every protobuf decoder.
  while (walk.position < bytes.length) {
    const tag = walk.tag();
    if (tag === VERSION_TAG) {
      version = walk.uint32();
    } else if (tag === STREAM_ID_TAG) {
      idEnd = walk.endOfLengthDelimited();
      idStart = walk.position;
      walk.position = idEnd;
    } else if (tag === RELIABILITY_TAG) {
      reliability = walk.uint32();
    } else if (tag === ACK_TAG) {
      ack = walk.uint32();
    } else if (tag === ACK_BITS_TAG) {
      ackBits = walk.uint32();
    } else if (tag === RESUME_TAG) {
      body = 'resume';
      const end = walk.endOfLengthDelimited();
      nextSeq = readNextSeq(walk, end);
      walk.position = end;
    } else {
      body = BODY_BY_TAG.get(tag) ?? body;
      walk.skip(tag, 0);
    }
  }
  if (version !== FRAME_VERSION) {
    throw new FrameDecodeError({
      code: 'frame_version_unsupported',
      message: `relay frame version ${version} is not supported; this end speaks version ${FRAME_VERSION}`,
    });
  }
  const continues = body === 'resume' && (nextSeq > 1 || ack > 0 || ackBits > 0);
  return { streamId: readStreamId(bytes, idStart, idEnd), reliability, body, continues };
}

function readNextSeq(walk: FieldWalk, end: number): number {
  let nextSeq = 0;
  while (walk.position < end) {
    const tag = walk.tag();
    if (tag === NEXT_SEQ_TAG) nextSeq = walk.uint32();
    else walk.skip(tag, 0);
  }
  return nextSeq;
}

function readStreamId(bytes: Buffer, start: number, end: number): string {
  const longest = defaultLimits.streamIdLength;
  if (end - start > longest * UTF8_BYTES_PER_CHARACTER) throw streamIdTooLong(longest);
  const streamId = isAscii(bytes, start, end)
    ? bytes.toString('latin1', start, end)
    : decodeUtf8(bytes.subarray(start, end));
  if (streamId.length > longest) throw streamIdTooLong(longest);
  if (streamId.trim() === '') {
    throw new FrameDecodeError({
      code: 'frame_stream_id_blank',
      message: 'the frame names no stream: stream_id is blank',
    });
  }
  return streamId;
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    if ((bytes[index] as number) >= 0x80) return false;
  }
  return true;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    throw undecodable('its stream_id is not UTF-8', cause);
  }
}

function streamIdTooLong(longest: number): FrameDecodeError {
  return new FrameDecodeError({
    code: 'frame_stream_id_too_long',
    message: `stream_id is too long; at most ${longest} characters are accepted`,
  });
}

function undecodable(why: string, cause?: unknown): FrameDecodeError {
  return new FrameDecodeError({ code: 'frame_undecodable', message: `not a relay frame: ${why}` }, { cause });
}

/** A position in the bytes of one message, and the few protobuf steps a router takes from there. */
class FieldWalk {
  position = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Field number and wire type in one number; at most five bytes, 32 bits. */
  tag(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.#byte();
    if (last > 0x0f) throw undecodable('a field tag has more than 32 bits');
    return (value | (last << 28)) >>> 0;
  }

  /** The low 32 bits of a varint, which may be written in up to ten bytes. */
  uint32(): number {
    let value = 0;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      if (count < 5) value |= (byte & 0x7f) << (7 * count);
      if (byte < 0x80) return value >>> 0;
    }
    throw undecodable('a number has more than ten bytes');
  }

  /** Reads a length and says where the field ends; the position is then at its first byte. */
  endOfLengthDelimited(): number {
    let length = 0;
    for (let count = 0; count < 5; count++) {
      const byte = this.#byte();
      if (count === 4 && byte > 0x07) break;
      length |= (byte & 0x7f) << (7 * count);
      if (byte < 0x80) return this.#endAfter(length);
    }
    throw undecodable('a length has more than 31 bits');
  }

  /** Steps over the value of a field whose tag was just read. */
  skip(tag: number, depth: number): void {
    const field = tag >>> 3;
    if (field === 0) throw undecodable('field number 0');
    if (depth > DEEPEST_GROUP) throw undecodable('groups are nested too deeply');
    switch (tag & 7) {
      case 0:
        while (this.#byte() >= 0x80);
        return;
      case 1:
        this.position = this.#endAfter(8);
        return;
      case 2:
        this.position = this.endOfLengthDelimited();
        return;
      case 3:
        this.#skipGroup(field, depth);
        return;
      case 5:
        this.position = this.#endAfter(4);
        return;
      default:
        throw undecodable(`wire type ${tag & 7} where a field should start`);
    }
  }

  #skipGroup(field: number, depth: number): void {
    for (;;) {
      const tag = this.tag();
      if ((tag & 7) !== 4) {
        this.skip(tag, depth + 1);
      } else if (tag >>> 3 === field) {
        return;
      } else {
        throw undecodable('a group ends that did not start');
      }
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.position];
    if (byte === undefined) throw undecodable('it ends within a field');
    this.position += 1;
    return byte;
  }

  #endAfter(length: number): number {
    const end = this.position + length;
    if (end > this.#bytes.length) throw undecodable('a field is longer than the message');
    return end;
  }
}
