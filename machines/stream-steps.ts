/**
 * What one event does to a stream, computed on plain values: a patch of the context, and what must leave.
 * One new window value a batch, however many frames were in it. Nothing here sends, delivers or reads the time.
 */
import { type Frame, type FrameBody, isReliable, plainFrame, RELIABILITY_RELIABLE } from '../proto/frame.js';
import { DuplicateFilterDraft } from './protocol/duplicate-filter.js';
import { ackBitsOf, hasGap, type ReceiveWindow, receive } from './protocol/receive-window.js';
import { lossDelayMs, probeDelayMs } from './protocol/round-trip.js';
import * as sendWindow from './protocol/send-window.js';
import { nextDeadline, type Retransmitting, type SentSegment } from './protocol/send-window.js';
import { nextCleartextSeq } from './protocol/sequence.js';
import type { StreamContext } from './stream-types.js';

export type StreamPatch = Partial<
  Pick<
    StreamContext,
    | 'profile'
    | 'send'
    | 'receive'
    | 'ackDebt'
    | 'cleartextSeq'
    | 'filter'
    | 'announcements'
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

/** A batch received in the cleartext profile: arrival order, one message a frame (relay.md §4.2). */
export function receiveCleartext(context: StreamContext, frames: readonly Frame[]): Step {
  const messages: Uint8Array[] = [];
  const filter = new DuplicateFilterDraft(context.filter);
  let duplicates = 0;
  let fact: StreamFact | undefined;
  for (const { body } of frames) {
    if (body.kind === 'reset') {
      fact = { type: 'peer.reset', reason: body.reason };
      break;
    }
    if (body.kind !== 'data') continue;
    if (filter.isDuplicate(body.seq)) duplicates += 1;
    else messages.push(body.payload);
  }
  const counters = count(context, { framesReceived: frames.length, duplicates });
  return { patch: { filter: filter.finish(), counters }, frames: nothing, messages, ...(fact ? { fact } : {}) };
}

/** Messages to send in the cleartext profile: never segmented, never kept. */
export function sendCleartext(context: StreamContext, messages: readonly Uint8Array[]): Step {
  let seq = context.cleartextSeq;
  const frames = messages.map((payload) => {
    const body: FrameBody = { kind: 'data', seq, segmentIndex: 0, segmentCount: 1, payload };
    seq = nextCleartextSeq(seq);
    return plainFrame(context.streamId, body);
  });
  return { patch: { cleartextSeq: seq }, frames, messages: nothing };
}

/** A batch received in the reliable profile. */
export function receiveReliable(context: StreamContext, frames: readonly Frame[], now: number): Step {
  const { limits, meter } = context;
  let { send, peerWindow } = context;
  let roundTripMs: number | undefined;
  let fact: StreamFact | undefined;
  let asked = false;
  const segments = [];
  for (const frame of frames) {
    const { body } = frame;
    if (body.kind === 'reset') {
      fact = { type: 'peer.reset', reason: body.reason };
      break;
    }
    // Only a reset may come from somebody who does not speak the profile (the rendezvous).
    if (!isReliable(frame)) continue;
    // A frame that was overtaken does not know the newest word.
    if (frame.ack >= send.peerAck) peerWindow = frame.receiveWindow ?? limits.windowSegments;
    const acknowledged = sendWindow.acknowledge(send, frame.ack, frame.ackBits, now);
    if (acknowledged.kind === 'impossible') {
      fact = { type: 'protocol.violated', reason: 'ack_of_unsent' };
      break;
    }
    send = acknowledged.window;
    roundTripMs = acknowledged.roundTripMs ?? roundTripMs;
    // A harness asks who is there, a sender that is held back asks whether that still holds.
    if (body.kind === 'heartbeat' || (body.kind === 'resume' && context.role === 'executor')) asked = true;
    if (body.kind === 'data') segments.push(body);
  }
  const received = receive(context.receive, segments, limits);
  if (received.violation) fact ??= { type: 'protocol.violated', reason: received.violation.code };
  const counted = { framesReceived: frames.length, duplicates: received.duplicates };
  const measured = roundTripMs === undefined ? {} : { roundTripMs };
  if (fact) {
    // The stream is over: what came before is delivered, and nothing but a reset may still leave.
    const patch = { send, receive: received.window, counters: count(context, counted) };
    return { patch, frames: nothing, messages: received.messages, ...measured, fact };
  }
  const lost = sendWindow.retransmitLost(send, now, meter.current);
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
      counters: count(context, { ...counted, retransmitted: lost.segments.length }),
      ...(progressed ? { excused: false } : {}),
    },
    frames: ackNow ? [ackFrame(context, received.window)] : out,
    ...(lost.segments.length > 0
      ? { again: { frames: toDataFrames(context, received.window, lost.segments), causes: lost.causes } }
      : {}),
    messages: received.messages,
    ...measured,
    ...exhaustion(sending.window),
  };
}

