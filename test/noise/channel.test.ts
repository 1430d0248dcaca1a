/**
 * Records of an open channel: what goes in at one end comes out at the other, and nothing else ever does.
 */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NoiseChannel } from '../../src/noise/noise-channel.js';
import { RecordOpener, RecordSealer } from '../../src/noise/record-cipher.js';
import { SecretBytes } from '../../src/noise/secret-bytes.js';

const RECORD = 61_440;

function channelPair(messageBytes?: number) {
  const [there, back, handshakeHash] = [randomBytes(32), randomBytes(32), randomBytes(32)];
  const secret = (bytes: Uint8Array) => new SecretBytes(Uint8Array.from(bytes));
  const one = { sending: secret(there), receiving: secret(back), handshakeHash };
  const other = { sending: secret(back), receiving: secret(there), handshakeHash };
  return [new NoiseChannel(one, messageBytes), new NoiseChannel(other, messageBytes)] as const;
}

const throwing = (code: string, initiator = 'peer') => expect.objectContaining({ code, initiator, scope: 'stream' });

describe('R15: messages', () => {
  it('arrive whole and in order, whatever their sizes', () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: RECORD - 8, max: 2 * RECORD + 8 }));
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 6 }), (lengths) => {
        const [sender, receiver] = channelPair();
        const sent = lengths.map((length, place) => Buffer.alloc(length, `${place} `));
        const records = sent.flatMap((message) => sender.seal(message));
        const received = records.flatMap((record, number) => receiver.open(record, number));
        expect(received.map((message, place) => sent[place]?.equals(message))).toEqual(sent.map(() => true));
        expect(records.every((record) => record.length <= RECORD + 16)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('of several may come in one record, and records may be empty', () => {
    const [sender, receiver] = channelPair();
    const framed = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
    const both = Buffer.concat([framed('one'), framed('two')]);
    const records = [
      sender.sealer.seal([]),
      sender.sealer.seal([both.subarray(0, 9)]),
      sender.sealer.seal([both.subarray(9)]),
    ];
    expect(records[0]).toHaveLength(16);
    const texts = records.map((record, number) =>
      receiver.open(record, number).map((text) => Buffer.from(text).toString()),
    );
    expect(texts).toEqual([[], ['one'], ['two']]);
  });

  it('of impossible length end the channel', () => {
    const [sender, receiver] = channelPair(1000);
    const record = sender.seal(Buffer.alloc(1001))[0] as Buffer;
    expect(() => receiver.open(record, 0)).toThrow(throwing('noise_message_oversized'));
    expect(() => receiver.open(record, 1)).toThrow(throwing('noise_secret_wiped', 'local'));
  });
});

describe('R14: a record', () => {
  it('that was altered, cut, lengthened or put elsewhere does not open, and ends the channel', () => {
    const alter = (record: Buffer) => {
      const altered = Buffer.from(record);
      altered[5] = (altered[5] as number) ^ 1;
      return altered;
    };
    const attacks: [string, (record: Buffer, next: Buffer) => Buffer][] = [
      ['noise_record_unauthentic', alter],
      ['noise_record_unauthentic', (record) => record.subarray(0, -1)],
      ['noise_record_unauthentic', (record) => Buffer.concat([record, Buffer.alloc(1)])],
      ['noise_record_unauthentic', (_record, next) => next],
      ['noise_record_undersized', (record) => record.subarray(0, 15)],
      ['noise_record_oversized', () => Buffer.alloc(RECORD + 17)],
    ];
    for (const [code, attack] of attacks) {
      const [sender, receiver] = channelPair();
      const [record, next] = [sender.seal(Buffer.from('first'))[0], sender.seal(Buffer.from('second'))[0]] as [
        Buffer,
        Buffer,
      ];
      expect(() => receiver.open(attack(record, next), 0)).toThrow(throwing(code));
      expect(() => receiver.open(record, 0)).toThrow(throwing('noise_secret_wiped', 'local'));
      // The other direction goes on, until the stream is reset.
      expect(() => receiver.seal(Buffer.from('x'))).not.toThrow();
    }
  });

  it('sent back to its sender does not open', () => {
    const [sender] = channelPair();
    const [record] = sender.seal(Buffer.from('hello')) as [Buffer];
    expect(() => sender.open(record, 0)).toThrow(throwing('noise_record_unauthentic'));
  });

  it('is opened in its order only, which this end has to know', () => {
    const [sender, receiver] = channelPair();
    const [record] = sender.seal(Buffer.from('hello')) as [Buffer];
    expect(() => receiver.open(record, 1)).toThrow(throwing('noise_record_misordered', 'local'));
    receiver.open(record, 0);
    expect(() => receiver.open(record, 0)).toThrow(throwing('noise_record_misordered', 'local'));
  });

  it('holds 61,440 bytes and no more', () => {
    const sealer = new RecordSealer(new SecretBytes(randomBytes(32)));
    expect(sealer.seal([Buffer.alloc(40_000), Buffer.alloc(21_440)])).toHaveLength(RECORD + 16);
    expect(() => sealer.seal([Buffer.alloc(RECORD), Buffer.alloc(1)])).toThrow(
      throwing('noise_record_oversized', 'local'),
    );
    expect(sealer.next).toBe(1);
  });

  it('never has a number twice: the stream ends before they wrap', () => {
    const key = randomBytes(32);
    const last = 2 ** 32 - 2;
    const sealer = new RecordSealer(new SecretBytes(Uint8Array.from(key)), last);
    const opener = new RecordOpener(new SecretBytes(Uint8Array.from(key)), last);
    const record = sealer.seal([Buffer.from('last')]);
    expect(opener.open(record, last).toString()).toBe('last');
    expect(() => sealer.seal([Buffer.from('one more')])).toThrow(throwing('noise_records_exhausted', 'local'));
    expect(() => opener.open(record, last + 1)).toThrow(throwing('noise_records_exhausted'));
  });
});

describe('a wiped channel', () => {
  it('neither seals nor opens, and its keys are gone', () => {
    const keys = [new SecretBytes(randomBytes(32)), new SecretBytes(randomBytes(32))] as const;
    const memory = keys.map(({ bytes }) => bytes);
    const channel = new NoiseChannel({ sending: keys[0], receiving: keys[1], handshakeHash: randomBytes(32) });
    const [record] = channel.seal(Buffer.from('x')) as [Buffer];
    channel.wipe();
    expect(() => channel.seal(Buffer.from('x'))).toThrow(throwing('noise_secret_wiped', 'local'));
    expect(() => channel.open(record, 0)).toThrow(throwing('noise_secret_wiped', 'local'));
    for (const bytes of memory) expect(Buffer.from(bytes)).toEqual(Buffer.alloc(32));
  });
});
