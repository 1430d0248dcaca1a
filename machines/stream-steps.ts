/**
 * What one event does to a stream, computed on plain values: a patch of the context, and what must leave.
 * One new window value a batch, however many frames were in it. Nothing here sends, delivers or reads the time.
 */
import { type Frame, isReliable } from '../proto/frame.js';
import { hasGap, receive } from './protocol/receive-window.js';
import { isPossibleNextSeq, resendMissing } from './protocol/resume.js';
import { lossDelayMs, probeDelayMs } from './protocol/round-trip.js';
import * as sendWindow from './protocol/send-window.js';
import { nextDeadline, type Retransmitting } from './protocol/send-window.js';
import { ackFrame, isHello, reliableFrame, replyFrame, resumeFrame, toDataFrames } from './stream-frames.js';
import type { StreamContext } from './stream-types.js';

export type StreamPatch = Partial<
  Pick<
    StreamContext,
    | 'profile'
    | 'send'
    | 'receive'
    | 'ackDebt'
    | 'releaseSeq'
    | 'filter'
    | 'order'
    | 'answer'
    | 'early'
    | 'announcements'
    | 'carrier'
    | 'lostAt'
    | 'resumedAt'
    | 'jitter'
    | 'excused'
    | 'counters'
    | 'peerWindow'
    | 'asks'
  >
>;

/** A reason to leave the state the stream is in. */
export type StreamFact =
  | { readonly type: 'peer.reset'; readonly reason: string }
  | { readonly type: 'protocol.violated'; readonly reason: string };

export interface Step {
  readonly patch: StreamPatch;
  readonly frames: readonly Frame[];
  readonly again?: { readonly frames: readonly Frame[]; readonly causes: Retransmitting['causes'] };
  readonly messages: readonly Uint8Array[];
  readonly roundTripMs?: number;
  readonly fact?: StreamFact;
}

const nothing: readonly never[] = [];

/** A batch received in the reliable profile. */
export function receiveReliable(context: StreamContext, frames: readonly Frame[], now: number): Step {
  const { limits, meter } = context;
  let { send, peerWindow } = context;
  let roundTripMs: number | undefined;
  let fact: StreamFact | undefined;
  let asked = false;
  let nextSeq: number | undefined;
  let heard = false;
  let { answer } = context;
  const segments = [];
  for (const frame of frames) {
    const { body } = frame;
    if (body.kind === 'reset') {
      fact = { type: 'peer.reset', reason: body.reason };
      break;
    }
    // Only a reset may come from somebody who does not speak the profile (the rendezvous).
    if (!isReliable(frame)) continue;
    heard = true;
    // A frame that was overtaken does not know the newest word.
    if (frame.ack >= send.peerAck) peerWindow = frame.receiveWindow ?? limits.windowSegments;
    const acknowledged = sendWindow.acknowledge(send, frame.ack, frame.ackBits, now);
    if (acknowledged.kind === 'impossible') {
      fact = { type: 'protocol.violated', reason: 'ack_of_unsent' };
      break;
    }
    send = acknowledged.window;
    roundTripMs = acknowledged.roundTripMs ?? roundTripMs;
    // What begins a handshake was overtaken by it.
    if (isHello(body) && context.responder !== undefined) continue;
    // One asks who is there, or says that it is back; one that is held back asks whether that still holds.
    if (body.kind === 'heartbeat' || body.kind === 'resume') asked = true;
    if (body.kind === 'resume') nextSeq = Math.max(nextSeq ?? 0, body.nextSeq);
    if (body.kind === 'data') segments.push(body);
    // Nobody seals a record who has not read message 2.
    if (body.kind === 'data') answer = undefined;
  }
  const received = receive(context.receive, segments, limits);
  if (nextSeq !== undefined && !isPossibleNextSeq(nextSeq, received.window, limits.windowSegments)) {
    fact ??= { type: 'protocol.violated', reason: 'resume_impossible' };
  }
  if (received.violation) fact ??= { type: 'protocol.violated', reason: received.violation.code };
  const counted = { framesReceived: frames.length, duplicates: received.duplicates };
  const measured = roundTripMs === undefined ? {} : { roundTripMs };
  if (fact) {
    // The stream is over: what came before is delivered, and nothing but a reset may still leave.
    const patch = { send, receive: received.window, counters: count(context, counted) };
    return { patch, frames: nothing, messages: received.messages, ...measured, fact };
  }
  const sentBefore = resumedSince(context, nextSeq !== undefined, now);
  const lost =
    sentBefore === undefined
      ? sendWindow.retransmitLost(send, now, meter.current)
      : resendMissing(send, now, sentBefore);
  const sending = sendWindow.sendQueued(lost.window, now, boundsOf(context, peerWindow));

  // A gap, a duplicate and a filled gap are told at once.
  const urgent = received.duplicates > 0 || hasGap(received.window) || hasGap(context.receive);
  const carried = lost.segments.length + sending.segments.length > 0;
  const out = toDataFrames(context, received.window, sending.segments);
  const ackNow = !carried && ((urgent && segments.length > 0) || asked);
  const progressed = send !== context.send;
  return {
    patch: {
      send: sending.window,
      receive: received.window,
      ackDebt: carried || ackNow ? 0 : context.ackDebt + received.fresh,
      peerWindow,
      asks: peerWindow > 0 ? 0 : context.asks,
      ...(answer === context.answer ? {} : { answer }),
      ...(heard ? { carrier: 'attached' as const } : {}),
      counters: count(context, { ...counted, retransmitted: lost.segments.length }),
      ...(progressed ? { excused: false } : {}),
    },
    frames: ackNow ? [replyFrame(context, received.window, answer)] : out,
    again: { frames: toDataFrames(context, received.window, lost.segments), causes: lost.causes },
    messages: received.messages,
    ...measured,
    ...exhaustion(sending.window),
  };
}