/** Numbers never wrap, so what is still queued behind the last one can never be sent. */
function exhaustion(window: sendWindow.SendWindow): { readonly fact?: StreamFact } {
  return sendWindow.isExhausted(window) ? { fact: { type: 'protocol.violated', reason: 'seq_exhausted' } } : {};
}

/** The peer's word bounds the window; that it says nothing leaves the whole window open. */
function boundsOf({ limits }: StreamContext, peerWindow: number): sendWindow.SendBounds {
  return { ...limits, windowSegments: Math.min(limits.windowSegments, peerWindow) };
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
    frames: nothing,
    again: { frames: toDataFrames(context, context.receive, again.segments), causes: again.causes },
    messages: nothing,
  };
}

/** The acknowledgement alone. */
export function acknowledgeAlone(context: StreamContext): Step {
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

/** `resume`, by which a harness makes itself and its profile known; may be repeated. */
export function announce(context: StreamContext): Step {
  const frame = reliableFrame(context, context.receive, { kind: 'resume', nextSeq: context.send.nextSeq });
  return { patch: { announcements: context.announcements + 1 }, frames: [frame], messages: nothing };
}

/** The peer turned out to be a release, which has taken what it got; only what no frame carries yet is left to send. */
export function becomeCleartext(context: StreamContext): Step {
  const { send } = context;
  const waiting = send.queue.map((queued) => queued.message);
  const sent = { ...context, cleartextSeq: nextCleartextSeq(send.nextSeq - 1) };
  const step = sendCleartext(sent, waiting);
  return { ...step, patch: { ...step.patch, profile: 'cleartext', send: sendWindow.emptySendWindow } };
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

/**
 * The frame that tells the peer how the stream ended, if it needs to be told: a release expects none after a close,
 * a peer that ended the stream knows, and nothing can be said without a carrier.
 */
export function lastFrame(context: StreamContext): Frame | undefined {
  const { end, profile, streamId } = context;
  if (end.initiator === 'peer' || end.reason === 'carrier_lost') return undefined;
  if (end.kind === 'closed' && profile === 'cleartext') return undefined;
  const body: FrameBody = { kind: 'reset', reason: end.reason };
  return profile === 'cleartext' ? plainFrame(streamId, body) : reliableFrame(context, context.receive, body);
}

function toDataFrames(context: StreamContext, window: ReceiveWindow, segments: readonly SentSegment[]): Frame[] {
  return segments.map(({ seq, segmentIndex, segmentCount, payload }) =>
    reliableFrame(context, window, { kind: 'data', seq, segmentIndex, segmentCount, payload }),
  );
}

function ackFrame(context: StreamContext, window: ReceiveWindow): Frame {
  return reliableFrame(context, window, { kind: 'ack' });
}

function reliableFrame(context: StreamContext, window: ReceiveWindow, body: FrameBody): Frame {
  return {
    streamId: context.streamId,
    ack: window.ack,
    ackBits: ackBitsOf(window),
    reliability: RELIABILITY_RELIABLE,
    ...(context.ownWindow === undefined ? {} : { receiveWindow: context.ownWindow }),
    body,
  };
}

function count(context: StreamContext, by: Partial<StreamContext['counters']>): StreamContext['counters'] {
  const { counters } = context;
  return {
    framesReceived: counters.framesReceived + (by.framesReceived ?? 0),
    duplicates: counters.duplicates + (by.duplicates ?? 0),
    retransmitted: counters.retransmitted + (by.retransmitted ?? 0),
    probes: counters.probes + (by.probes ?? 0),
  };
}
