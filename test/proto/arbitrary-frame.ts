/**
 * Frames as fast-check draws them: every one may be sent, and every field and kind of body turns up.
 */
import fc from 'fast-check';
import { type Frame, type FrameBody, RELIABILITY_RELIABLE, UINT32_MAX } from '../../proto/frame.js';

const uint32 = fc.oneof(fc.constantFrom(0, 1, 2 ** 31, UINT32_MAX), fc.integer({ min: 0, max: UINT32_MAX }));
const payload = fc.uint8Array({ minLength: 1, maxLength: 200 });
const text = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  .filter((value) => value.trim() !== '' && value.isWellFormed());

const controlBody: fc.Arbitrary<FrameBody> = fc.oneof(
  fc.constant({ kind: 'ack' as const }),
  fc.constant({ kind: 'heartbeat' as const }),
  fc.record({ kind: fc.constant('resume' as const), nextSeq: uint32 }),
  fc.record({ kind: fc.constant('reset' as const), reason: text }),
  fc.record({ kind: fc.constant('handshake' as const), payload }),
);

const wholeMessage = fc.record({
  kind: fc.constant('data' as const),
  seq: uint32,
  segmentIndex: fc.constant(0),
  segmentCount: fc.constant(1),
  payload,
});

const segment = fc
  .record({ kind: fc.constant('data' as const), seq: uint32, one: uint32, other: uint32, payload })
  .filter(({ one, other }) => one !== other)
  .map(({ one, other, ...data }) => ({
    ...data,
    segmentIndex: Math.min(one, other),
    segmentCount: Math.max(one, other),
  }));

const numbers = { ack: uint32, ackBits: uint32 };
const maybe = fc.record(
  { receiveWindow: uint32, traceparent: fc.string({ maxLength: 60 }), tracestate: fc.string({ maxLength: 60 }) },
  { requiredKeys: [] },
);

const plain = fc.record({
  streamId: text,
  ...numbers,
  // Values that nobody has given a meaning to count as none.
  reliability: fc.constantFrom(0, 2, UINT32_MAX),
  body: fc.oneof(wholeMessage, controlBody),
});

const reliable = fc.record({
  streamId: text,
  ...numbers,
  reliability: fc.constant(RELIABILITY_RELIABLE),
  body: fc.oneof(wholeMessage, segment, controlBody),
});

export const arbitraryFrame: fc.Arbitrary<Frame> = fc
  .tuple(fc.oneof(plain, reliable), maybe)
  .map(([frame, rest]) => ({ ...frame, ...rest }));

/** Payloads that are written by other code than small ones; where the number of bytes a length takes changes. */
export const largePayload: fc.Arbitrary<Uint8Array> = fc
  .constantFrom(1023, 1024, 1025, 16_300, 16_368, 16_369, 16_383, 16_384, 16_385, 61_440, 2_097_140, 2_097_152)
  .chain((length) => fc.nat(255).map((byte) => new Uint8Array(length).fill(byte)));
