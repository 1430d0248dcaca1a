/**
 * Data frames, written by hand (relay.md §2): they are nearly all of the traffic, and so one buffer of the right size is
 * filled once. The bytes are those of the generated code; frames that are less common are left to it.
 */
import { type DataBody, FRAME_VERSION, type Frame } from './frame.js';

/** Where a frame is written: exactly so many bytes, with anything in them. */
export type Allocate = (size: number) => Uint8Array;

const TAG = {
  version: 0x08,
  streamId: 0x12,
  ack: 0x18,
  ackBits: 0x20,
  data: 0x2a,
  seq: 0x08,
  segmentIndex: 0x10,
  segmentCount: 0x18,
  payload: 0x22,
} as const;
/** Two bytes each: fields 1015 and 1016 as varints. */
const RELIABILITY_TAG = 8120;
const RECEIVE_WINDOW_TAG = 8128;

/** Undefined for a frame that carries trace context, or a stream id beyond ASCII. The frame must be valid. */
export function writeDataFrame(frame: Frame, body: DataBody, allocate: Allocate): Uint8Array | undefined {
  const { streamId, ack, ackBits, reliability, receiveWindow } = frame;
  if (frame.traceparent !== undefined || frame.tracestate !== undefined || !isAscii(streamId)) return undefined;
  const { seq, segmentIndex, segmentCount, payload } = body;
  const dataLength =
    numberLength(seq) + numberLength(segmentIndex) + numberLength(segmentCount) + bytesLength(payload.length);
  const size =
    numberLength(FRAME_VERSION) +
    bytesLength(streamId.length) +
    numberLength(ack) +
    numberLength(ackBits) +
    bytesLength(dataLength) +
    (reliability === 0 ? 0 : 2 + varintLength(reliability)) +
    (receiveWindow === undefined ? 0 : 2 + varintLength(receiveWindow));

  const bytes = allocate(size);
  let at = putNumber(bytes, 0, TAG.version, FRAME_VERSION);
  at = putText(bytes, at, TAG.streamId, streamId);
  at = putNumber(bytes, at, TAG.ack, ack);
  at = putNumber(bytes, at, TAG.ackBits, ackBits);
  bytes[at] = TAG.data;
  at = putVarint(bytes, at + 1, dataLength);
  at = putNumber(bytes, at, TAG.seq, seq);
  at = putNumber(bytes, at, TAG.segmentIndex, segmentIndex);
  at = putNumber(bytes, at, TAG.segmentCount, segmentCount);
  bytes[at] = TAG.payload;
  at = putVarint(bytes, at + 1, payload.length);
  bytes.set(payload, at);
  at += payload.length;
  if (reliability !== 0) at = putVarint(bytes, putVarint(bytes, at, RELIABILITY_TAG), reliability);
  if (receiveWindow !== undefined) putVarint(bytes, putVarint(bytes, at, RECEIVE_WINDOW_TAG), receiveWindow);
  return bytes;
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) >= 0x80) return false;
  return true;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

/** Of a number with a tag of one byte; 0 is not written. */
function numberLength(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value);
}

function bytesLength(length: number): number {
  return 1 + varintLength(length) + length;
}

// Each of these returns the offset behind what it wrote.

function putNumber(bytes: Uint8Array, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  bytes[at] = tag;
  return putVarint(bytes, at + 1, value);
}

function putText(bytes: Uint8Array, at: number, tag: number, ascii: string): number {
  bytes[at] = tag;
  const start = putVarint(bytes, at + 1, ascii.length);
  for (let index = 0; index < ascii.length; index += 1) bytes[start + index] = ascii.charCodeAt(index);
  return start + ascii.length;
}

function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let offset = at;
  let rest = value;
  while (rest >= 0x80) {
    bytes[offset++] = (rest & 0x7f) | 0x80;
    // Not a shift where the value may need 32 bits and be taken for negative.
    rest = rest > 0x7fffffff ? Math.floor(rest / 0x80) : rest >>> 7;
  }
  bytes[offset++] = rest;
  return offset;
}
