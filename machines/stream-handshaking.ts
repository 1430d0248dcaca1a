/**
 * The part of the stream's chart in which two ends agree on keys and the executor asks whether that harness may
 * (relay.md §6.10, §7.3, §7.4). Left half: a harness; right half: an executor. Its words are in stream-setup.ts; the
 * cryptography is behind the ports of the stream's input.
 */
import { streamSetup } from './stream-setup.js';

const failed = { target: '#stream.reset', actions: 'noteHandshakeFailure' } as const;

export const handshaking = streamSetup.createStateConfig({
  description:
    'The stream is to be encrypted: keys are being agreed. Nothing else may be said, and nothing of it outlives the socket.',
  initial: 'greeting',
  after: { handshakeTime: { target: '#stream.reset', actions: 'noteTimeout' } },
  exit: 'abandonHandshake',
  on: {
    'stream.close': { target: '#stream.closed', actions: 'noteClosed' },
    'reader.paused': { actions: 'closeWindow' },
    'reader.resumed': { actions: 'openWindow' },
  },
  states: {
    greeting: {
      description: 'Harness: message 1 is being written; only the executor that the registry named can open it.',
      invoke: {
        id: 'greet',
        src: 'greet',
        input: ({ context }) => ({ port: context.initiator }),
        onDone: {
          target: 'greeted',
          actions: [{ type: 'sendGreeting', params: ({ event }) => ({ message: event.output }) }, 'noteAnnouncement'],
        },
        onError: failed,
      },
      on: { frames: { actions: 'receiveUnopened' } },
    },
    greeted: {
      description:
        'Harness: message 1 is under way, the executor asks the registry. An executor of ours is asked to say its answer again, a release overhears that.',
      after: { announceInterval: { target: 'greeted', reenter: true, actions: 'askForAnswer' } },
      on: {
        frames: [{ guard: 'isAnswered', target: 'concluding', actions: 'noteAnswer' }, { actions: 'receiveUnopened' }],
      },
    },
    concluding: {
      description: 'Harness: message 2 is being read. It tells the profile too.',
      invoke: {
        id: 'conclude',
        src: 'conclude',
        input: ({ context }) => ({ port: context.initiator, answer: context.answer }),
        onDone: [
          {
            guard: 'speaksReliable',
            target: '#stream.reliable',
            actions: ['beginRecords', 'receiveReliable', 'forgetAnswer'],
          },
          { target: '#stream.noise', actions: ['beginRecords', 'receiveNoise', 'forgetAnswer'] },
        ],
        onError: failed,
      },
      on: { frames: { actions: 'holdEarly' } },
    },
    reading: {
      description: 'Executor: message 1 is being opened. It shows who the harness is, not that it may do anything.',
      invoke: {
        id: 'read',
        src: 'read',
        input: ({ context }) => ({ port: context.responder }),
        onDone: 'authorising',
        onError: failed,
      },
      on: { frames: { actions: 'receiveUnopened' } },
    },
    authorising: {
      description: 'Executor: the registry is asked about the harness; if it may, message 2 is written.',
      after: { authorisationTime: { target: '#stream.reset', actions: 'noteAuthorisationTimeout' } },
      invoke: {
        id: 'authorise',
        src: 'authorise',
        input: ({ context }) => ({ port: context.responder }),
        onDone: [
          {
            guard: { type: 'isAdmittedReliable', params: ({ event }) => event.output },
            target: '#stream.reliable',
            actions: [
              { type: 'sendAnswer', params: ({ event }) => event.output },
              { type: 'keepAnswer', params: ({ event }) => event.output },
              'beginRecords',
            ],
          },
          {
            guard: { type: 'isAdmitted', params: ({ event }) => event.output },
            target: '#stream.noise',
            actions: [{ type: 'sendAnswer', params: ({ event }) => event.output }, 'beginRecords'],
          },
          {
            target: '#stream.reset',
            actions: [{ type: 'sendAnswer', params: ({ event }) => event.output }, 'noteCredentialRejected'],
          },
        ],
        onError: failed,
      },
      on: { frames: { actions: 'receiveUnopened' } },
    },
  },
});
