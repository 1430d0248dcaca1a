import { describe, expect, it } from 'vitest';
import { type RoundTrip, unmeasuredRoundTrip } from '../../../machines/protocol/round-trip.js';
import {
  acknowledge,
  emptySendWindow,
  enqueue,
  isDrained,
  isExhausted,
  nextDeadline,
  probe,
  retransmitLost,
  type SendBounds,
  type SendWindow,
  type SentSegment,
  sendQueued,
} from '../../../machines/protocol/send-window.js';
import { LAST_RELIABLE_SEQ } from '../../../machines/protocol/sequence.js';

const bounds: SendBounds = { windowSegments: 32, retainedBytes: 1000, segmentBytes: 10 };
/** Loss is suspected 90 ms after a transmission. */
const roundTrip: RoundTrip = { smoothedMs: 80, varianceMs: 1, latestMs: 80, samples: 5 };

const bytes = (length: number, fill = 7) => new Uint8Array(length).fill(fill);
const seqs = (segments: readonly SentSegment[]) => segments.map(({ seq }) => seq);

function sent(lengths: readonly number[], now = 0, from = emptySendWindow, within = bounds): SendWindow {
  const queued = enqueue(
    from,
    lengths.map((length) => bytes(length)),
    within.segmentBytes,
  );
  return sendQueued(queued, now, within).window;
}

function acknowledged(window: SendWindow, ack: number, ackBits = 0, now = 0) {
  const result = acknowledge(window, ack, ackBits, now);
  if (result.kind === 'impossible') throw new Error(result.message);
  return result;
}

describe('sending', () => {
  it('R18: numbers segments from 1 and cuts messages', () => {
    const queued = enqueue(emptySendWindow, [bytes(5), bytes(25)], 10);
    expect(queued.queuedBytes).toBe(30);
    const { window, segments } = sendQueued(queued, 17, bounds);
    const facts = segments.map(({ seq, segmentIndex, segmentCount, payload }) => [
      seq,
      segmentIndex,
      segmentCount,
      payload.length,
    ]);
    expect(facts).toEqual([
      [1, 0, 1, 5],
      [2, 0, 3, 10],
      [3, 1, 3, 10],
      [4, 2, 3, 5],
    ]);
    expect(
      segments.map(({ order, transmissions, sentAt, passedBy }) => [order, transmissions, sentAt, passedBy]),
    ).toEqual([1, 2, 3, 4].map((order) => [order, 1, 17, 0]));
    expect(window).toMatchObject({ nextSeq: 5, inFlightBytes: 30, queue: [], queuedBytes: 0, transmissions: 4 });
    expect(window.inFlight).toEqual(segments);
  });

  it('keeps the window it was given when there is nothing to do', () => {
    expect(enqueue(emptySendWindow, [], 10)).toBe(emptySendWindow);
    expect(sendQueued(emptySendWindow, 0, bounds)).toEqual({ window: emptySendWindow, segments: [] });
    expect(sendQueued(emptySendWindow, 0, bounds).window).toBe(emptySendWindow);
  });

  it('stops at 32 segments beyond the cumulative ack, in the middle of a message', () => {
    const window = sent([305, 30]);
    expect([window.nextSeq, window.inFlight.length, window.queuedBytes]).toEqual([33, 32, 20]);
    expect(window.queue).toMatchObject([{ segmentCount: 3, cut: 1 }]);
    // Selective acknowledgements move nothing: the peer could not name what lies further on.
    const selective = acknowledged(window, 0, 0b110).window;
    expect(sendQueued(selective, 0, bounds).segments).toEqual([]);
    const { segments, window: moved } = sendQueued(acknowledged(window, 1).window, 0, bounds);
    expect(segments.map(({ seq, segmentIndex, segmentCount }) => [seq, segmentIndex, segmentCount])).toEqual([
      [33, 1, 3],
    ]);
    expect(moved.queuedBytes).toBe(10);
  });

  it('R27: keeps the bytes it retains within their bound', () => {
    const whole = { ...bounds, segmentBytes: Number.POSITIVE_INFINITY };
    const window = sent([400, 600, 1], 0, emptySendWindow, whole);
    expect([window.inFlightBytes, window.queuedBytes]).toEqual([1000, 1]);
    expect(seqs(sendQueued(acknowledged(window, 1).window, 0, whole).segments)).toEqual([3]);
  });

  it('counts what the peer holds behind a gap until the gap is filled', () => {
    const whole = { ...bounds, segmentBytes: Number.POSITIVE_INFINITY };
    const window = sent([10, 900, 200], 0, emptySendWindow, whole);
    expect(seqs(window.inFlight)).toEqual([1, 2]);
    const gapped = acknowledged(window, 0, 0b10).window;
    expect(seqs(gapped.inFlight)).toEqual([1]);
    expect(gapped.inFlightBytes).toBe(10);
    expect(gapped.beyondGap).toEqual([{ seq: 2, bytes: 900 }]);
    expect(sendQueued(gapped, 0, whole).segments).toEqual([]);
    // The same acknowledgement again counts nothing twice.
    expect(acknowledged(gapped, 0, 0b10).window).toBe(gapped);
    const filled = acknowledged(gapped, 2).window;
    expect(filled.beyondGap).toEqual([]);
    expect(seqs(sendQueued(filled, 0, whole).segments)).toEqual([3]);
  });

  it('forgets what lies beyond a gap when only the cumulative ack moves', () => {
    const window = sent([1, 1, 1, 1]);
    const gapped = acknowledged(window, 0, 0b1110).window;
    const all = acknowledged(gapped, 1, 0b10).window;
    expect(all.beyondGap).toEqual([
      { seq: 2, bytes: 1 },
      { seq: 3, bytes: 1 },
      { seq: 4, bytes: 1 },
    ]);
    // The frame that filled the gap was lost on the way here, the next one says 4.
    const late = acknowledged({ ...gapped, inFlight: [], inFlightBytes: 0 }, 3, 0b1).window;
    expect([late.peerAck, late.beyondGap]).toEqual([3, [{ seq: 4, bytes: 1 }]]);
  });

  it('sends a segment above the bound only when it is alone', () => {
    const whole = { ...bounds, segmentBytes: Number.POSITIVE_INFINITY };
    const window = sent([1, 5000, 1], 0, emptySendWindow, whole);
    expect(seqs(window.inFlight)).toEqual([1]);
    const alone = sendQueued(acknowledged(window, 1).window, 0, whole);
    expect(seqs(alone.segments)).toEqual([2]);
    expect(sendQueued(acknowledged(alone.window, 2).window, 0, whole).segments).toHaveLength(1);
  });

  it('leaves a message whole that was queued before the peer was known to reassemble', () => {
    const queued = enqueue(emptySendWindow, [bytes(25)], Number.POSITIVE_INFINITY);
    const { segments } = sendQueued(queued, 0, bounds);
    expect(segments.map(({ segmentCount, payload }) => [segmentCount, payload.length])).toEqual([[1, 25]]);
  });

  it('ends before its last number, with something left to send or not', () => {
    const near = { ...emptySendWindow, nextSeq: LAST_RELIABLE_SEQ - 1, peerAck: LAST_RELIABLE_SEQ - 2 };
    const fits = sent([1], 0, near);
    expect([fits.nextSeq, isExhausted(fits)]).toEqual([LAST_RELIABLE_SEQ, false]);
    const over = sent([1, 1], 0, near);
    expect([over.nextSeq, over.queue.length, isExhausted(over)]).toEqual([LAST_RELIABLE_SEQ, 1, true]);
    expect(isExhausted(enqueue(near, [bytes(1)], 10))).toBe(false);
  });
});

