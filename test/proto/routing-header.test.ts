import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Frame, type FrameBody, plainFrame, UINT32_MAX } from '../../proto/frame.js';
import { decodeFrame, encodeFrame } from '../../proto/frame-codec.js';
import { FrameDecodeError } from '../../proto/frame-error.js';
import { defaultLimits } from '../../proto/limits.js';
import { readRoutingHeader } from '../../proto/routing-header.js';

const uint32 = fc.integer({ min: 0, max: UINT32_MAX });
const payload = fc.uint8Array({ minLength: 1, maxLength: 300 });
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((value) => value.trim() !== '');

const body: fc.Arbitrary<FrameBody> = fc.oneof(
  fc.record({ kind: fc.constant('data' as const), seq: uint32, payload }).map((data) => ({
    ...data,
    segmentIndex: 0,
    segmentCount: 1,
  })),
  fc.constant({ kind: 'ack' as const }),
  fc.record({ kind: fc.constant('resume' as const), nextSeq: uint32 }),
  fc.record({ kind: fc.constant('reset' as const), reason: text }),
  fc.constant({ kind: 'heartbeat' as const }),
  fc.record({ kind: fc.constant('handshake' as const), payload }),
);

const frame: fc.Arbitrary<Frame> = fc
  .record({
    streamId: text,
    ack: uint32,
    ackBits: uint32,
    reliability: fc.oneof(fc.constantFrom(0, 1), uint32),
    traceparent: fc.option(text),
    receiveWindow: fc.option(uint32),
    body,
  })
  .map(({ traceparent, receiveWindow, ...rest }) => ({
    ...rest,
    ...(traceparent === null ? {} : { traceparent }),
    ...(receiveWindow === null ? {} : { receiveWindow }),
  }));

/** Fields no schema names: varint, fixed 64, length-delimited, fixed 32, a group holding a string, and wrong wire types. */
const unknownField = fc
  .constantFrom('7801', '7801', '9906aabbccddeeff0011', '7a03616263', '7d01020304', '7b0a017a7c')
  .map(hex);
const wrongWireType = fc.constantFrom('0d01020304', '1001', '2801', 'ba3f0161').map(hex);

function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(' ', ''), 'hex');
}

function bytesOf(value: Frame): Buffer {
  return Buffer.from(encodeFrame(value));
}

function continues({ body, ack, ackBits }: Frame): boolean {
  return body.kind === 'resume' && (body.nextSeq > 1 || ack > 0 || ackBits > 0);
}

/** Both readers' view of the same bytes; undefined where one of them refuses. */
function agree(bytes: Buffer): boolean {
  let decoded: Frame;
  try {
    decoded = decodeFrame(bytes);
  } catch {
    return false;
  }
  expect(readRoutingHeader(bytes)).toEqual({
    streamId: decoded.streamId,
    reliability: decoded.reliability,
    body: decoded.body.kind,
    continues: continues(decoded),
  });
  return true;
}

