/**
 * The words the chart of a stream is written in: its actions, guards and delays, each by name. An action computes one
 * step (stream-steps.ts) and applies it; when it is taken is for the chart (stream.machine.ts) to say.
 */
import { assign, fromPromise, setup } from 'xstate';
import { isReliable, PROTOCOL_ERROR_REASON } from '../proto/frame.js';
import { isFrameMissing } from './protocol/duplicate-filter.js';
import { isStalled } from './protocol/noise-order.js';
import { hasGap } from './protocol/receive-window.js';
import { observeRoundTrip, unmeasuredRoundTrip } from './protocol/round-trip.js';
import { isDrained } from './protocol/send-window.js';
import * as cleartext from './stream-cleartext.js';
import { answerFrame, CREDENTIAL_REJECTED, lastFrame } from './stream-frames.js';
import * as handshake from './stream-handshake.js';
import { receiveNoise } from './stream-noise.js';
import * as resuming from './stream-resume.js';
import * as steps from './stream-steps.js';
import type {
  HandshakeAnswer,
  InitiatorPort,
  ResponderPort,
  StreamContext,
  StreamEnd,
  StreamEvent,
  StreamInput,
} from './stream-types.js';

/** Segments after which an acknowledgement is due (DESIGN §5.2.5). */
const DUE_AFTER_SEGMENTS = 2;

const greet = fromPromise<Uint8Array, { readonly port: InitiatorPort | undefined }>(async ({ input }) =>
  given(input.port).greet(),
);
const conclude = fromPromise<
  void,
  { readonly port: InitiatorPort | undefined; readonly answer: Uint8Array | undefined }
>(async ({ input }) => given(input.port).conclude(given(input.answer)));
const read = fromPromise<void, { readonly port: ResponderPort | undefined }>(async ({ input }) =>
  given(input.port).read(),
);
const authorise = fromPromise<HandshakeAnswer, { readonly port: ResponderPort | undefined }>(
  async ({ input, signal }) => given(input.port).authorise(signal),
);

/** The chart takes these steps only where it was given who does them. */
function given<T>(what: T | undefined): T {
  if (what === undefined) throw new Error('a handshake without anybody to do it');
  return what;
}

const effects = setup({
  types: {
    context: {} as StreamContext,
    events: {} as StreamEvent,
    input: {} as StreamInput,
    output: {} as StreamEnd,
  },
  actors: { greet, conclude, read, authorise },
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
    noteGap: assign({ gapAt: ({ context }) => gapOf(context) }),
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
    sendGreeting: ({ context }, { message }: { message: Uint8Array }) =>
      context.port.transmit(handshake.greetingFrames(context, message)),
    noteAnnouncement: assign({ announcements: 1 }),
    sendAnswer: ({ context }, { message }: { message: Uint8Array }) =>
      context.port.transmit([answerFrame(context, message)]),
    keepAnswer: assign({ answer: (_, { message }: { message: Uint8Array }) => message }),
    noteTimeout: assign({
      end: ({ context }): StreamEnd => ({ ...context.end, kind: 'reset', reason: 'handshake_timeout' }),
    }),
    noteAuthorisationTimeout: assign({
      end: ({ context }): StreamEnd => ({ ...context.end, kind: 'reset', reason: 'authorisation_timeout' }),
    }),
    noteHandshakeFailure: assign({
      end: ({ context }): StreamEnd => ({ ...context.end, kind: 'reset', reason: PROTOCOL_ERROR_REASON }),
    }),
    noteCredentialRejected: assign({
      end: ({ context }): StreamEnd => ({ ...context.end, kind: 'reset', reason: CREDENTIAL_REJECTED }),
    }),
    abandonHandshake: ({ context }) => {
      context.initiator?.abandon();
      context.responder?.abandon();
    },
    forgetAnswer: assign({ answer: undefined, early: [] }),
    beginRecords: ({ context }) => context.port.opened(),
    noteExpiry: assign({
      end: ({ context }): StreamEnd => ({ ...context.end, kind: 'reset', reason: 'resume_expired' }),
    }),
    becomeReliable: assign({ profile: 'reliable' }),
    tellPeer: ({ context }) => {
      const frame = lastFrame(context);
      if (frame) context.port.transmit([frame]);
    },
  },
  guards: {
    profileIsUnknown: ({ context }) => context.profile === undefined,
    isEncryptedByHarness: ({ context }) => context.initiator !== undefined,
    isEncryptedByPeer: ({ context }) => context.responder !== undefined,
    isAnswered: ({ event }) => event.type === 'frames' && handshake.isAnswered(event.frames),
    isAdmitted: (_, { admitted }: HandshakeAnswer) => admitted,
    isAdmittedReliable: ({ context }, { admitted }: HandshakeAnswer) => admitted && context.profile === 'reliable',
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
    frameIsMissing: ({ context }) => isMissing(context),
    nothingIsMissing: ({ context }) => !isMissing(context),
    anotherIsMissing: ({ context }) => gapOf(context) !== context.gapAt,
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
    handshakeTime: ({ context }) => context.timing.handshakeMs,
    authorisationTime: ({ context }) => context.timing.authorisationMs,
  },
});

/** Whether a later frame of a release has come, and an earlier one has not. */
function isMissing({ filter, order }: StreamContext): boolean {
  return isFrameMissing(filter) || isStalled(order);
}

/** Where its oldest gap is. */
function gapOf({ profile, filter, order }: StreamContext): number {
  return profile === 'noise' ? order.expected : filter.complete;
}

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
function stepping(compute: (context: StreamContext, event: StreamEvent) => steps.Step) {
  return effects.enqueueActions(({ context, event, enqueue }) => {
    const step = compute(context, event);
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
/** What came behind message 2, when that has been read; then the event is the end of the reading. */
const earlyOr = (context: StreamContext, event: StreamEvent) =>
  event.type === 'frames' ? event.frames : context.early;
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
    sendToRelease: stepping((context, event) => cleartext.sendCleartext(context, messagesOf(event))),
    askForAnswer: stepping(handshake.askForAnswer),
    noteAnswer: stepping((_, event) => handshake.noteAnswer(framesOf(event))),
    holdEarly: stepping((context, event) => handshake.holdEarly(context, framesOf(event))),
    receiveUnopened: stepping((context, event) => handshake.receiveUnopened(context, framesOf(event))),
    receiveNoise: stepping((context, event) => receiveNoise(context, earlyOr(context, event))),
    receiveReliable: stepping((context, event) =>
      steps.receiveReliable(context, earlyOr(context, event), context.clock.now()),
    ),
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
