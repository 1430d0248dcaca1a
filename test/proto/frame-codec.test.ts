import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { type Frame, type FrameBody, plainFrame, RELIABILITY_RELIABLE, UINT32_MAX } from '../../proto/frame.js';
import { decodeFrame, encodeFrame } from '../../proto/frame-codec.js';
import { FrameDecodeError, FrameEncodeError } from '../../proto/frame-error.js';
import { defaultLimits } from '../../proto/limits.js';
import { SignalboxError } from '../../proto/signalbox-error.js';
import { arbitraryFrame, largePayload } from './arbitrary-frame.js';

const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const abc = new Uint8Array([0x61, 0x62, 0x63]);
const data = (facts: Partial<Extract<FrameBody, { kind: 'data' }>> = {}): FrameBody => ({
  kind: 'data',
  seq: 0,
  segmentIndex: 0,
  segmentCount: 1,
  payload: abc,
  ...facts,
});

/** Payloads as plain arrays, so that a Buffer equals the Uint8Array it was made from. */
function comparable(frame: Frame): unknown {
  const { body } = frame;
  return 'payload' in body ? { ...frame, body: { ...body, payload: [...body.payload] } } : frame;
}

function refusal(bytes: Uint8Array): FrameDecodeError {
  try {
    decodeFrame(bytes);
  } catch (error) {
    if (error instanceof FrameDecodeError) return error;
    throw error;
  }
  throw new Error('the frame was accepted');
}

function encodeRefusal(frame: Frame): FrameEncodeError {
  try {
    encodeFrame(frame);
  } catch (error) {
    if (error instanceof FrameEncodeError) return error;
    throw error;
  }
  throw new Error('the frame was encoded');
}

describe('the bytes of relay.md §2', () => {
  const examples: readonly [string, string, Frame][] = [
    ['resume', '08011202 7331 3a00', plainFrame('s1', { kind: 'resume', nextSeq: 0 })],
    ['handshake', '0801120273315205 0a03616263', plainFrame('s1', { kind: 'handshake', payload: abc })],
    ['data', '080112027331 2a07 1801 2203616263', plainFrame('s1', data())],
    [
      'data with an acknowledgement',
      '080112027331 1805 2003 2a09 0807 1801 2203616263',
      { ...plainFrame('s1', data({ seq: 7 })), ack: 5, ackBits: 3 },
    ],
    ['ack', '080112027331 1809 3200', { ...plainFrame('s1', { kind: 'ack' }), ack: 9 }],
    ['heartbeat', '080112027331 4a00', plainFrame('s1', { kind: 'heartbeat' })],
    [
      'reset',
      '080112027331 421c 0a1a 6e6f6973655f72656c61795f70726f746f636f6c5f6572726f72',
      plainFrame('s1', { kind: 'reset', reason: 'noise_relay_protocol_error' }),
    ],
  ];

  it.each(examples)('are written for %s', (_name, digits, frame) => {
    expect(Buffer.from(encodeFrame(frame)).toString('hex')).toBe(digits.replaceAll(' ', ''));
  });

  it.each(examples)('are read for %s', (_name, digits, frame) => {
    expect(comparable(decodeFrame(hex(digits)))).toEqual(comparable(frame));
  });

  it('carry trace context and our two fields where the schema puts them', () => {
    const frame: Frame = {
      ...plainFrame('s1', { kind: 'ack' }),
      reliability: RELIABILITY_RELIABLE,
      receiveWindow: 32,
      traceparent: '00-1',
      tracestate: 'a=b',
    };
    const digits = '080112027331 3200 5a0430302d31 6203613d62 b83f01 c03f20';
    expect(Buffer.from(encodeFrame(frame)).toString('hex')).toBe(digits.replaceAll(' ', ''));
    expect(decodeFrame(hex(digits))).toEqual(frame);
  });

  it('tell a receive window of 0 from none', () => {
    const full = { ...plainFrame('s1', { kind: 'ack' }), receiveWindow: 0 };
    expect(decodeFrame(encodeFrame(full)).receiveWindow).toBe(0);
    expect(decodeFrame(hex('080112027331 3200'))).not.toHaveProperty('receiveWindow');
  });
});

