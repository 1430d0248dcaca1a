/**
 * The words the chart of a stream is written in: its actions, guards and delays, each by name. An action computes one
 * step (stream-steps.ts) and applies it; when it is taken is for the chart (stream.machine.ts) to say.
 */
import { assign, setup } from 'xstate';
import { isReliable } from '../proto/frame.js';
import { isFrameMissing } from './protocol/duplicate-filter.js';
import { hasGap } from './protocol/receive-window.js';
import { observeRoundTrip, unmeasuredRoundTrip } from './protocol/round-trip.js';
import { isDrained } from './protocol/send-window.js';
import * as cleartext from './stream-cleartext.js';
import * as resuming from './stream-resume.js';
import * as steps from './stream-steps.js';
import type { StreamContext, StreamEnd, StreamEvent, StreamInput } from './stream-types.js';

/** Segments after which an acknowledgement is due (DESIGN §5.2.5). */
const DUE_AFTER_SEGMENTS = 2;

const effects = setup({
  types: {
    context: {} as StreamContext,
    events: {} as StreamEvent,
    input: {} as StreamInput,
    output: {} as StreamEnd,
  },
  actions: {
    transmit: ({ context }, { frames }: Pick<steps.Step, 'frames'>) => context.port.transmit(frames),
    retransmit: ({ context }, { frames, causes }: NonNullable<steps.Step['again']>) =>
      context.port.retransmit(frames, causes),
    deliver: ({ context }, { messages }: Pick<steps.Step, 'messages'>) => context.port.deliver(messages),
    readSocketAgain: ({ context }) => context.port.readSocket(true),
    readSocketAsTold: ({ context }) => context.port.readSocket(context.ownWindow !== 0),
    closeWindow: assign({ ownWindow: 0 }),
    openWindow: assign({ ownWindow: undefined }),
    reportBacklog: ({ context }, { bytes }: { bytes: number }) => context.port.backlog(bytes),
    measureRoundTrip: ({ context }, { ms }: { ms: number }) => {
      context.meter.current = observeRoundTrip(context.meter.current, ms);
    },
    forgetRoundTrip: ({ context }) => {
      context.meter.current = unmeasuredRoundTrip;
    },
    armTimer: assign({ armedFor: ({ context }) => steps.deadlineOf(context) ?? context.clock.now() }),
    noteGap: assign({ gapAfter: ({ context }) => context.filter.complete }),
    noteStall: assign({
      end: ({ context }): StreamEnd => ({ ...context.end, kind: 'reset', reason: 'gap_stalled' }),
    }),
    giveTheSocketATurn: assign({ excused: true }),
    noteReset: assign({
      end: ({ context, event }): StreamEnd => ({ ...context.end, ...resetCause(event) }),
    }),
    noteClosed: assign({
      end: ({ context }): StreamEnd => ({ ...context.end, kind: 'closed', reason: 'stream_closed' }),
    }),
    noteExpiry: assign({
      end: ({ context }): StreamEnd => ({ ...context.end, kind: 'reset', reason: 'resume_expired' }),
    }),
    becomeReliable: assign({ profile: 'reliable' }),
    tellPeer: ({ context }) => {
      const frame = steps.lastFrame(context);
      if (frame) context.port.transmit([frame]);
    },
  },
  guards: {
    profileIsUnknown: ({ context }) => context.profile === undefined,
    speaksReliable: ({ context }) => context.profile === 'reliable',
    peerIsReliable: ({ event }) =>
      event.type === 'frames' && event.frames[0] !== undefined && isReliable(event.frames[0]),
    peerIsHeard: ({ event }) => event.type === 'frames' && event.frames.some(isReliable),
    isAttached: ({ context }) => context.carrier === 'attached',
    hasCarrier: ({ context }) => context.carrier === 'resuming',
    sleptPastGrace: ({ context }) => resuming.sleptPastGrace(context),
    hasUnacknowledged: ({ context }) => context.send.inFlight.length > 0,
    allAcknowledged: ({ context }) => context.send.inFlight.length === 0,
    isDrained: ({ context }) => isDrained(context.send),
    hasQueue: ({ context }) => context.send.queue.length > 0,
    queueIsEmpty: ({ context }) => context.send.queue.length === 0,
    isHeldBack: ({ context }) =>
      context.peerWindow === 0 && context.send.queue.length > 0 && context.send.inFlight.length === 0,
    readerIsFull: ({ context }) => context.ownWindow === 0,
    hasProbed: ({ context }) => context.send.probes > 0,
    peerAnswered: ({ context }) => context.send.probes === 0,
    hasGap: ({ context }) => hasGap(context.receive),
    gapIsFilled: ({ context }) => !hasGap(context.receive),
    frameIsMissing: ({ context }) => isFrameMissing(context.filter),
    nothingIsMissing: ({ context }) => !isFrameMissing(context.filter),
    anotherIsMissing: ({ context }) => context.filter.complete !== context.gapAfter,
    owesAck: ({ context }) => context.ackDebt > 0,
    owesNothing: ({ context }) => context.ackDebt === 0,
    owesTwo: ({ context }) => context.ackDebt >= DUE_AFTER_SEGMENTS,
    deadlineMovedEarlier: ({ context }) => (steps.deadlineOf(context) ?? context.armedFor) < context.armedFor,
    deadlineMovedLater: ({ context }) => (steps.deadlineOf(context) ?? 0) > context.clock.now(),
    overslept: ({ context }) => !context.excused && context.clock.now() - context.armedFor > steps.oversleepMs(context),
  },
  delays: {
    announceInterval: ({ context }) =>
      Math.min(context.timing.announceMs * 2 ** (context.announcements - 1), context.timing.longestProbeMs),
    untilDeadline: ({ context }) => Math.max(0, context.armedFor - context.clock.now()),
    askInterval: ({ context }) => steps.askDelayMs(context),
    oneTurn: ({ context }) => context.timing.dueAckDelayMs,
    ackDelay: ({ context }) => context.timing.ackDelayMs,
    stalledGapTime: ({ context }) => context.timing.stalledGapMs,
    drainTime: ({ context }) => context.timing.drainMs,
    graceTime: ({ context }) => context.timing.graceMs,
  },
});

