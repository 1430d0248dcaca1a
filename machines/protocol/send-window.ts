/**
 * The sending half of a reliable stream: what waits, what is in flight, what must be sent again (DESIGN §5.2).
 * A pure value and functions on it; time is a parameter in milliseconds, and nothing here sends anything.
 */
import { acknowledges, highestAcknowledged } from './ack-bits.js';
import { lossDelayMs, type RoundTrip } from './round-trip.js';
import { countSegments, segmentOf } from './segmentation.js';
import { FIRST_RELIABLE_SEQ, LAST_RELIABLE_SEQ } from './sequence.js';

/** A segment that was sent and is not acknowledged; its bytes stay the same however often it is sent. */
export interface SentSegment {
  readonly seq: number;
  readonly segmentIndex: number;
  readonly segmentCount: number;
  readonly payload: Uint8Array;
  /** When it was sent last. */
  readonly sentAt: number;
  /** Number of that transmission among all transmissions of the stream, so that "later" has a meaning. */
  readonly order: number;
  readonly transmissions: number;
  /** Segments whose later transmission was acknowledged since: the sign of loss. */
  readonly passedBy: number;
}

/** A message that is not wholly in flight yet. */
export interface QueuedMessage {
  readonly message: Uint8Array;
  readonly segmentCount: number;
  /** Segments of it that are in flight already. */
  readonly cut: number;
}

/** A segment the peer has acknowledged out of order: it holds it behind a gap, and nothing is kept of it here. */
export interface PassedSegment {
  readonly seq: number;
  readonly bytes: number;
}

export interface SendWindow {
  /** The seq the next new segment gets. */
  readonly nextSeq: number;
  /** Highest contiguous seq the peer has acknowledged. */
  readonly peerAck: number;
  /** Unacknowledged segments, ascending by seq. */
  readonly inFlight: readonly SentSegment[];
  /** Payload bytes in flight. */
  readonly inFlightBytes: number;
  /** Acknowledged segments beyond `peerAck`: they still count against what the peer can hold out of order. */
  readonly beyondGap: readonly PassedSegment[];
  readonly queue: readonly QueuedMessage[];
  /** Bytes in `queue` that are not in flight yet. */
  readonly queuedBytes: number;
  /** Transmissions so far, first and repeated. */
  readonly transmissions: number;
  /** Probes sent since the peer last acknowledged anything new. */
  readonly probes: number;
}

export interface SendBounds {
  readonly windowSegments: number;
  readonly retainedBytes: number;
  /** Infinity while the peer is not known to reassemble: then every message is one segment. */
  readonly segmentBytes: number;
}

/** Three later segments acknowledged mean loss (RFC 9002 §6.1.1). */
const REORDERING_THRESHOLD = 3;

export const emptySendWindow: SendWindow = {
  nextSeq: FIRST_RELIABLE_SEQ,
  peerAck: 0,
  inFlight: [],
  inFlightBytes: 0,
  beyondGap: [],
  queue: [],
  queuedBytes: 0,
  transmissions: 0,
  probes: 0,
};

/** Nothing waits and nothing is in flight. */
export function isDrained(window: SendWindow): boolean {
  return window.inFlight.length === 0 && window.queue.length === 0;
}

/** Whether the next queued segment would need a number that does not exist. */
export function isExhausted(window: SendWindow): boolean {
  return window.queue.length > 0 && window.nextSeq > LAST_RELIABLE_SEQ - 1;
}

export function enqueue(window: SendWindow, messages: readonly Uint8Array[], segmentBytes: number): SendWindow {
  if (messages.length === 0) return window;
  const added = messages.map((message) => ({
    message,
    segmentCount: countSegments(message.length, segmentBytes),
    cut: 0,
  }));
  const bytes = messages.reduce((sum, message) => sum + message.length, 0);
  return { ...window, queue: [...window.queue, ...added], queuedBytes: window.queuedBytes + bytes };
}

export interface Sending {
  readonly window: SendWindow;
  /** Segments to send now, in this order. */
  readonly segments: readonly SentSegment[];
}

/** Moves what the window has room for from the queue into flight. */
export function sendQueued(window: SendWindow, now: number, bounds: SendBounds): Sending {
  const segments: SentSegment[] = [];
  const queue = [...window.queue];
  let { nextSeq, inFlightBytes, queuedBytes, transmissions } = window;
  const bytesBeyondGap = window.beyondGap.reduce((sum, { bytes }) => sum + bytes, 0);
  let head = queue[0];
  while (head !== undefined && nextSeq <= window.peerAck + bounds.windowSegments && nextSeq < LAST_RELIABLE_SEQ) {
    // A message cut before the peer was known stays one segment: its count was fixed when it was queued.
    const payload = head.segmentCount === 1 ? head.message : segmentOf(head.message, head.cut, bounds.segmentBytes);
    // A single segment may exceed the bound: it could never be sent otherwise.
    const alone = nextSeq === window.peerAck + 1;
    if (!alone && inFlightBytes + bytesBeyondGap + payload.length > bounds.retainedBytes) break;
    transmissions += 1;
    segments.push({
      seq: nextSeq,
      segmentIndex: head.cut,
      segmentCount: head.segmentCount,
      payload,
      sentAt: now,
      order: transmissions,
      transmissions: 1,
      passedBy: 0,
    });
    nextSeq += 1;
    inFlightBytes += payload.length;
    queuedBytes -= payload.length;
    if (head.cut + 1 === head.segmentCount) queue.shift();
    else queue[0] = { ...head, cut: head.cut + 1 };
    head = queue[0];
  }
  if (segments.length === 0) return { window, segments };
  const inFlight = [...window.inFlight, ...segments];
  return { window: { ...window, nextSeq, inFlight, inFlightBytes, queue, queuedBytes, transmissions }, segments };
}