describe('a received frame that must not be acted upon (relay.md §3.1)', () => {
  it.each([
    ['bytes that are no protobuf', 'ff', 'frame_undecodable'],
    ['a field number of 0', '080112027331 3200 00', 'frame_undecodable'],
    ['a body that is cut short', '080112027331 2a07 1801 2203', 'frame_undecodable'],
    ['an id that is not UTF-8', '0801 120273ff 3a00', 'frame_undecodable'],
    ['a zero-length message', '', 'frame_version_unsupported'],
    ['no version', '12027331 3a00', 'frame_version_unsupported'],
    ['version 2', '080212027331 3a00', 'frame_version_unsupported'],
    ['a version of the wrong wire type', '0a0101 12027331 3a00', 'frame_version_unsupported'],
    ['no stream id', '0801 3a00', 'frame_stream_id_blank'],
    ['an empty stream id', '0801 1200 3a00', 'frame_stream_id_blank'],
    ['a stream id of blanks', '0801 12032009 0a 3a00', 'frame_stream_id_blank'],
    ['no body', '080112027331', 'frame_body_missing'],
    ['a body this schema does not know', '080112027331 6a00', 'frame_body_missing'],
    ['a body of the wrong wire type', '080112027331 2801', 'frame_body_missing'],
    ['data without a payload', '080112027331 2a02 1801', 'frame_payload_empty'],
    ['segment index 1', '080112027331 2a09 1001 1801 2203616263', 'frame_segment_facts_invalid'],
    ['segment count 0', '080112027331 2a05 2203616263', 'frame_segment_facts_invalid'],
    ['segment count 2', '080112027331 2a07 1802 2203616263', 'frame_segment_facts_invalid'],
    ['a reset without a reason', '080112027331 4200', 'frame_reset_reason_empty'],
    ['a handshake without a payload', '080112027331 5200', 'frame_payload_empty'],
  ])('has %s', (_name, digits, code) => {
    const error = refusal(hex(digits));
    expect(error.code).toBe(code);
    expect(error).toBeInstanceOf(SignalboxError);
    expect(error.initiator).toBe('peer');
  });

  it('has a stream id longer than the limit', () => {
    const longest = 'x'.repeat(defaultLimits.streamIdLength);
    expect(decodeFrame(encodeFrame(plainFrame(longest, { kind: 'ack' }))).streamId).toBe(longest);
    const bytes = Buffer.concat([hex('0801 12'), hex('8108'), Buffer.from(`${longest}x`), hex('3200')]);
    expect(refusal(bytes).code).toBe('frame_stream_id_too_long');
  });

  it('names its stream and its profile where they can be told', () => {
    const plain = refusal(hex('080112027331 2a02 1801'));
    expect([plain.scope, plain.streamId, plain.reliable]).toEqual(['stream', 's1', false]);
    const reliable = refusal(hex('080112027331 2a02 1801 b83f01'));
    expect([reliable.scope, reliable.streamId, reliable.reliable]).toEqual(['stream', 's1', true]);
    const unknown = refusal(hex('0801 12022020 2a02 1801'));
    expect([unknown.scope, unknown.streamId]).toEqual(['connection', undefined]);
    expect([refusal(hex('ff')).scope, refusal(hex('ff')).streamId]).toEqual(['connection', undefined]);
  });

  it('is only skipped when a later generation gave it a body of its own', () => {
    // Field 13 as a body: the stream must not be reset for what it may not understand.
    expect(refusal(hex('080112027331 6a00 b83f01')).reliable).toBe(false);
  });

  it('keeps what the decoder said as its cause', () => {
    expect(refusal(hex('ff')).cause).toBeInstanceOf(Error);
  });
});

