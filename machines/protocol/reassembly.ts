/**
 * Putting a message together again from segments that arrive in order (DESIGN §5.2.2).
 * It judges the segment facts; what a contradiction means for the stream is for the caller.
 */

/** The message that is being put together; `count` 0 says that none is. */
export interface PartialMessage {
  /** Segments the whole message has. */
  readonly count: number;
  readonly parts: readonly Uint8Array[];
  /** Bytes in `parts`. */
  readonly bytes: number;
}

export const noPartialMessage: PartialMessage = { count: 0, parts: [], bytes: 0 };

export type Assembled =
  | { readonly kind: 'incomplete'; readonly partial: PartialMessage }
  | { readonly kind: 'complete'; readonly message: Uint8Array }
  | { readonly kind: 'contradictory'; readonly message: string }
  | { readonly kind: 'oversized'; readonly message: string };

export interface SegmentFacts {
  readonly segmentIndex: number;
  readonly segmentCount: number;
  readonly payload: Uint8Array;
}

export interface MessageBounds {
  readonly messageBytes: number;
  readonly messageSegments: number;
}

/** Adds the next segment in order. */
export function assemble(partial: PartialMessage, segment: SegmentFacts, bounds: MessageBounds): Assembled {
  const { segmentIndex: index, segmentCount: count, payload } = segment;
  const expectedIndex = partial.parts.length;
  if (index !== expectedIndex || (partial.count !== 0 && count !== partial.count)) {
    const expected = partial.count === 0 ? 'the first of a message' : `segment ${expectedIndex} of ${partial.count}`;
    return { kind: 'contradictory', message: `segment ${index} of ${count} came where ${expected} belongs` };
  }
  const bytes = partial.bytes + payload.length;
  const { messageBytes, messageSegments } = bounds;
  if (bytes > messageBytes || count > messageSegments) {
    return {
      kind: 'oversized',
      message: `the message has more than ${messageBytes} bytes or ${messageSegments} segments`,
    };
  }
  if (count === 1) return { kind: 'complete', message: payload };
  const parts = [...partial.parts, payload];
  if (parts.length < count) return { kind: 'incomplete', partial: { count, parts, bytes } };
  return { kind: 'complete', message: concatenate(parts, bytes) };
}

function concatenate(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const message = new Uint8Array(bytes);
  let offset = 0;
  for (const part of parts) {
    message.set(part, offset);
    offset += part.length;
  }
  return message;
}
