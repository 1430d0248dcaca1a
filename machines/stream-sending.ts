/**
 * The part of the stream's chart that sends (DESIGN §5.2.4): what is in flight, what is held back, and the one timer
 * that says when something is to be sent again. Its words are in stream-setup.ts.
 */
import { streamSetup } from './stream-setup.js';

export const sending = streamSetup.createStateConfig({
  description: 'What this end sends, and whether the peer has it.',
  on: { flush: { actions: 'sendReliable' }, 'carrier.lost': '.resting' },
  initial: 'idle',
  states: {
    resting: {
      description: 'Frames do not flow: what is given is kept, and no timer runs until the peer is heard again.',
      always: { guard: 'isAttached', target: 'idle' },
      on: { flush: { actions: 'keep' } },
    },
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
          description: 'The peer must acknowledge before more is sent; the source has been told how much waits.',
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
});
