/**
 * Cutting a message into segments (DESIGN §5.2.2). The pieces are views: no byte is copied here.
 */

/** How many segments of at most `segmentBytes` a message of `bytes` makes; an empty message still makes one. */
export function countSegments(bytes: number, segmentBytes: number): number {
  return Math.max(1, Math.ceil(bytes / segmentBytes));
}

/** The payload of segment `index`, a view on the message. */
export function segmentOf(message: Uint8Array, index: number, segmentBytes: number): Uint8Array {
  if (message.length <= segmentBytes) return message;
  return message.subarray(index * segmentBytes, (index + 1) * segmentBytes);
}
