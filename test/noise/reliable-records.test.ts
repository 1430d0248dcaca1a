/**
 * Records as the segments of a reliable stream: sealed once, sent again as the same bytes, put in order and freed of
 * duplicates by the windows before anything is opened. The network loses, doubles and reorders.
 */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ackBitsOf, emptyReceiveWindow, receive } from '../../machines/protocol/receive-window.js';
import {
  acknowledge,
  emptySendWindow,
  enqueue,
  isDrained,
  probe,
  type SentSegment,
  sendQueued,
} from '../../machines/protocol/send-window.js';
import { FIRST_RELIABLE_SEQ } from '../../machines/protocol/sequence.js';
import { defaultLimits } from '../../proto/limits.js';
import { NoiseChannel } from '../../src/noise/noise-channel.js';
import { SecretBytes } from '../../src/noise/secret-bytes.js';

/** A record is a whole segment: what is in the clear around it must not say how messages are put together. */
const WHOLE = Number.POSITIVE_INFINITY;
const bounds = { ...defaultLimits, segmentBytes: WHOLE };

function channelPair() {
  const [there, back, handshakeHash] = [randomBytes(32), randomBytes(32), randomBytes(32)];
  const secret = (bytes: Uint8Array) => new SecretBytes(Uint8Array.from(bytes));
  return [
    new NoiseChannel({ sending: secret(there), receiving: secret(back), handshakeHash }),
    new NoiseChannel({ sending: secret(back), receiving: secret(there), handshakeHash }),
  ] as const;
}

/** What becomes of each transmission, in turn. */
const fates = fc.infiniteStream(fc.constantFrom('arrives', 'arrives', 'lost', 'twice', 'late'));

describe('R17: records of a reliable stream', () => {
  it('bring every message once and in order, and each seq always has the same bytes', () => {
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 500 }), fc.constant(130_000)), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(lengths, fates, (sizes, fate) => {
        const [sender, receiver] = channelPair();
        const said = sizes.map((length, place) => Buffer.alloc(length, `message ${place} `));
        const heard: Buffer[] = [];
        const bytesOf = new Map<number, Uint8Array>();
        let sending = enqueue(
          emptySendWindow,
          said.flatMap((message) => sender.seal(message)),
          WHOLE,
        );
        let receiving = emptyReceiveWindow;
        let network: SentSegment[] = [];
        let late: SentSegment[] = [];
        let now = 0;

        const transmit = (segments: readonly SentSegment[]) => {
          for (const segment of segments) {
            expect(segment).toMatchObject({ segmentIndex: 0, segmentCount: 1 });
            const before = bytesOf.get(segment.seq);
            if (before !== undefined) expect(Buffer.from(before).equals(segment.payload)).toBe(true);
            bytesOf.set(segment.seq, Uint8Array.from(segment.payload));
            const what = now > 400 ? 'arrives' : (fate.next().value as string);
            if (what === 'late') late.push(segment);
            else if (what !== 'lost') network.push(...(what === 'twice' ? [segment, segment] : [segment]));
          }
        };

        while (!isDrained(sending)) {
          now += 1;
          const sent = sendQueued(sending, now, bounds);
          sending = sent.window;
          transmit(sent.segments);
          if (network.length === 0 && late.length === 0) {
            const again = probe(sending, now);
            sending = again.window;
            transmit(again.segments);
          }
          const arriving = [...network, ...late.reverse()];
          [network, late] = [[], []];
          const received = receive(
            receiving,
            arriving.map((segment) => ({ kind: 'data', ...segment })),
            bounds,
          );
          expect(received.violation).toBeUndefined();
          for (const [place, record] of received.messages.entries()) {
            const number = receiving.ack + place + 1 - FIRST_RELIABLE_SEQ;
            heard.push(...receiver.open(record, number).map((message) => Buffer.from(message)));
          }
          receiving = received.window;
          const acknowledged = acknowledge(sending, receiving.ack, ackBitsOf(receiving), now);
          if (acknowledged.kind === 'impossible') throw new Error('an impossible acknowledgement');
          sending = acknowledged.window;
        }
        expect(heard.map((message, place) => said[place]?.equals(message))).toEqual(said.map(() => true));
      }),
      { numRuns: 60 },
    );
  });
});