describe('what releases take and we take too', () => {
  it.each([
    ['an id of 200 characters', 'x'.repeat(200)],
    ['an id with a blank before it', ' a'],
    ['an id with a line break after it', 'a\n'],
    ['an id beyond ASCII', 'Gleis 9¾'],
  ])('%s', (_name, streamId) => {
    expect(decodeFrame(encodeFrame(plainFrame(streamId, data()))).streamId).toBe(streamId);
  });

  it('a long reset reason', () => {
    const reason = 'r'.repeat(5000);
    expect(decodeFrame(encodeFrame(plainFrame('s1', { kind: 'reset', reason }))).body).toEqual({
      kind: 'reset',
      reason,
    });
  });

  it('unknown fields, before and after the body', () => {
    expect(decodeFrame(hex('7801 080112027331 7801 3a00 a20601 7f')).body).toEqual({ kind: 'resume', nextSeq: 0 });
  });

  it('the last of two bodies', () => {
    expect(decodeFrame(hex('080112027331 3a00 3200')).body).toEqual({ kind: 'ack' });
    expect(decodeFrame(hex('080112027331 3200 3a0208 05')).body).toEqual({ kind: 'resume', nextSeq: 5 });
  });

  it('segments where the frame announces the reliable profile, and only there', () => {
    const frame = plainFrame('s1', data({ segmentIndex: 2, segmentCount: 3 }));
    const reliable = { ...frame, reliability: RELIABILITY_RELIABLE };
    expect(comparable(decodeFrame(encodeFrame(reliable)))).toEqual(comparable(reliable));
    for (const reliability of [0, 2]) {
      expect(encodeRefusal({ ...frame, reliability }).code).toBe('frame_segment_facts_invalid');
    }
    const beyond = { ...reliable, body: data({ segmentIndex: 3, segmentCount: 3 }) };
    expect(encodeRefusal(beyond).code).toBe('frame_segment_facts_invalid');
    expect(encodeRefusal({ ...reliable, body: data({ segmentCount: 0 }) }).code).toBe('frame_segment_facts_invalid');
  });
});

describe('a decoder that lacks our fields', () => {
  const released = protobuf
    .parse(`
    syntax = "proto3";
    package codex.exec_server.relay.v1;
    message RelayMessageFrame {
      uint32 version = 1; string stream_id = 2; uint32 ack = 3; uint32 ack_bits = 4;
      oneof body { RelayData data = 5; RelayResume resume = 7; RelayReset reset = 8; }
    }
    message RelayData { uint32 seq = 1; uint32 segment_index = 2; uint32 segment_count = 3; bytes payload = 4; }
    message RelayResume { uint32 next_seq = 1; }
    message RelayReset { string reason = 1; }
  `)
    .root.lookupType('codex.exec_server.relay.v1.RelayMessageFrame');

  it('reads our frames as if they were not there', () => {
    const plain = plainFrame('s1', data({ seq: 3 }));
    const ours = { ...plain, reliability: RELIABILITY_RELIABLE, receiveWindow: 7 };
    const seen = (frame: Frame) => released.toObject(released.decode(encodeFrame(frame)), { bytes: Array });
    expect(seen(ours)).toEqual(seen(plain));
    expect(seen(ours)).toEqual({
      version: 1,
      streamId: 's1',
      data: { seq: 3, segmentCount: 1, payload: [0x61, 0x62, 0x63] },
    });
  });
});

