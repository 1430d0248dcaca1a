/**
 * What `resume{next_seq}` says and what follows from it (DESIGN §5.2.7): whether a stream is new or goes on, whether the
 * number can be true, and what is sent again on a new carrier. Pure functions; when they are asked is for the charts.
 */
import type { ReceiveWindow } from './receive-window.js';
import { type Retransmitting, retransmit, type SendWindow, type SentSegment } from './send-window.js';
import { FIRST_RELIABLE_SEQ } from './sequence.js';

/**
 * Payload bytes that a stream sends again before its peer has said on the new carrier what it has. The rest follows
 * one round trip later and only as far as it is missing: most of a full window has usually arrived.
 */
const UNASKED_BYTES = 64 * 1024;

/**
 * The number to announce. An end that has not heard of its peer says that it starts at the beginning, whatever it sent
 * already: none of it is known to have arrived, and all of it would be sent again.
 */
export function announcedSeq(window: SendWindow, peerIsKnown: boolean): number {
  return peerIsKnown ? window.nextSeq : FIRST_RELIABLE_SEQ;
}

/**
 * Whether a stream that is announced like this may be opened by somebody who does not know it. Any higher number, and
 * any acknowledgement, was said to an executor that served the stream before: opening it could run requests again.
 */
export function startsStream(nextSeq: number, ack: number, ackBits: number): boolean {
  return nextSeq === FIRST_RELIABLE_SEQ && ack === 0 && ackBits === 0;
}

/**
 * Whether a peer that has heard at most `receive.ack` can have come to that number. One that is too low is only late:
 * it was overtaken by what its sender sent since.
 */
export function isPossibleNextSeq(nextSeq: number, receive: ReceiveWindow, windowSegments: number): boolean {
  return nextSeq >= FIRST_RELIABLE_SEQ && nextSeq <= receive.ack + windowSegments + 1;
}

/** On the first turn of a new carrier: the oldest unacknowledged segments, unasked. */
export function resendUnasked(window: SendWindow, now: number): Retransmitting {
  let bytes = 0;
  return resend(window, now, (segment) => {
    bytes += segment.payload.length;
    return bytes <= UNASKED_BYTES;
  });
}

/**
 * The peer has said what it has. Everything else goes again, but for what left at `sentBefore` or later: that may still
 * be under way, and a repeated `resume` must not send a window twice. A probe is no such thing: it went the way on which
 * nothing had been heard.
 */
export function resendMissing(window: SendWindow, now: number, sentBefore: number): Retransmitting {
  const probed = window.probes > 0 ? window.inFlight[0] : undefined;
  return resend(window, now, (segment) => segment.sentAt < sentBefore || segment === probed);
}

function resend(window: SendWindow, now: number, isMeant: (segment: SentSegment) => boolean): Retransmitting {
  const again = retransmit(window, now, (segment) => (isMeant(segment) ? 'resumed' : undefined));
  return { ...again, window: { ...again.window, probes: 0 } };
}
