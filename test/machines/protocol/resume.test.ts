import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyReceiveWindow } from '../../../machines/protocol/receive-window.js';
import {
  announcedSeq,
  isPossibleNextSeq,
  resendMissing,
  resendUnasked,
  startsStream,
} from '../../../machines/protocol/resume.js';
import {
  acknowledge,
  emptySendWindow,
  enqueue,
  probe,
  type SendBounds,
  type SendWindow,
  sendQueued,
} from '../../../machines/protocol/send-window.js';

const bounds: SendBounds = { windowSegments: 32, retainedBytes: 10_000_000, segmentBytes: 60_000 };
const KIB64 = 64 * 1024;

/** Messages of these sizes in flight, one sent each millisecond from 1. */
function inFlight(...sizes: number[]): SendWindow {
  return sizes.reduce(
    (window, size, index) => sendQueued(enqueue(window, [new Uint8Array(size)], 60_000), index + 1, bounds).window,
    emptySendWindow,
  );
}
const seqs = (segments: readonly { seq: number }[]) => segments.map(({ seq }) => seq);

describe('the number an end announces', () => {
  it('is the next it uses, once it has heard of its peer; until then it starts at the beginning', () => {
    const window = inFlight(1, 1, 1);
    expect(announcedSeq(window, true)).toBe(4);
    expect(announcedSeq(window, false)).toBe(1);
    expect(announcedSeq(emptySendWindow, true)).toBe(1);
  });

  it('starts a stream only with nothing before it', () => {
    expect(startsStream(1, 0, 0)).toBe(true);
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (nextSeq, ack, bits) => {
        expect(startsStream(nextSeq, ack, bits)).toBe(nextSeq === 1 && ack === 0 && bits === 0);
      }),
    );
  });

  it('is possible from 1 to what the window allows beyond what was received', () => {
    const receive = { ...emptyReceiveWindow, ack: 10 };
    expect([0, 1, 10, 11, 43, 44].map((nextSeq) => isPossibleNextSeq(nextSeq, receive, 32))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ]);
  });
});

describe('sending again', () => {
  it('unasked: the oldest, no more than 64 KiB', () => {
    const again = resendUnasked(inFlight(60_000, 5_536, 1), 100);
    expect(seqs(again.segments)).toEqual([1, 2]);
    expect(again.causes).toEqual(['resumed', 'resumed']);
    expect(again.segments.every(({ sentAt, transmissions }) => sentAt === 100 && transmissions === 2)).toBe(true);
    expect(seqs(resendUnasked(inFlight(60_000, 5_537, 1), 100).segments)).toEqual([1]);
  });

  it('what is missing: all that left before, each once', () => {
    const window = inFlight(1, 1, 1, 1);
    expect(seqs(resendMissing(window, 100, 3).segments)).toEqual([1, 2]);
    const first = resendMissing(window, 100, 100);
    expect(seqs(first.segments)).toEqual([1, 2, 3, 4]);
    expect(resendMissing(first.window, 100, 100).segments).toEqual([]);
  });

  it('counts a probe for nothing, however lately it left', () => {
    const probed = probe(inFlight(1, 1, 1), 60).window;
    const again = resendMissing(probed, 70, 0);
    expect(seqs(again.segments)).toEqual([1]);
    // Told again, it is not sent again.
    expect(seqs(resendMissing(again.window, 71, 0).segments)).toEqual([]);
  });

  it('changes nothing of what was agreed: numbers, bytes, what waits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1, maxLength: 40 }),
        fc.nat(40),
        fc.nat(50),
        (sizes, ack, sentBefore) => {
          const full = inFlight(...sizes);
          const acked = acknowledge(full, Math.min(ack, full.nextSeq - 1), 0, 60);
          if (acked.kind !== 'acknowledged') throw new Error(acked.message);
          const before = acked.window;
          for (const again of [resendUnasked(before, 100), resendMissing(before, 100, sentBefore)]) {
            const { inFlight: after, queue, ...rest } = again.window;
            const { inFlight: same, queue: waiting, ...kept } = before;
            expect(rest).toEqual({ ...kept, transmissions: rest.transmissions, probes: 0 });
            expect(queue).toBe(waiting);
            expect(seqs(after)).toEqual(seqs(same));
            // The very bytes, not some that are equal.
            expect(after.every(({ payload }, index) => payload === same[index]?.payload)).toBe(true);
            // A round trip is never measured from what went twice.
            for (const { transmissions } of again.segments) expect(transmissions).toBeGreaterThan(1);
          }
          const unasked = resendUnasked(before, 100).segments.reduce((sum, { payload }) => sum + payload.length, 0);
          expect(unasked).toBeLessThanOrEqual(KIB64);
        },
      ),
    );
  });
});