describe('a frame this end must not send', () => {
  const reliable = { ...plainFrame('s1', data()), reliability: RELIABILITY_RELIABLE };
  const fields: readonly [string, (value: number) => Frame][] = [
    ['ack', (ack) => ({ ...reliable, ack })],
    ['ack_bits', (ackBits) => ({ ...reliable, ackBits })],
    ['reliability', (reliability) => ({ ...reliable, reliability })],
    ['receive_window', (receiveWindow) => ({ ...reliable, receiveWindow })],
    ['next_seq', (nextSeq) => ({ ...reliable, body: { kind: 'resume', nextSeq } })],
    ['seq', (seq) => ({ ...reliable, body: data({ seq }) })],
    ['segment_index', (segmentIndex) => ({ ...reliable, body: data({ segmentIndex, segmentCount: UINT32_MAX }) })],
    ['segment_count', (segmentCount) => ({ ...reliable, body: data({ segmentCount }) })],
  ];

  it.each(fields)('has a number that is no uint32 as %s', (name, frameWith) => {
    for (const value of [-1, 0.5, UINT32_MAX + 1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
      const error = encodeRefusal(frameWith(value));
      expect(error.code).toBe('frame_number_out_of_range');
      expect(error.message).toMatch(new RegExp(`^${name} must .*${value}$`));
      expect([error.scope, error.initiator]).toEqual(['stream', 'local']);
    }
  });

  it.each(fields.filter(([name]) => name !== 'segment_index'))(
    'may use the whole range of uint32 for %s',
    (_name, frameWith) => {
      const widest = frameWith(UINT32_MAX);
      expect(comparable(decodeFrame(encodeFrame(widest)))).toEqual(comparable(widest));
    },
  );

  it('would be dropped by its receiver', () => {
    const empty = new Uint8Array();
    expect(encodeRefusal(plainFrame(' \t', data())).code).toBe('frame_stream_id_blank');
    expect(encodeRefusal(plainFrame('s1', data({ payload: empty }))).code).toBe('frame_payload_empty');
    expect(encodeRefusal(plainFrame('s1', { kind: 'handshake', payload: empty })).code).toBe('frame_payload_empty');
    expect(encodeRefusal(plainFrame('s1', { kind: 'reset', reason: '' })).code).toBe('frame_reset_reason_empty');
    const id = 'x'.repeat(defaultLimits.streamIdLength + 1);
    expect(encodeRefusal(plainFrame(id, data())).code).toBe('frame_stream_id_too_long');
  });

  it('has text without a UTF-8 form', () => {
    const half = 'a\ud83d';
    const ack = plainFrame('s1', { kind: 'ack' });
    expect(encodeRefusal(plainFrame(half, data())).code).toBe('frame_text_malformed');
    expect(encodeRefusal(plainFrame('s1', { kind: 'reset', reason: half })).code).toBe('frame_text_malformed');
    expect(encodeRefusal({ ...ack, traceparent: half }).code).toBe('frame_text_malformed');
    expect(encodeRefusal({ ...ack, tracestate: half }).code).toBe('frame_text_malformed');
  });
});

describe('any bytes', () => {
  const RUNS = 100_000;

  /** The bytes are a frame that can be sent again, or are refused with the one error. */
  function holds(bytes: Uint8Array): void {
    let frame: Frame;
    try {
      frame = decodeFrame(bytes);
    } catch (error) {
      if (error instanceof FrameDecodeError) return;
      throw error;
    }
    encodeFrame(frame);
  }

  it('are a frame or a FrameDecodeError', () => {
    const start = hex('080112027331');
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.uint8Array({ maxLength: 48 }).map((tail) => Buffer.concat([start, tail])),
    );
    fc.assert(fc.property(bytes, holds), { numRuns: RUNS });
  });

  it('are so too where a frame was damaged on its way', () => {
    const damage = fc.array(fc.tuple(fc.nat(400), fc.nat(255), fc.constantFrom('set', 'cut', 'insert', 'remove')), {
      minLength: 1,
      maxLength: 4,
    });
    const damaged = fc.tuple(arbitraryFrame.map(encodeFrame), damage).map(([bytes, changes]) => {
      let damagedBytes = [...bytes];
      for (const [place, value, how] of changes) {
        const at = place % (damagedBytes.length + 1);
        if (how === 'set') damagedBytes[Math.min(at, damagedBytes.length - 1)] = value;
        else if (how === 'cut') damagedBytes = damagedBytes.slice(0, at);
        else if (how === 'insert') damagedBytes.splice(at, 0, value);
        else damagedBytes.splice(at, 1);
      }
      return Uint8Array.from(damagedBytes);
    });
    fc.assert(fc.property(damaged, holds), { numRuns: RUNS / 4 });
  });
});

describe('a frame', () => {
  it('comes back from its bytes as it was', () => {
    fc.assert(
      fc.property(arbitraryFrame, (frame) => {
        expect(comparable(decodeFrame(encodeFrame(frame)))).toEqual(comparable(frame));
      }),
      { numRuns: 2000 },
    );
  });

  it('comes back however large its payload is, in any profile', () => {
    const large = fc.tuple(arbitraryFrame, largePayload).map(([frame, payload]): Frame => {
      const facts =
        frame.reliability === 1 ? { segmentIndex: 3, segmentCount: 4 } : { segmentIndex: 0, segmentCount: 1 };
      return { ...frame, body: { kind: 'data', seq: frame.ack, ...facts, payload } };
    });
    fc.assert(
      fc.property(large, (frame) => {
        const { body, ...rest } = decodeFrame(encodeFrame(frame));
        if (body.kind !== 'data' || frame.body.kind !== 'data') throw new Error('not data');
        expect(Buffer.compare(body.payload, frame.body.payload)).toBe(0);
        const { payload: _, ...facts } = body;
        const { payload: __, ...given } = frame.body;
        const { body: ___, ...others } = frame;
        expect({ rest, facts }).toEqual({ rest: others, facts: given });
      }),
      { numRuns: 200 },
    );
  });

  it('lends its payload from the received bytes', () => {
    const bytes = hex('080112027331 2a07 1801 2203616263');
    const { body } = decodeFrame(bytes);
    if (body.kind !== 'data') throw new Error('not data');
    expect(body.payload.buffer).toBe(bytes.buffer);
    bytes[bytes.length - 1] = 0x7a;
    expect([...body.payload]).toEqual([0x61, 0x62, 0x7a]);
  });
});
