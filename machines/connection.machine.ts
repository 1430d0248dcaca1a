/**
 * The chart of one rendezvous socket and of everything on it (DESIGN §4): the only owner of the socket, and the
 * supervisor of its streams. Frames do not pass through here; they go from the demultiplexer straight to their stream.
 */
import { assign, enqueueActions, fromCallback, fromPromise, sendTo, setup } from 'xstate';
import { type Frame, RELIABILITY_RELIABLE } from '../proto/frame.js';
import { LONGEST_DELAY_MS } from './clock.js';
import {
  type ConnectionFailure,
  carrierCrash,
  closure,
  failure,
  locateFailure,
  refusal,
  unreachable,
} from './connection-failure.js';
import type {
  CarrierCommand,
  CarrierInput,
  ConnectionContext,
  ConnectionEnd,
  ConnectionEvent,
  ConnectionInput,
  ConnectionPort,
  Location,
} from './connection-types.js';
import { LocateError } from './connection-types.js';
import { admit } from './protocol/admission.js';
import { backoffMs } from './protocol/backoff.js';
import { isRetired, noRetiredStreams, reinstate, retire } from './protocol/retired-streams.js';
import { unmeasuredRoundTrip } from './protocol/round-trip.js';
import { streamMachine } from './stream.machine.js';
import type { Profile, StreamEnd, StreamInput } from './stream-types.js';

const locate = fromPromise<Location, { readonly port: ConnectionPort }>(({ input, signal }) =>
  input.port.locate(signal),
);

/** Owns the socket for as long as the connection is attached to it. */
const carrier = fromCallback<CarrierCommand, CarrierInput>(({ input, sendBack, receive }) => {
  const socket = input.port.openSocket(input.url, sendBack);
  receive((command) => (command.type === 'ping' ? socket.ping() : socket.close()));
  return () => socket.release();
});

const CARRIER = 'carrier';
const STREAM_PREFIX = 'stream:';
/** Reset reason of a stream whose actor threw. */
const CRASHED = 'internal_error';

/** The id under which a connection supervises the actor of a stream. */
export function streamActorId(streamId: string): string {
  return STREAM_PREFIX + streamId;
}

function streamInput(context: ConnectionContext, streamId: string, profile?: Profile): StreamInput {
  const { role, clock, limits, meter, random, streamTiming: timing, port } = context;
  const input = { streamId, role, port: port.streamPort(streamId), clock, limits, timing, meter, random };
  return profile === undefined ? input : { ...input, profile };
}

function isStreamId(actorId: string): boolean {
  return actorId.startsWith(STREAM_PREFIX);
}

/** How a stream ended, told from what the actor system says of its actor; undefined for other actors. */
function streamEndOf(event: ConnectionEvent): StreamEnd | undefined {
  if (!('actorId' in event) || !isStreamId(event.actorId)) return undefined;
  if ('output' in event) return event.output as StreamEnd;
  const streamId = event.actorId.slice(STREAM_PREFIX.length);
  return { streamId, kind: 'reset', reason: CRASHED, initiator: 'local' };
}

/** A crashed stream cannot say which profile it spoke, so its reset carries the field, which releases skip. */
function crashedFrame(streamId: string): Pick<Frame, 'streamId' | 'reliability'> {
  return { streamId, reliability: RELIABILITY_RELIABLE };
}

