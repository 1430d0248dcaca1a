/**
 * The frames of a stream as its context makes them: what each says beside its body is the standing of the stream now.
 * Nothing here decides whether one is to be sent.
 */
import { type Frame, type FrameBody, PROTOCOL_ERROR_REASON, plainFrame, RELIABILITY_RELIABLE } from '../proto/frame.js';
import { ackBitsOf, type ReceiveWindow } from './protocol/receive-window.js';
import { announcedSeq } from './protocol/resume.js';
import type { SentSegment } from './protocol/send-window.js';
import type { StreamContext } from './stream-types.js';

/** How a stream ends whose harness was told in its handshake that the registry refuses this executor. */
export const CREDENTIAL_REJECTED = 'credential_rejected';

/** One frame for each segment. */
export function toDataFrames(context: StreamContext, window: ReceiveWindow, segments: readonly SentSegment[]): Frame[] {
  return segments.map(({ seq, segmentIndex, segmentCount, payload }) =>
    reliableFrame(context, window, { kind: 'data', seq, segmentIndex, segmentCount, payload }),
  );
}

/** The acknowledgement alone. */
export function ackFrame(context: StreamContext, window: ReceiveWindow): Frame {
  return reliableFrame(context, window, { kind: 'ack' });
}

/** The acknowledgement, or message 2 once more for a harness that asks and does not show that it has it. */
export function replyFrame(context: StreamContext, window: ReceiveWindow, answer: Uint8Array | undefined): Frame {
  return context.role === 'executor' && answer !== undefined ? answerFrame(context, answer) : ackFrame(context, window);
}

/** Message 2 of the handshake. */
export function answerFrame(context: StreamContext, message: Uint8Array): Frame {
  const body: FrameBody = { kind: 'handshake', payload: message };
  return context.profile === 'reliable'
    ? reliableFrame(context, context.receive, body)
    : plainFrame(context.streamId, body);
}

/** The `resume` of no number with which a handshake begins. */
export function isHello(body: FrameBody): boolean {
  return body.kind === 'resume' && body.nextSeq === 0;
}

/** With everything that each frame of the profile says. */
export function reliableFrame(context: StreamContext, window: ReceiveWindow, body: FrameBody): Frame {
  return {
    streamId: context.streamId,
    ack: window.ack,
    ackBits: ackBitsOf(window),
    reliability: RELIABILITY_RELIABLE,
    ...(context.ownWindow === undefined ? {} : { receiveWindow: context.ownWindow }),
    body,
  };
}

/** `resume`, by which an end makes itself and its standing known; may be repeated. */
export function resumeFrame(context: StreamContext): Frame {
  const nextSeq = announcedSeq(context.send, context.profile !== undefined);
  return reliableFrame(context, context.receive, { kind: 'resume', nextSeq });
}

/** Reasons of which the peer is not told: it cannot be, or has been. */
const UNSAID: readonly string[] = ['carrier_lost', CREDENTIAL_REJECTED];

/**
 * The frame that tells the peer how the stream ended, if it needs to be told: a release expects none after a close,
 * a peer that ended the stream knows, and nothing can be said without a carrier.
 */
export function lastFrame(context: StreamContext): Frame | undefined {
  const { end, profile, streamId } = context;
  if (end.initiator === 'peer' || UNSAID.includes(end.reason) || context.carrier === 'away') return undefined;
  const toRelease = profile === 'cleartext' || profile === 'noise';
  if (end.kind === 'closed' && toRelease) return undefined;
  const reason = profile === 'noise' ? PROTOCOL_ERROR_REASON : end.reason;
  const body: FrameBody = { kind: 'reset', reason };
  return toRelease ? plainFrame(streamId, body) : reliableFrame(context, context.receive, body);
}