function faultOf(bytes: Buffer): string {
  try {
    readRoutingHeader(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(FrameDecodeError);
    return (error as FrameDecodeError).code;
  }
  return 'none';
}

describe('the routing header', () => {
  it.each([
    ['resume', '08011202 7331 3a00'],
    ['handshake', '0801120273315205 0a03616263'],
    ['data', '080112027331 2a07 1801 2203616263'],
    ['data', '080112027331 1805 2003 2a09 0807 1801 2203616263'],
    ['ack', '080112027331 1809 3200'],
    ['heartbeat', '080112027331 4a00'],
    ['reset', '080112027331 421c 0a1a 6e6f6973655f72656c61795f70726f746f636f6c5f6572726f72'],
  ] as const)('names stream and body of the specification example %s', (kind, digits) => {
    expect(readRoutingHeader(hex(digits))).toEqual({ streamId: 's1', reliability: 0, body: kind, continues: false });
  });

  it('agrees with the codec on every valid frame', () => {
    fc.assert(
      fc.property(frame, (value) => {
        expect(agree(bytesOf(value))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('takes the last of repeated fields and steps over unknown ones, as the codec does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(frame.map(bytesOf), unknownField, wrongWireType), { maxLength: 6 }),
        frame,
        (before, last) => {
          expect(agree(Buffer.concat([...before, bytesOf(last)]))).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('reads a stream id and a body kind from the last that came', () => {
    const bytes = hex('0801 1202 7331 3a00 1202 7332 3200');
    expect(readRoutingHeader(bytes)).toEqual({ streamId: 's2', reliability: 0, body: 'ack', continues: false });
  });

  it('reads a number written in ten bytes', () => {
    const bytes = hex('08 81 80 80 80 80 80 80 80 80 00 1202 7331 3a00 b83f 81 80 80 80 10');
    expect(readRoutingHeader(bytes).reliability).toBe(1);
    expect(agree(bytes)).toBe(true);
  });

  it('knows a resume that goes on from one that starts a stream', () => {
    const resume = (nextSeq: number, ack = 0, ackBits = 0) =>
      readRoutingHeader(bytesOf({ ...plainFrame('s1', { kind: 'resume', nextSeq }), ack, ackBits })).continues;
    expect([resume(0), resume(1), resume(2), resume(1, 1), resume(1, 0, 2)]).toEqual([false, false, true, true, true]);
  });

  it('leaves the body unnamed when no schema knows it', () => {
    expect(readRoutingHeader(hex('0801 1202 7331 6a03 616263'))).toEqual({
      streamId: 's1',
      reliability: 0,
      body: undefined,
      continues: false,
    });
  });

  it.each([
    ['', 'frame_version_unsupported'],
    ['0802 1202 7331 3a00', 'frame_version_unsupported'],
    ['0801 3a00', 'frame_stream_id_blank'],
    ['0801 1202 2020 3a00', 'frame_stream_id_blank'],
    ['0801 1202 7331 1200 3a00', 'frame_stream_id_blank'],
    ['0801 1202 c328 3a00', 'frame_undecodable'],
    ['0801 1205 7331', 'frame_undecodable'],
    ['0801 12ffffffff7f', 'frame_undecodable'],
    ['0801 12ffffffff08', 'frame_undecodable'],
    ['08', 'frame_undecodable'],
    ['0801 ffffffffff01', 'frame_undecodable'],
    ['0801 0001', 'frame_undecodable'],
    ['0801 7c', 'frame_undecodable'],
    ['0801 7b 0a017a 84 01', 'frame_undecodable'],
    ['0801 7e', 'frame_undecodable'],
    ['0801 b83f ffffffffffffffffffffff01', 'frame_undecodable'],
  ])('refuses %s as %s', (digits, code) => {
    expect(faultOf(hex(digits))).toBe(code);
  });

  it('refuses groups nested without end instead of following them', () => {
    expect(faultOf(Buffer.concat([hex('08011202 7331'), Buffer.alloc(100_000, 0x7b)]))).toBe('frame_undecodable');
  });

  it('bounds the stream id in characters, and by its bytes before reading it', () => {
    const longest = 'ü'.repeat(defaultLimits.streamIdLength);
    const withId = (id: string) => {
      const name = Buffer.from(id);
      const size = Buffer.from([(name.length & 0x7f) | 0x80, name.length >>> 7]);
      return Buffer.concat([hex('080112'), size, name, hex('3a00')]);
    };
    expect(readRoutingHeader(withId(longest)).streamId).toBe(longest);
    expect(faultOf(withId(`${longest}x`))).toBe('frame_stream_id_too_long');
    expect(faultOf(withId('x'.repeat(3 * defaultLimits.streamIdLength + 1)))).toBe('frame_stream_id_too_long');
  });

  it('throws nothing but FrameDecodeError on 100,000 arbitrary byte strings, and agrees where the codec accepts', () => {
    // Half of them start as a frame does, so that many come past the first checks.
    const start = fc.constantFrom('', '0801', '080112027331', '0801120273313a00').map(hex);
    let accepted = 0;
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 40 }), (prefix, bytes) => {
        const message = Buffer.concat([prefix, bytes]);
        if (agree(message)) accepted += 1;
        else faultOf(message);
      }),
      { numRuns: 100_000 },
    );
    expect(accepted).toBeGreaterThan(1000);
  });

  it('steps over a large body without reading it', () => {
    const large = Buffer.alloc(8 * 1024 * 1024, 0xff);
    const bytes = bytesOf({
      streamId: 's1',
      ack: 0,
      ackBits: 0,
      reliability: 1,
      body: { kind: 'data', seq: 1, segmentIndex: 0, segmentCount: 1, payload: large },
    });
    expect(readRoutingHeader(bytes)).toEqual({ streamId: 's1', reliability: 1, body: 'data', continues: false });
  });
});