/**
 * A carrier was replaced, this end's or the peer's: everything that left before this point in time and is not
 * acknowledged is taken for lost. Undefined when no carrier was.
 */
function resumedSince(context: StreamContext, peerResumes: boolean, now: number): number | undefined {
  // What the peer did not get because it was not there has left on this end's carrier, old or new.
  if (peerResumes) return now - context.meter.current.smoothedMs;
  return context.carrier === 'resuming' ? context.resumedAt : undefined;
}

/** Numbers never wrap, so what is still queued behind the last one can never be sent. */
function exhaustion(window: sendWindow.SendWindow): { readonly fact?: StreamFact } {
  return sendWindow.isExhausted(window) ? { fact: { type: 'protocol.violated', reason: 'seq_exhausted' } } : {};
}

/** The peer's word bounds the window; that it says nothing leaves the whole window open. */
function boundsOf({ limits }: StreamContext, peerWindow: number): sendWindow.SendBounds {
  return { ...limits, windowSegments: Math.min(limits.windowSegments, peerWindow) };
}

/** Messages to send once frames flow again: kept, so that their sources learn when it is enough. */
export function keep(context: StreamContext, messages: readonly Uint8Array[]): Step {
  const send = sendWindow.enqueue(context.send, messages, context.limits.segmentBytes);
  return { patch: { send }, frames: nothing, messages: nothing };
}

/** Messages to send in the reliable profile; `confirmed` once the peer is known to reassemble. */
export function sendReliable(
  context: StreamContext,
  messages: readonly Uint8Array[],
  now: number,
  confirmed: boolean,
): Step {
  const open = boundsOf(context, context.peerWindow);
  const bounds = confirmed ? open : { ...open, segmentBytes: Number.POSITIVE_INFINITY };
  const queued = sendWindow.enqueue(context.send, messages, bounds.segmentBytes);
  const sending = sendWindow.sendQueued(queued, now, bounds);
  return {
    patch: { send: sending.window, ...(sending.segments.length > 0 ? { ackDebt: 0 } : {}) },
    frames: toDataFrames(context, context.receive, sending.segments),
    messages: nothing,
    ...exhaustion(sending.window),
  };
}

/** The retransmit timer fired: what was passed by goes again, else the oldest segment as a probe. */
export function retransmitDue(context: StreamContext, now: number, jitter: number): Step {
  const { current } = context.meter;
  const lost = sendWindow.retransmitLost(context.send, now, current);
  const again = lost.segments.length > 0 ? lost : sendWindow.probe(context.send, now);
  const probes = lost.segments.length > 0 ? 0 : again.segments.length;
  return {
    patch: {
      send: again.window,
      ackDebt: 0,
      jitter,
      excused: false,
      counters: count(context, { retransmitted: again.segments.length, probes }),
    },
    frames: isInDoubt(context) ? [resumeFrame(context)] : nothing,
    again: { frames: toDataFrames(context, context.receive, again.segments), causes: again.causes },
    messages: nothing,
  };
}

/**
 * A harness that probes again and hears nothing may be speaking to an executor that has lost its state, and cannot know
 * from early data whether it has: `resume` makes it say so.
 */
function isInDoubt({ role, send }: StreamContext): boolean {
  return role === 'harness' && send.probes > 0;
}

/** The acknowledgement alone. Between two carriers it is left to `resume`. */
export function acknowledgeAlone(context: StreamContext): Step {
  if (context.carrier !== 'attached') return { patch: {}, frames: nothing, messages: nothing };
  return { patch: { ackDebt: 0 }, frames: [ackFrame(context, context.receive)], messages: nothing };
}

/** Asks a peer that takes nothing whether that still holds: its word that it does again may have been lost. */
export function askForWindow(context: StreamContext): Step {
  const frame = reliableFrame(context, context.receive, { kind: 'heartbeat' });
  return { patch: { asks: context.asks + 1, ackDebt: 0 }, frames: [frame], messages: nothing };
}

/** How long to wait before asking again. */
export function askDelayMs({ meter, timing, asks, jitter }: StreamContext): number {
  return probeDelayMs(meter.current, asks, jitter, timing);
}

/** The point in time at which something must be sent again if nothing is heard. */
export function deadlineOf(context: StreamContext): number | undefined {
  const { send, meter, timing, jitter } = context;
  return nextDeadline(send, meter.current, probeDelayMs(meter.current, send.probes, jitter, timing));
}

/** How late a timer may fire before this end, not the peer, is taken for the slow one. */
export function oversleepMs(context: StreamContext): number {
  return lossDelayMs(context.meter.current);
}

export function count(context: StreamContext, by: Partial<StreamContext['counters']>): StreamContext['counters'] {
  const { counters } = context;
  return {
    framesReceived: counters.framesReceived + (by.framesReceived ?? 0),
    duplicates: counters.duplicates + (by.duplicates ?? 0),
    retransmitted: counters.retransmitted + (by.retransmitted ?? 0),
    probes: counters.probes + (by.probes ?? 0),
  };
}