describe('an acknowledgement', () => {
  it('frees what it covers, cumulatively and selectively', () => {
    const window = sent([10, 10, 10, 10]);
    const result = acknowledged(window, 1, 0b10);
    expect(result.segments).toBe(2);
    expect(seqs(result.window.inFlight)).toEqual([2, 4]);
    expect([result.window.peerAck, result.window.inFlightBytes]).toEqual([1, 20]);
    expect(isDrained(result.window)).toBe(false);
    expect(isDrained(acknowledged(result.window, 4).window)).toBe(true);
    expect(isDrained(enqueue(emptySendWindow, [bytes(1)], 10))).toBe(false);
  });

  it('that is old or says nothing new changes nothing', () => {
    const window = acknowledged(sent([10, 10, 10]), 2).window;
    expect(acknowledged(window, 1)).toEqual({ kind: 'acknowledged', window, segments: 0 });
    expect(acknowledged(window, 2).window).toBe(window);
    expect(acknowledged(window, 0, 0b10).window).toBe(window);
  });

  it('of something that was never sent is impossible', () => {
    const window = sent([1, 1]);
    expect(acknowledge(window, 2, 0, 0).kind).toBe('acknowledged');
    expect(acknowledge(window, 3, 0, 0)).toEqual({
      kind: 'impossible',
      message: 'seq 3 is acknowledged, but only 2 segments were sent',
    });
    expect(acknowledge(window, 0, 0b10, 0).kind).toBe('acknowledged');
    expect(acknowledge(window, 0, 0b100, 0).kind).toBe('impossible');
    expect(acknowledge(emptySendWindow, 1, 0, 0).kind).toBe('impossible');
  });

  it('gives a round trip from the newest segment, if that was sent once', () => {
    const first = sent([1], 100);
    const window = sent([1], 130, first);
    expect(acknowledged(window, 2, 0, 170).roundTripMs).toBe(40);
    expect(acknowledged(window, 1, 0, 170).roundTripMs).toBe(70);
    expect(acknowledged(window, 0, 0b10, 171).roundTripMs).toBe(41);
    const again = probe(window, 150).window;
    expect(acknowledged(again, 1, 0, 170)).not.toHaveProperty('roundTripMs');
    expect(acknowledged(again, 2, 0, 170)).not.toHaveProperty('roundTripMs');
    // The probe was seq 1, and so the latest transmission; seq 2 alone was sent once.
    expect(acknowledged(again, 0, 0b10, 170).roundTripMs).toBe(40);
    expect(acknowledged(acknowledged(window, 2).window, 2, 0, 999)).not.toHaveProperty('roundTripMs');
  });

  it('answers the probes', () => {
    const probed = probe(probe(sent([1, 1]), 1).window, 2).window;
    expect(probed.probes).toBe(2);
    expect(acknowledged(probed, 0).window.probes).toBe(2);
    expect(acknowledged(probed, 1).window.probes).toBe(0);
  });

  it('counts the later transmissions that passed each segment', () => {
    const window = sent([1, 1, 1, 1, 1]);
    const one = acknowledged(window, 0, 0b10).window;
    expect(one.inFlight.map(({ seq, passedBy }) => [seq, passedBy])).toEqual([
      [1, 1],
      [3, 0],
      [4, 0],
      [5, 0],
    ]);
    const three = acknowledged(one, 0, 0b11010).window;
    expect(three.inFlight.map(({ seq, passedBy }) => [seq, passedBy])).toEqual([
      [1, 3],
      [3, 2],
    ]);
  });
});

