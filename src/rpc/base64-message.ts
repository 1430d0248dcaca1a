/**
 * JSON messages that carry bulk bytes as base64, built straight into one buffer: such bytes never become one
 * large string and never pass through JSON.stringify, which costs ten times as much.
 */

import { messageRooms } from './message-rooms.js';

/** Multiple of 3, so that slices join without padding; larger strings leave the young heap and cost collections. */
const SLICE_BYTES = 48 * 1024;

/** Text is written as UTF-8, bytes as base64. */
export type MessagePart = string | Uint8Array;

function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** The message may be given back to {@link messageRooms} once nobody needs it any more. */
export function joinMessage(parts: readonly MessagePart[]): Buffer {
  if (parts.every((part) => typeof part === 'string')) return Buffer.from(parts.join(''));
  let size = 0;
  for (const part of parts) {
    size += typeof part === 'string' ? Buffer.byteLength(part) : base64Length(part.byteLength);
  }
  const message = messageRooms.take(size);
  let offset = 0;
  for (const part of parts) {
    offset += typeof part === 'string' ? message.write(part, offset) : writeBase64(message, offset, part);
  }
  return message;
}

/** Writes `bytes` as base64 at `offset` and returns how many bytes that took. */
function writeBase64(target: Buffer, offset: number, bytes: Uint8Array): number {
  const source = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let written = 0;
  for (let start = 0; start < source.byteLength; start += SLICE_BYTES) {
    const slice = source.toString('base64', start, Math.min(start + SLICE_BYTES, source.byteLength));
    written += target.write(slice, offset + written, 'latin1');
  }
  return written;
}
