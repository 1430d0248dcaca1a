/**
 * What the loss of a carrier, and a new one, do to a reliable stream (DESIGN §5.2.7), computed on plain values as in
 * stream-steps.ts. Kept over all carriers: both windows, what waits, what the peer takes. Forgotten: what is owed to the
 * old carrier. The round trip is the carrier's own and is forgotten by the connection.
 */
import { resendUnasked } from './protocol/resume.js';
import { resumeFrame, toDataFrames } from './stream-frames.js';
import { count, type Step } from './stream-steps.js';
import type { StreamContext } from './stream-types.js';

const nothing: readonly never[] = [];

/** No event loop is this late unless its machine, or its process, was stopped. */
const OVERSLEPT_MS = 5000;

/** `resume`, once more. */
export function announce(context: StreamContext): Step {
  const patch = { announcements: context.announcements + 1 };
  return { patch, frames: [resumeFrame(context)], messages: nothing };
}

/** The carrier is gone: nothing is owed to it any more, `resume` will say everything. */
export function loseCarrier({ carrier, lostAt }: StreamContext, now: number): Step {
  const since = carrier === 'attached' ? now : lostAt;
  return { patch: { carrier: 'away', lostAt: since, ackDebt: 0, excused: false }, frames: nothing, messages: nothing };
}

/** This end was asleep for so long that its grace ran out meanwhile: it starts anew. */
export function wake(_: StreamContext, now: number): Step {
  return { patch: { lostAt: now }, frames: nothing, messages: nothing };
}

/** There is a new carrier: says where this end stands. */
export function resume(context: StreamContext, now: number): Step {
  const announced = announce({ ...context, announcements: 0 });
  return { ...announced, patch: { ...announced.patch, carrier: 'resuming', resumedAt: now, ackDebt: 0 } };
}

/** Sends a first part of what may be missing, without waiting to hear what is. */
export function sendUnasked(context: StreamContext, now: number): Step {
  const { window, segments, causes } = resendUnasked(context.send, now);
  const again = { frames: toDataFrames(context, context.receive, segments), causes };
  const counters = count(context, { retransmitted: segments.length });
  return { patch: { send: window, counters }, frames: nothing, again, messages: nothing };
}

/** Whether the grace timer fired so late that this end, not its peer, was away. */
export function sleptPastGrace({ clock, lostAt, timing }: StreamContext): boolean {
  return clock.now() - lostAt > timing.graceMs + OVERSLEPT_MS;
}
