import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  betweenMessages,
  deframe,
  type PartialFraming,
  RECORD_PLAINTEXT_BYTES,
  recordsOf,
} from '../../../machines/protocol/noise-framing.js';

const MOST = 64 * 1024 * 1024;

function deframeAll(plaintexts: readonly Uint8Array[], most = MOST) {
  let partial: PartialFraming = betweenMessages;
  const messages: Uint8Array[] = [];
  for (const plaintext of plaintexts) {
    const step = deframe(partial, plaintext, most);
    messages.push(...step.messages);
    if (step.violation) return { messages, partial: step.partial, violation: step.violation };
    partial = step.partial;
  }
  return { messages, partial };
}

/** A stream of bytes cut anywhere, also into nothing. */
function cutAt(stream: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  return ends.map((end, index) => stream.subarray(ends[index - 1] ?? 0, end));
}

const announcing = (length: number) => {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(length);
  return prefix;
};

describe('cutting a message', () => {
  it.each([
    [1, [5]],
    [RECORD_PLAINTEXT_BYTES - 4, [RECORD_PLAINTEXT_BYTES]],
    [RECORD_PLAINTEXT_BYTES - 3, [RECORD_PLAINTEXT_BYTES, 1]],
    [2 * RECORD_PLAINTEXT_BYTES, [RECORD_PLAINTEXT_BYTES, RECORD_PLAINTEXT_BYTES, 4]],
  ])('of %i bytes makes records of %j', (length, expected) => {
    const records = recordsOf(new Uint8Array(length));
    expect(records.map((parts) => Buffer.concat(parts).length)).toEqual(expected);
  });

  it('refuses a message of no bytes, which no receiver would take', () => {
    expect(() => recordsOf(new Uint8Array())).toThrow(RangeError);
  });
});

describe('joining', () => {
  const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 });

  it('gives back what was cut, however the stream of bytes is cut', () => {
    fc.assert(
      fc.property(messages, fc.array(fc.nat(), { maxLength: 40 }), (sent, places) => {
        const stream = Buffer.concat(sent.flatMap((message) => recordsOf(message).flat()));
        const { messages: received, partial } = deframeAll(cutAt(stream, places));
        expect(received.map((message) => [...message])).toEqual(sent.map((message) => [...message]));
        expect(partial).toEqual(betweenMessages);
      }),
    );
  });

  it('gives back a message of many records', () => {
    const message = Buffer.alloc(1_000_000, 'abcdefg');
    const plaintexts = recordsOf(message).map((parts) => Buffer.concat(parts));
    const {
      messages: [received],
    } = deframeAll(plaintexts);
    expect(message.equals(received as Uint8Array)).toBe(true);
  });

  it('gives the same from the same value again', () => {
    const plaintexts = recordsOf(Buffer.alloc(150_000, 'xyz')).map((parts) => Buffer.concat(parts));
    const { partial } = deframe(betweenMessages, plaintexts[0] as Buffer, MOST);
    const goOn = () => {
      const step = deframe(partial, plaintexts[1] as Buffer, MOST);
      return deframe(step.partial, plaintexts[2] as Buffer, MOST).messages.map((message) => Buffer.from(message));
    };
    const [once, again] = [goOn(), goOn()];
    expect(once).toHaveLength(1);
    expect(once[0]?.equals(again[0] as Buffer)).toBe(true);
  });

  it('refuses a length of 0 and one beyond the bound, and keeps the messages before it', () => {
    const before = Buffer.concat(recordsOf(Buffer.from('hello')).flat());
    const empty = deframeAll([Buffer.concat([before, announcing(0)])]);
    expect(empty).toMatchObject({ violation: { code: 'noise_message_empty' }, partial: betweenMessages });
    expect(empty.messages).toHaveLength(1);
    expect(deframeAll([announcing(1001)], 1000).violation?.code).toBe('noise_message_oversized');
    expect(deframeAll([announcing(1000)], 1000).violation).toBeUndefined();
    expect(deframeAll([announcing(MOST + 1)]).violation?.code).toBe('noise_message_oversized');
  });

  it('gives no memory to an announced length before its bytes come', () => {
    const { partial } = deframeAll([Buffer.concat([announcing(MOST), Buffer.from('x')])]);
    expect(partial.length).toBe(MOST);
    expect(partial.room.length).toBeLessThanOrEqual(64 * 1024);
  });

  it('keeps no more than twice what came, also in tiny records', () => {
    let partial = deframe(betweenMessages, announcing(1_000_000), MOST).partial;
    for (let byte = 0; byte < 200_000; byte += 1) partial = deframe(partial, Buffer.from('x'), MOST).partial;
    expect(partial.filled).toBe(200_000);
    expect(partial.room.length).toBeLessThanOrEqual(400_000);
  });
});
