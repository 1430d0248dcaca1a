/**
 * The chart of one rendezvous socket and of everything on it (DESIGN §4): the only owner of the socket, and the
 * supervisor of its streams. Frames do not pass through here; they go from the demultiplexer straight to their stream.
 */
import { carrierCrash, closure, failure, locateFailure, refusal, unreachable } from './connection-failure.js';
import { CARRIER, connectionSetup } from './connection-setup.js';
import type { ConnectionEnd } from './connection-types.js';
import { noRetiredStreams } from './protocol/retired-streams.js';
import { unmeasuredRoundTrip } from './protocol/round-trip.js';

export const connectionMachine = connectionSetup.createMachine({
  id: 'connection',
  description: 'One rendezvous socket after another, and the streams on them.',
  context: ({ input }) => ({
    ...input,
    meter: { current: unmeasuredRoundTrip },
    location: undefined,
    locationWorked: false,
    failures: 0,
    waitMs: 0,
    streams: [],
    retired: noRetiredStreams,
    lastFailure: undefined,
  }),
  output: ({ context }): ConnectionEnd =>
    context.lastFailure ? { kind: 'refused', error: context.lastFailure } : { kind: 'closed' },
  invoke: { id: 'sleepWatch', src: 'sleepWatch', input: ({ context }) => ({ port: context.port }) },
  initial: 'locating',
  states: {
    locating: {
      description: 'Asking where to connect: an executor registers, a harness knows or asks.',
      invoke: {
        id: 'locate',
        src: 'locate',
        input: ({ context }) => ({ port: context.port }),
        onDone: { target: 'attached', actions: { type: 'rememberLocation', params: ({ event }) => event.output } },
        onError: [
          {
            guard: 'isFinal',
            target: 'refused',
            actions: { type: 'noteFailure', params: ({ event }) => locateFailure(event.error) },
          },
          { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => locateFailure(event.error) } },
        ],
      },
      always: { guard: 'hasNothingToResume', target: 'refused' },
      on: {
        drain: { target: 'closed', actions: 'forgetFailures' },
        'machine.woke': { target: 'locating', reenter: true, actions: 'forgetFailures' },
      },
    },
    attached: {
      description: 'This connection owns a socket.',
      invoke: {
        id: CARRIER,
        src: 'carrier',
        input: ({ context }) => ({ port: context.port, url: context.location?.url ?? '' }),
        onError: {
          target: 'failed',
          actions: ['forgetLocation', { type: 'noteFailure', params: ({ event }) => carrierCrash(event.error) }],
        },
      },
      exit: 'loseStreams',
      initial: 'connecting',
      states: {
        connecting: {
          description: 'The socket is being opened and upgraded.',
          always: { guard: 'hasNothingToResume', target: '#connection.refused' },
          on: {
            'socket.opened': { target: 'online', actions: 'noteLocationWorks' },
            'machine.woke': { target: '#connection.attached', reenter: true, actions: 'forgetFailures' },
            'socket.closed': {
              target: '#connection.failed',
              actions: { type: 'noteFailure', params: ({ event }) => unreachable(event) },
            },
          },
          after: {
            connectTime: {
              target: '#connection.failed',
              actions: { type: 'noteFailure', params: failure('the rendezvous did not answer the upgrade in time') },
            },
          },
        },
        online: {
          description: 'Frames flow. Streams that outlived the last socket go on here.',
          entry: ['forgetRoundTrip', 'resumeStreams'],
          type: 'parallel',
          states: {
            keepalive: {
              description: 'Whether the peer is known to be there.',
              on: { 'machine.woke': { target: '.waking', actions: ['forgetFailures', 'ping'] } },
              initial: 'listening',
              states: {
                listening: {
                  description: 'Nothing is owed to this end; the peer is asked from time to time.',
                  entry: 'leaveTraffic',
                  on: { 'answer.owed': 'alert' },
                  after: { pingInterval: { target: 'awaitingPong', actions: 'ping' } },
                },
                awaitingPong: {
                  description: 'A ping is out; without its pong the socket is taken for dead.',
                  on: { 'socket.ponged': 'listening', 'answer.owed': 'suspecting' },
                  after: {
                    pongTime: {
                      target: '#connection.failed',
                      actions: { type: 'noteFailure', params: failure('the rendezvous stopped answering pings') },
                    },
                  },
                },
                alert: {
                  description: 'Something is owed: an acknowledgement, an answer, output. Silence is not waited out.',
                  entry: 'watchTraffic',
                  after: {
                    silenceTime: [
                      { guard: 'owesNothing', target: 'listening' },
                      { guard: 'wasHeard', target: 'alert', reenter: true },
                      { target: 'suspecting', actions: 'ping' },
                    ],
                  },
                },
                suspecting: {
                  description: 'A peer that owes something was silent for too long: it has little time to show itself.',
                  entry: 'watchTraffic',
                  on: { 'socket.ponged': 'alert' },
                  after: {
                    suspectedPongTime: {
                      target: '#connection.failed',
                      actions: { type: 'noteFailure', params: failure('the rendezvous fell silent') },
                    },
                  },
                },
                waking: {
                  description: 'This machine has slept: the socket shows at once that it lives, or is replaced.',
                  entry: 'watchTraffic',
                  on: { 'socket.ponged': 'alert' },
                  after: {
                    wakePongTime: {
                      target: '#connection.failed',
                      actions: { type: 'noteFailure', params: failure('the connection did not survive a sleep') },
                    },
                  },
                },
              },
            },
            standing: {
              description: 'Whether this socket lives long enough to forget earlier failures.',
              initial: 'unproven',
              states: {
                unproven: {
                  description: 'Young: if it dies now, the next wait is longer than the last.',
                  after: { provingTime: 'proven' },
                },
                proven: {
                  description: 'Old enough: if it dies now, the next try comes soon.',
                  entry: 'forgetFailures',
                },
              },
            },
          },
          on: {
            drain: '#connection.attached.draining',
            'stream.open': { actions: 'openStream' },
            'stream.arrived': { actions: 'admitStream' },
          },
        },
        draining: {
          description: 'Streams have been reset; their last frames leave, then the socket is closed.',
          entry: ['forgetFailures', 'resetStreams', 'closeSocket'],
          on: {
            'socket.closed': '#connection.closed',
            // A socket that cannot even be closed is gone; nothing is tried again.
            'xstate.error.actor.carrier': '#connection.closed',
            // Asking twice does not take the time away that the last frames need.
            drain: {},
          },
          after: { drainTime: '#connection.closed' },
        },
      },
      on: {
        drain: { target: 'closed', actions: 'forgetFailures' },
        'socket.refused': [
          {
            guard: { type: 'isUnwelcome', params: ({ event }) => event },
            target: 'refused',
            actions: { type: 'noteFailure', params: ({ event }) => refusal(event) },
          },
          {
            guard: { type: 'outlivedItsRegistration', params: ({ event }) => event },
            target: 'locating',
            actions: ['forgetLocation', { type: 'noteFailure', params: ({ event }) => refusal(event) }],
          },
          {
            guard: { type: 'wantsRegistration', params: ({ event }) => event },
            target: 'failed',
            actions: ['forgetLocation', { type: 'noteFailure', params: ({ event }) => refusal(event) }],
          },
          { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => refusal(event) } },
        ],
        'socket.closed': {
          target: 'failed',
          actions: { type: 'noteFailure', params: ({ event }) => closure(event) },
        },
      },
    },
    failed: {
      description: 'The try failed or the socket was lost; whether to try again is the policy of who asked.',
      always: [{ guard: 'mayNotRetry', target: 'refused' }, { target: 'backingOff' }],
    },
    backingOff: {
      description: 'Waiting before the next try, longer each time.',
      always: { guard: 'hasNothingToResume', target: 'refused' },
      after: { backoff: [{ guard: 'knowsLocation', target: 'attached' }, { target: 'locating' }] },
      on: {
        drain: { target: 'closed', actions: 'forgetFailures' },
        'machine.woke': [
          { guard: 'knowsLocation', target: 'attached', actions: 'forgetFailures' },
          { target: 'locating', actions: 'forgetFailures' },
        ],
      },
    },
    closed: { description: 'Ended because this end wanted to.', type: 'final' },
    refused: { description: 'Ended because trying again cannot help; the message says what can.', type: 'final' },
  },
  on: {
    'xstate.done.actor.*': { guard: 'isStreamEvent', actions: 'retireStream' },
    'xstate.error.actor.*': { guard: 'isStreamEvent', actions: 'retireStream' },
  },
});
