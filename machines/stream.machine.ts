/**
 * The chart of one relay stream, at either end: which profile it speaks, what it waits for, how it ends (DESIGN §4, §5).
 * It decides; the arithmetic of a batch is in stream-steps.ts, and every effect leaves through the port of its input.
 */
import { assign, setup } from 'xstate';
import { isReliable } from '../proto/frame.js';
import { newDuplicateFilter } from './protocol/duplicate-filter.js';
import { emptyReceiveWindow, hasGap } from './protocol/receive-window.js';
import { observeRoundTrip } from './protocol/round-trip.js';
import { emptySendWindow, isDrained } from './protocol/send-window.js';
import { FIRST_CLEARTEXT_SEQ } from './protocol/sequence.js';
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
    armTimer: assign({ armedFor: ({ context }) => steps.deadlineOf(context) ?? context.clock.now() }),
    giveTheSocketATurn: assign({ excused: true }),
    noteReset: assign({
      end: ({ context, event }): StreamEnd => ({ ...context.end, ...resetCause(event) }),
    }),
    noteClosed: assign({
      end: ({ context }): StreamEnd => ({ ...context.end, kind: 'closed', reason: 'stream_closed' }),
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
    drainTime: ({ context }) => context.timing.drainMs,
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
    if (step.again) enqueue({ type: 'retransmit', params: step.again });
    if (step.frames.length > 0) enqueue({ type: 'transmit', params: step });
    if (step.messages.length > 0) enqueue({ type: 'deliver', params: step });
    if (step.fact) enqueue.raise(step.fact);
  });
}

const framesOf = (event: StreamEvent) => (event.type === 'frames' ? event.frames : []);
const messagesOf = (event: StreamEvent) => (event.type === 'flush' ? event.messages : []);