export const connectionMachine = setup({
  types: {
    context: {} as ConnectionContext,
    events: {} as ConnectionEvent,
    input: {} as ConnectionInput,
    output: {} as ConnectionEnd,
  },
  actors: { locate, carrier, stream: streamMachine },
  actions: {
    openStream: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'stream.open') return;
      const id = streamActorId(event.streamId);
      // A second actor of the same id would orphan the first, with its timers.
      if (context.streams.includes(id)) return;
      enqueue.spawnChild('stream', { id, input: streamInput(context, event.streamId) });
      enqueue.assign({ streams: [...context.streams, id] });
    }),
    admitStream: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'stream.arrived') return;
      const { limits, retired, clock, port, streams } = context;
      const { frame } = event;
      const id = streamActorId(frame.streamId);
      if (streams.includes(id)) return;
      const verdict = admit(frame, {
        retired: isRetired(retired, frame.streamId, clock.now(), limits),
        streams: streams.length,
        mostStreams: limits.streams,
        windowSegments: limits.windowSegments,
      });
      if (verdict.kind === 'refuse') enqueue(() => port.refuse(frame, verdict.reason));
      if (verdict.kind !== 'open') return;
      enqueue.assign({ retired: reinstate(retired, frame.streamId), streams: [...streams, id] });
      enqueue.spawnChild('stream', { id, input: streamInput(context, frame.streamId, verdict.profile) });
    }),
    retireStream: enqueueActions(({ context, event, enqueue }) => {
      const end = streamEndOf(event);
      if (end === undefined) return;
      const { clock, limits, port } = context;
      const id = streamActorId(end.streamId);
      enqueue.stopChild(id);
      enqueue.assign({
        retired: retire(context.retired, end.streamId, clock.now(), limits),
        streams: context.streams.filter((other) => other !== id),
      });
      // A stream that ended by itself has told its peer why; one that threw could not.
      if ('error' in event) enqueue(() => port.refuse(crashedFrame(end.streamId), CRASHED));
      enqueue(() => port.streamEnded(end));
    }),
    loseStreams: enqueueActions(({ context, enqueue }) => {
      for (const id of context.streams) enqueue.sendTo(id, { type: 'carrier.lost' });
    }),
    resetStreams: enqueueActions(({ context, enqueue }) => {
      const reason = context.role === 'executor' ? 'executor_draining' : 'harness_draining';
      for (const id of context.streams) enqueue.sendTo(id, { type: 'stream.reset', reason });
    }),
    rememberLocation: assign({ location: (_, location: Location) => location }),
    forgetLocation: assign({ location: undefined }),
    noteFailure: assign(({ context }, failure: ConnectionFailure) => {
      const failures = context.failures + 1;
      const waitMs = Math.max(backoffMs(failures, context.random(), context.timing), failure.retryAfterMs ?? 0);
      return { failures, waitMs: Math.min(waitMs, LONGEST_DELAY_MS), lastFailure: failure.error };
    }),
    forgetFailures: assign({ failures: 0, lastFailure: undefined }),
    ping: sendTo(CARRIER, { type: 'ping' }),
    closeSocket: sendTo(CARRIER, { type: 'close' }),
  },
  guards: {
    isStreamEvent: ({ event }) => streamEndOf(event) !== undefined,
    knowsLocation: ({ context }) => context.location !== undefined,
    isFinal: ({ event }) => 'error' in event && event.error instanceof LocateError && event.error.final,
    mayNotRetry: ({ context }) => context.retry === 'never',
    wantsRegistration: (_, { status }: { status: number }) => status >= 400 && status < 500,
  },
  delays: {
    connectTime: ({ context }) => context.timing.connectMs,
    pingInterval: ({ context }) => context.timing.pingMs,
    pongTime: ({ context }) => context.timing.pongMs,
    provingTime: ({ context }) => context.timing.provingMs,
    drainTime: ({ context }) => context.timing.drainMs,
    backoff: ({ context }) => context.waitMs,
  },
}).createMachine({
  id: 'connection',
  description: 'One rendezvous socket and the streams on it.',
  context: ({ input }) => ({
    ...input,
    meter: { current: unmeasuredRoundTrip },
    location: undefined,
    failures: 0,
    waitMs: 0,
    streams: [],
    retired: noRetiredStreams,
    lastFailure: undefined,
  }),
  output: ({ context }): ConnectionEnd =>
    context.lastFailure ? { kind: 'refused', error: context.lastFailure } : { kind: 'closed' },
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
      on: { drain: { target: 'closed', actions: 'forgetFailures' } },
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
          on: {
            'socket.opened': 'online',
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
          description: 'Frames flow.',
          type: 'parallel',
          states: {
            keepalive: {
              description: 'Whether the peer is known to be there.',
              initial: 'listening',
              states: {
                listening: {
                  description: 'The last ping was answered, or none was sent yet.',
                  after: { pingInterval: { target: 'awaitingPong', actions: 'ping' } },
                },
                awaitingPong: {
                  description: 'A ping is out; without its pong the socket is taken for dead.',
                  on: { 'socket.ponged': 'listening' },
                  after: {
                    pongTime: {
                      target: '#connection.failed',
                      actions: { type: 'noteFailure', params: failure('the rendezvous stopped answering pings') },
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
      after: { backoff: [{ guard: 'knowsLocation', target: 'attached' }, { target: 'locating' }] },
      on: { drain: { target: 'closed', actions: 'forgetFailures' } },
    },
    closed: { description: 'Ended because this end wanted to.', type: 'final' },
    refused: { description: 'Ended because trying again cannot help; the message says what can.', type: 'final' },
  },
  on: {
    'xstate.done.actor.*': { guard: 'isStreamEvent', actions: 'retireStream' },
    'xstate.error.actor.*': { guard: 'isStreamEvent', actions: 'retireStream' },
  },
});
