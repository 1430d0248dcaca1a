import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeFrame, type FileReply, FrameDecoder } from '../../../src/host/sandbox/file-frames.js';

it('frames arrive as they left, however the pipe cuts them', () => {
  const replies = fc.array(
    fc.record({ id: fc.nat(), result: fc.string({ unit: 'binary' }), bytes: fc.uint8Array({ maxLength: 300 }) }),
  );
  fc.assert(
    fc.property(replies, fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }), (sent, cuts) => {
      const wire = Buffer.concat(sent.flatMap(({ id, result, bytes }) => encodeFrame({ id, result }, bytes)));
      const decoder = new FrameDecoder<FileReply>();
      const arrived = [];
      for (let at = 0, cut = 0; at < wire.length; cut++) {
        const size = cuts[cut % cuts.length] ?? 1;
        for (const { message, bytes } of decoder.decode(wire.subarray(at, at + size))) {
          arrived.push({ ...message, bytes: new Uint8Array(bytes) });
        }
        at += size;
      }
      expect(arrived).toEqual(sent.map((reply) => ({ ...reply, result: JSON.parse(JSON.stringify(reply.result)) })));
    }),
  );
});