const definition = effects.extend({
  actions: {
    announce: stepping(steps.announce),
    becomeCleartext: stepping(steps.becomeCleartext),
    receiveCleartext: stepping((context, event) => steps.receiveCleartext(context, framesOf(event))),
    sendCleartext: stepping((context, event) => steps.sendCleartext(context, messagesOf(event))),
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

export const streamMachine = definition.createMachine({
  id: 'stream',
  description: 'One relay stream at one end: a JSON-RPC connection carried in frames over a shared socket.',
  context: ({ input }) => ({
    ...input,
    send: emptySendWindow,
    receive: emptyReceiveWindow,
    ackDebt: 0,
    cleartextSeq: FIRST_CLEARTEXT_SEQ,
    filter: newDuplicateFilter,
    announcements: 0,
    peerWindow: input.limits.windowSegments,
    asks: 0,
    ownWindow: undefined,
    armedFor: 0,
    excused: false,
    jitter: 0,
    counters: { framesReceived: 0, duplicates: 0, retransmitted: 0, probes: 0 },
    end: { streamId: input.streamId, kind: 'reset', reason: 'internal_error', initiator: 'local' },
  }),
  output: ({ context }) => context.end,
  initial: 'opening',
  states: {
    opening: {
      description: 'Which profile both ends speak is being settled.',
      initial: 'choosing',
      states: {
        choosing: {
          description: 'An executor knows from the first frame, a harness has to find out.',
          always: [
            { guard: 'profileIsUnknown', target: 'announcing' },
            { guard: 'speaksReliable', target: '#stream.reliable' },
            { target: '#stream.cleartext' },
          ],
        },
        announcing: {
          description:
            'resume with the capability field was sent, and is repeated until the peer shows its profile. What is sent meanwhile is numbered and kept, but neither cut nor sent again.',
          entry: 'announce',
          after: { announceInterval: { target: 'announcing', reenter: true } },
          on: {
            flush: { actions: 'sendUnconfirmed' },
            'reader.paused': { actions: 'closeWindow' },
            'reader.resumed': { actions: 'openWindow' },
            frames: [
              { guard: 'peerIsReliable', target: '#stream.reliable', actions: ['becomeReliable', 'receiveReliable'] },
              { target: '#stream.cleartext', actions: ['becomeCleartext', 'receiveCleartext'] },
            ],
            'stream.close': { target: '#stream.closed', actions: 'noteClosed' },
          },
        },
      },
    },
    cleartext: {
      description:
        'The peer is a release: one frame a message, in arrival order, no acknowledgements. Nothing is ever cut or sent again.',
      entry: 'readSocketAsTold',
      // Or a reader that ended while it had enough would stop the socket for whoever comes after it.
      exit: 'readSocketAgain',
      on: {
        frames: { actions: 'receiveCleartext' },
        flush: { actions: 'sendCleartext' },
        'stream.close': { target: 'closed', actions: 'noteClosed' },
        'reader.paused': { actions: ['closeWindow', 'readSocketAsTold'] },
        'reader.resumed': { actions: ['openWindow', 'readSocketAsTold'] },
      },
    },
    reliable: {
      description: 'Both ends are signalbox: segments, acknowledgements on every frame, retransmission.',
      type: 'parallel',
      states: {
        receiving: {
          description: 'What the peer sends, and what it acknowledges.',
          on: { frames: { actions: 'receiveReliable' } },
          initial: 'inOrder',
          states: {
            inOrder: {
              description: 'Every segment received so far has been delivered.',
              always: { guard: 'hasGap', target: 'gapped' },
            },
            gapped: {
              description: 'A segment is missing; later ones are held, and each arrival is acknowledged at once.',
              always: { guard: 'gapIsFilled', target: 'inOrder' },
            },
          },
        },
        sending: {
          description: 'What this end sends, and whether the peer has it.',
          on: { flush: { actions: 'sendReliable' } },
          initial: 'idle',
          states: {
            idle: {
              description: 'Everything sent is acknowledged; no timer runs and nothing is sent.',
              always: [
                { guard: 'hasUnacknowledged', target: 'inFlight' },
                { guard: 'isHeldBack', target: 'heldBack' },
              ],
            },
            heldBack: {
              description:
                'The peer takes nothing for now, so what waits stays here; it is asked again from time to time, in case its word that it does was lost.',
              after: { askInterval: { target: 'heldBack', reenter: true, actions: 'askForWindow' } },
              always: [
                { guard: 'hasUnacknowledged', target: 'inFlight' },
                { guard: 'queueIsEmpty', target: 'idle' },
              ],
            },
            inFlight: {
              description: 'Segments are unacknowledged; one timer is armed for the earliest deadline among them.',
              entry: 'armTimer',
              after: {
                untilDeadline: [
                  { guard: 'deadlineMovedLater', target: 'inFlight', reenter: true },
                  { guard: 'overslept', target: '.waking', actions: 'giveTheSocketATurn' },
                  { target: 'inFlight', reenter: true, actions: 'sendAgain' },
                ],
              },
              always: [
                { guard: 'allAcknowledged', target: 'idle' },
                { guard: 'deadlineMovedEarlier', target: 'inFlight', reenter: true },
              ],
              initial: 'flowing',
              states: {
                flowing: {
                  description: 'The window has room: what is given is sent at once.',
                  always: [
                    { guard: 'hasProbed', target: 'probing' },
                    { guard: 'hasQueue', target: 'windowFull' },
                  ],
                },
                windowFull: {
                  description:
                    'The peer must acknowledge before more is sent; the source has been told how much waits.',
                  always: [
                    { guard: 'hasProbed', target: 'probing' },
                    { guard: 'queueIsEmpty', target: 'flowing' },
                  ],
                },
                probing: {
                  description:
                    'Nothing was heard in time: the oldest segment was sent again, and each repetition waits longer.',
                  always: { guard: 'peerAnswered', target: 'flowing' },
                },
                waking: {
                  description:
                    'The timer fired long after its time, so this end was the slow one: acknowledgements that wait in the socket are read first.',
                  after: { oneTurn: { target: '#stream.reliable.sending.inFlight', reenter: true } },
                },
              },
            },
          },
        },
        reading: {
          description: 'Whether whoever reads the messages keeps up.',
          initial: 'taking',
          states: {
            taking: {
              description: 'The peer may fill the window.',
              always: { guard: 'readerIsFull', target: 'refusing' },
              on: { 'reader.paused': { actions: 'closeWindow' } },
            },
            refusing: {
              description: 'Every frame tells the peer to send nothing new; what is under way is still taken.',
              entry: 'acknowledge',
              on: { 'reader.resumed': { target: 'taking', actions: ['openWindow', 'acknowledge'] } },
            },
          },
        },
        acking: {
          description: 'When the peer learns what was received, if nothing sent carries it first.',
          initial: 'quiet',
          states: {
            quiet: {
              description: 'The peer has been told of everything received.',
              always: { guard: 'owesAck', target: 'delayed' },
            },
            delayed: {
              description: 'One segment waits to be acknowledged by a frame that is going out anyway.',
              after: { ackDelay: { target: 'quiet', actions: 'acknowledge' } },
              always: [
                { guard: 'owesNothing', target: 'quiet' },
                { guard: 'owesTwo', target: 'due' },
              ],
            },
            due: {
              description: 'Two segments or more wait: one more turn for an answer to carry it, then it goes alone.',
              after: { oneTurn: { target: 'quiet', actions: 'acknowledge' } },
              always: { guard: 'owesNothing', target: 'quiet' },
            },
          },
        },
        ending: {
          description: 'Whether this end wants to stop.',
          initial: 'serving',
          states: {
            serving: {
              description: 'The stream is in use.',
              on: { 'stream.close': 'draining' },
            },
            draining: {
              description: 'Closing as soon as everything sent is acknowledged, or when the peer takes too long.',
              always: { guard: 'isDrained', target: '#stream.closed', actions: 'noteClosed' },
              after: { drainTime: { target: '#stream.closed', actions: 'noteClosed' } },
            },
          },
        },
      },
    },
    closed: {
      description: 'Ended in good order by this end.',
      entry: 'tellPeer',
      type: 'final',
    },
    reset: {
      description: 'Ended at once, by either end, with a reason.',
      entry: 'tellPeer',
      type: 'final',
    },
  },
  on: {
    'peer.reset': { target: '.reset', actions: 'noteReset' },
    'protocol.violated': { target: '.reset', actions: 'noteReset' },
    'stream.reset': { target: '.reset', actions: 'noteReset' },
    'frame.rejected': { target: '.reset', actions: 'noteReset' },
    'carrier.lost': { target: '.reset', actions: 'noteReset' },
  },
});