export type Acknowledged =
  | {
      readonly kind: 'acknowledged';
      readonly window: SendWindow;
      /** Segments acknowledged for the first time. */
      readonly segments: number;
      /** From the newest of them that was sent only once (Karn). */
      readonly roundTripMs?: number;
    }
  | { readonly kind: 'impossible'; readonly message: string };

/** Takes the acknowledgement of one received frame. An older one than was seen before is harmless. */
export function acknowledge(window: SendWindow, ack: number, ackBits: number, now: number): Acknowledged {
  const highest = highestAcknowledged(ack, ackBits);
  if (highest >= window.nextSeq) {
    const sent = window.nextSeq - 1;
    return { kind: 'impossible', message: `seq ${highest} is acknowledged, but only ${sent} segments were sent` };
  }
  const newly = window.inFlight.filter((segment) => acknowledges(ack, ackBits, segment.seq));
  const peerAck = Math.max(window.peerAck, ack);
  const stillBeyond = window.beyondGap.filter(({ seq }) => seq > peerAck);
  if (newly.length === 0) {
    const unchanged = peerAck === window.peerAck;
    const moved = unchanged ? window : { ...window, peerAck, beyondGap: stillBeyond };
    return { kind: 'acknowledged', window: moved, segments: 0 };
  }
  const remaining: SentSegment[] = [];
  let inFlightBytes = 0;
  for (const segment of window.inFlight) {
    if (acknowledges(ack, ackBits, segment.seq)) continue;
    const later = newly.reduce((count, other) => (other.order > segment.order ? count + 1 : count), 0);
    remaining.push(later === 0 ? segment : { ...segment, passedBy: segment.passedBy + later });
    inFlightBytes += segment.payload.length;
  }
  const passed = newly.filter(({ seq }) => seq > peerAck).map(({ seq, payload }) => ({ seq, bytes: payload.length }));
  const newest = newly.reduce((best, segment) => (segment.order > best.order ? segment : best));
  return {
    kind: 'acknowledged',
    window: {
      ...window,
      peerAck,
      inFlight: remaining,
      inFlightBytes,
      beyondGap: [...stillBeyond, ...passed],
      probes: 0,
    },
    segments: newly.length,
    ...(newest.transmissions === 1 ? { roundTripMs: now - newest.sentAt } : {}),
  };
}

/** Why a segment is sent again. */
export type RetransmitCause = 'passed' | 'late' | 'probe' | 'resumed';

export interface Retransmitting {
  readonly window: SendWindow;
  readonly segments: readonly SentSegment[];
  /** One for each of `segments`. */
  readonly causes: readonly RetransmitCause[];
}

/** Sends again, at once, what later acknowledgements show to be lost. */
export function retransmitLost(window: SendWindow, now: number, roundTrip: RoundTrip): Retransmitting {
  const delay = lossDelayMs(roundTrip);
  const cause = (segment: SentSegment): RetransmitCause | undefined => {
    if (segment.passedBy >= REORDERING_THRESHOLD) return 'passed';
    return segment.passedBy > 0 && now >= segment.sentAt + delay ? 'late' : undefined;
  };
  return retransmit(window, now, cause);
}

/** Sends the oldest segment again, because nothing at all was heard for too long. */
export function probe(window: SendWindow, now: number): Retransmitting {
  const oldest = window.inFlight[0];
  const probing = retransmit(window, now, (segment) => (segment === oldest ? 'probe' : undefined));
  return { ...probing, window: { ...probing.window, probes: window.probes + 1 } };
}

/** Sends again what `causeOf` gives a reason for. */
export function retransmit(
  window: SendWindow,
  now: number,
  causeOf: (segment: SentSegment) => RetransmitCause | undefined,
): Retransmitting {
  const segments: SentSegment[] = [];
  const causes: RetransmitCause[] = [];
  let { transmissions } = window;
  const inFlight = window.inFlight.map((segment) => {
    const cause = causeOf(segment);
    if (cause === undefined) return segment;
    transmissions += 1;
    const again: SentSegment = {
      ...segment,
      sentAt: now,
      order: transmissions,
      transmissions: segment.transmissions + 1,
      passedBy: 0,
    };
    segments.push(again);
    causes.push(cause);
    return again;
  });
  if (segments.length === 0) return { window, segments, causes };
  return { window: { ...window, inFlight, transmissions }, segments, causes };
}

/** When something must be done if nothing is heard: a point in time, or undefined when nothing is in flight. */
export function nextDeadline(window: SendWindow, roundTrip: RoundTrip, probeDelay: number): number | undefined {
  if (window.inFlight.length === 0) return undefined;
  const loss = lossDelayMs(roundTrip);
  let lastSentAt = Number.NEGATIVE_INFINITY;
  let deadline = Number.POSITIVE_INFINITY;
  for (const segment of window.inFlight) {
    lastSentAt = Math.max(lastSentAt, segment.sentAt);
    if (segment.passedBy > 0) deadline = Math.min(deadline, segment.sentAt + loss);
  }
  return Math.min(deadline, lastSentAt + probeDelay);
}