/** How a stream that is being reset ends, told from the event that does it. */
function resetCause(event: StreamEvent): Pick<StreamEnd, 'kind' | 'reason' | 'initiator'> {
  switch (event.type) {
    case 'peer.reset':
      return { kind: 'reset', reason: event.reason, initiator: 'peer' };
    case 'carrier.lost':
      return { kind: 'reset', reason: 'carrier_lost', initiator: 'local' };
    case 'frame.rejected':
    case 'protocol.violated':
    case 'stream.reset':
      return { kind: 'reset', reason: event.reason, initiator: 'local' };
    default:
      return { kind: 'reset', reason: 'internal_error', initiator: 'local' };
  }
}

/** An action that computes a step and applies it: the patch first, so that everything after it sees the new windows. */
function stepping(compute: (context: StreamContext, event: StreamEvent) => steps.Step | undefined) {
  return effects.enqueueActions(({ context, event, enqueue }) => {
    const step = compute(context, event);
    if (step === undefined) return;
    const before = context.send.queuedBytes;
    enqueue.assign(step.patch);
    // Before anything leaves, or the source would be told that there is room while all of it still waits.
    const after = step.patch.send?.queuedBytes ?? before;
    if (after !== before) enqueue({ type: 'reportBacklog', params: { bytes: after } });
    if (step.roundTripMs !== undefined) enqueue({ type: 'measureRoundTrip', params: { ms: step.roundTripMs } });
    if (step.again && step.again.frames.length > 0) enqueue({ type: 'retransmit', params: step.again });
    if (step.frames.length > 0) enqueue({ type: 'transmit', params: step });
    if (step.messages.length > 0) enqueue({ type: 'deliver', params: step });
    if (step.fact) enqueue.raise(step.fact);
  });
}

const framesOf = (event: StreamEvent) => (event.type === 'frames' ? event.frames : []);
const messagesOf = (event: StreamEvent) => (event.type === 'flush' ? event.messages : []);

export const streamSetup = effects.extend({
  actions: {
    announce: stepping(resuming.announce),
    loseCarrier: stepping((context) => resuming.loseCarrier(context, context.clock.now())),
    resume: stepping((context) => resuming.resume(context, context.clock.now())),
    sendUnasked: stepping((context) => resuming.sendUnasked(context, context.clock.now())),
    startGraceAnew: stepping((context) => resuming.wake(context, context.clock.now())),
    keep: stepping((context, event) => steps.keep(context, messagesOf(event))),
    becomeCleartext: stepping(cleartext.becomeCleartext),
    receiveCleartext: stepping((context, event) => cleartext.receiveCleartext(context, framesOf(event))),
    sendCleartext: stepping((context, event) => cleartext.sendCleartext(context, messagesOf(event))),
    receiveReliable: stepping((context, event) => steps.receiveReliable(context, framesOf(event), context.clock.now())),
    sendReliable: stepping((context, event) =>
      steps.sendReliable(context, messagesOf(event), context.clock.now(), true),
    ),
    sendUnconfirmed: stepping((context, event) =>
      steps.sendReliable(context, messagesOf(event), context.clock.now(), false),
    ),
    sendAgain: stepping((context) => steps.retransmitDue(context, context.clock.now(), context.random())),
    acknowledge: stepping(steps.acknowledgeAlone),
    askForWindow: stepping(steps.askForWindow),
  },
});