describe('sending again', () => {
  it('R22: happens at once when three later segments were acknowledged', () => {
    const window = sent([1, 1, 1, 1]);
    const two = acknowledged(window, 0, 0b110, 10).window;
    expect(retransmitLost(two, 10, roundTrip)).toEqual({ window: two, segments: [], causes: [] });
    const three = acknowledged(window, 0, 0b1110, 10).window;
    const again = retransmitLost(three, 10, roundTrip);
    expect(again.causes).toEqual(['passed']);
    expect(again.segments).toMatchObject([{ seq: 1, sentAt: 10, order: 5, transmissions: 2, passedBy: 0 }]);
    expect(again.segments[0]?.payload).toBe(window.inFlight[0]?.payload);
    expect(again.window).toMatchObject({ transmissions: 5, inFlight: [{ seq: 1, transmissions: 2 }] });
  });

  it('R23: happens 9/8 of a round trip after a segment that was passed, and never before one was', () => {
    const window = sent([1, 1]);
    const passed = acknowledged(window, 0, 0b10, 10).window;
    expect(retransmitLost(passed, 89, roundTrip).segments).toEqual([]);
    const late = retransmitLost(passed, 90, roundTrip);
    expect([seqs(late.segments), late.causes]).toEqual([[1], ['late']]);
    expect(retransmitLost(window, 5000, roundTrip).segments).toEqual([]);
  });

  it('starts to count anew: what was sent again is passed only by what was sent after it', () => {
    const window = sent([1, 1, 1, 1, 1]);
    const again = retransmitLost(acknowledged(window, 0, 0b1110, 10).window, 10, roundTrip).window;
    const after = acknowledged(again, 0, 0b11110, 20).window;
    expect(after.inFlight).toMatchObject([{ seq: 1, passedBy: 0 }]);
    expect(retransmitLost(after, 5000, roundTrip).segments).toEqual([]);
  });

  it('probes with the oldest segment and the same bytes', () => {
    const window = acknowledged(sent([1, 2, 3], 5), 1).window;
    const probed = probe(window, 500);
    expect([seqs(probed.segments), probed.causes]).toEqual([[2], ['probe']]);
    expect(probed.segments[0]?.payload).toBe(window.inFlight[0]?.payload);
    expect(probed.window).toMatchObject({ probes: 1, transmissions: 4, inFlightBytes: 5 });
    expect(probed.window.inFlight.map(({ seq, sentAt }) => [seq, sentAt])).toEqual([
      [2, 500],
      [3, 5],
    ]);
  });
});

describe('the deadline', () => {
  const PROBE_MS = 300;

  it('is none while nothing is in flight', () => {
    expect(nextDeadline(emptySendWindow, roundTrip, PROBE_MS)).toBeUndefined();
    expect(nextDeadline(acknowledged(sent([1]), 1).window, roundTrip, PROBE_MS)).toBeUndefined();
  });

  it('is a probe delay after the latest transmission', () => {
    const window = sent([1], 40, sent([1], 10));
    expect(nextDeadline(window, roundTrip, PROBE_MS)).toBe(340);
    expect(nextDeadline(probe(window, 50).window, roundTrip, PROBE_MS)).toBe(350);
    expect(nextDeadline(window, unmeasuredRoundTrip, 1000)).toBe(1040);
  });

  it('is a loss delay after the earliest segment that was passed, if that comes first', () => {
    const window = sent([1, 1], 40, sent([1, 1], 10));
    const passed = acknowledged(window, 0, 0b1000).window;
    expect(nextDeadline(passed, roundTrip, PROBE_MS)).toBe(100);
    expect(nextDeadline(passed, roundTrip, 20)).toBe(60);
    const second = acknowledged(window, 1, 0b100).window;
    expect(nextDeadline({ ...second, inFlight: second.inFlight.slice(1) }, roundTrip, PROBE_MS)).toBe(130);
  });
});
