import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeDataFrame } from '../../proto/data-frame-writer.js';
import { type DataBody, FRAME_VERSION, type Frame, UINT32_MAX } from '../../proto/frame.js';
import { codex } from '../../proto/gen/relay.js';

const { RelayMessageFrame } = codex.exec_server.relay.v1;
const allocate = (size: number) => new Uint8Array(size).fill(0xee);

const uint32 = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 2 ** 14, 2 ** 21 - 1, 2 ** 28, 2 ** 31 - 1, 2 ** 31, UINT32_MAX),
  fc.integer({ min: 0, max: UINT32_MAX }),
);
const dataFrame = fc.record({
  streamId: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 200 }),
  ack: uint32,
  ackBits: uint32,
  reliability: uint32,
  receiveWindow: fc.option(uint32, { nil: undefined }),
  seq: uint32,
  segmentIndex: uint32,
  segmentCount: uint32,
  payload: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.constant(new Uint8Array(70_000).fill(7))),
});

describe('data frames written by hand', () => {
  it('have the bytes of the generated code', () => {
    fc.assert(
      fc.property(dataFrame, ({ streamId, ack, ackBits, reliability, receiveWindow, ...facts }) => {
        const body: DataBody = { kind: 'data', ...facts };
        const head = { streamId, ack, ackBits, reliability, ...(receiveWindow === undefined ? {} : { receiveWindow }) };
        const expected = RelayMessageFrame.encode({ version: FRAME_VERSION, ...head, data: facts }).finish();
        const written = writeDataFrame({ ...head, body }, body, allocate);
        expect(written !== undefined && Buffer.from(expected).equals(written)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('are left to the generated code where that takes more than a length', () => {
    const body: DataBody = { kind: 'data', seq: 1, segmentIndex: 0, segmentCount: 1, payload: new Uint8Array(1) };
    const frame: Frame = { streamId: 's', ack: 0, ackBits: 0, reliability: 0, body };
    expect(writeDataFrame(frame, body, allocate)).toBeDefined();
    for (const other of [{ streamId: 'ström' }, { traceparent: '00-1' }, { tracestate: '' }]) {
      expect(writeDataFrame({ ...frame, ...other }, body, allocate)).toBeUndefined();
    }
  });
});
