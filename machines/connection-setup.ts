/**
 * The words the chart of a connection is written in: its actors, actions, guards and delays, each by name. When they are
 * used is for the chart (connection.machine.ts) to say.
 */
import { assign, enqueueActions, fromCallback, fromPromise, sendTo, setup } from 'xstate';
import { type Frame, RELIABILITY_RELIABLE } from '../proto/frame.js';
import { LONGEST_DELAY_MS } from './clock.js';
import type { ConnectionFailure } from './connection-failure.js';
import {
  type CarrierCommand,
  type CarrierInput,
  type ConnectionContext,
  type ConnectionEnd,
  type ConnectionEvent,
  type ConnectionInput,
  type ConnectionPort,
  LocateError,
  type Location,
} from './connection-types.js';
import { type Admission, admit } from './protocol/admission.js';
import { backoffMs } from './protocol/backoff.js';
import { RECORD_BYTES } from './protocol/noise-framing.js';
import { endedLately, isRetired, reinstate, retire } from './protocol/retired-streams.js';
import { unmeasuredRoundTrip } from './protocol/round-trip.js';
import { silenceLeftMs, suspectedPongMs } from './protocol/traffic.js';
import { streamMachine } from './stream.machine.js';
import type { StreamEnd, StreamInput } from './stream-types.js';

const locate = fromPromise<Location, { readonly port: ConnectionPort }>(({ input, signal }) =>
  input.port.locate(signal),
);

/** Owns the socket for as long as the connection is attached to it. */
const carrier = fromCallback<CarrierCommand, CarrierInput>(({ input, sendBack, receive }) => {
  const socket = input.port.openSocket(input.url, sendBack);
  receive((command) => (command.type === 'ping' ? socket.ping() : socket.close()));
  return () => socket.release();
});

/** The id under which a connection owns its socket. */
export const CARRIER = 'carrier';
/** Tells each time the machine has slept. */
const sleepWatch = fromCallback<{ type: 'never' }, { readonly port: ConnectionPort }>(({ input, sendBack }) =>
  input.port.watchSleep(() => sendBack({ type: 'machine.woke' })),
);

const STREAM_PREFIX = 'stream:';
/** Reset reason of a stream whose actor threw. */
const CRASHED = 'internal_error';

/** The id under which a connection supervises the actor of a stream. */
export function streamActorId(streamId: string): string {
  return STREAM_PREFIX + streamId;
}

/** For a stream of this end's own, or for the one that a peer opens like this. */
function streamInput(
  context: ConnectionContext,
  streamId: string,
  opening?: Extract<Admission, { kind: 'open' }>,
): StreamInput {
  const { role, clock, random, streamTiming: timing, port } = context;
  // Streams of a harness all lead to one executor; those of an executor lead to harnesses near and far.
  const meter = role === 'harness' ? context.meter : { current: unmeasuredRoundTrip };
  const greeting = opening?.greeting;
  const isEncrypted = greeting !== undefined || (role === 'harness' && context.encryption !== 'never');
  // A record is one segment: what is in the clear around it must not say how messages are put together.
  const limits = isEncrypted ? { ...context.limits, segmentBytes: RECORD_BYTES } : context.limits;
  const input = { streamId, role, port: port.streamPort(streamId), clock, limits, timing, meter, random };
  if (opening === undefined) return isEncrypted ? { ...input, initiator: port.initiator(streamId) } : input;
  const { profile } = opening;
  return greeting === undefined
    ? { ...input, profile }
    : { ...input, profile, responder: port.responder(streamId, greeting) };
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

export const connectionSetup = setup({
  types: {
    context: {} as ConnectionContext,
    events: {} as ConnectionEvent,
    input: {} as ConnectionInput,
    output: {} as ConnectionEnd,
  },
  actors: { locate, carrier, sleepWatch, stream: streamMachine },
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
        role: context.role,
        encryption: context.encryption,
        retired: isRetired(retired, frame.streamId, clock.now(), limits),
        endedLately: endedLately(retired, frame.streamId, clock.now()),
        streams: streams.length,
        mostStreams: frame.body.kind === 'handshake' ? limits.encryptedStreams : limits.streams,
        windowSegments: limits.windowSegments,
      });
      if (verdict.kind === 'refuse') enqueue(() => port.refuse(frame, verdict.reason));
      if (verdict.kind !== 'open') return;
      enqueue.assign({ retired: reinstate(retired, frame.streamId), streams: [...streams, id] });
      enqueue.spawnChild('stream', { id, input: streamInput(context, frame.streamId, verdict) });
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
    resumeStreams: enqueueActions(({ context, enqueue }) => {
      for (const id of context.streams) enqueue.sendTo(id, { type: 'carrier.back' });
    }),
    // Another carrier may lead another way.
    forgetRoundTrip: ({ context }) => {
      context.meter.current = unmeasuredRoundTrip;
    },
    watchTraffic: ({ context }) => {
      context.traffic.watched = true;
    },
    leaveTraffic: ({ context }) => {
      context.traffic.watched = false;
    },
    loseStreams: enqueueActions(({ context, enqueue }) => {
      for (const id of context.streams) enqueue.sendTo(id, { type: 'carrier.lost' });
    }),
    resetStreams: enqueueActions(({ context, enqueue }) => {
      const reason = context.role === 'executor' ? 'executor_draining' : 'harness_draining';
      for (const id of context.streams) enqueue.sendTo(id, { type: 'stream.reset', reason });
    }),
    rememberLocation: assign({ location: (_, location: Location) => location, locationWorked: false }),
    noteLocationWorks: assign({ locationWorked: true }),
    forgetLocation: assign({ location: undefined, locationWorked: false }),
    noteFailure: assign(({ context }, failure: ConnectionFailure) => {
      const { timing, streams } = context;
      const failures = context.failures + 1;
      const pace = streams.length > 0 ? { firstMs: timing.resumeFirstMs, longestMs: timing.resumeLongestMs } : timing;
      const waitMs = Math.max(backoffMs(failures, context.random(), pace), failure.retryAfterMs ?? 0);
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
    mayNotRetry: ({ context: { retry, streams } }) => retry === 'never' || (retry === 'resume' && streams.length === 0),
    hasNothingToResume: ({ context: { retry, streams, failures } }) =>
      retry === 'resume' && failures > 0 && streams.length === 0,
    isUnwelcome: ({ context: { role, location } }, { status }: { status: number }) =>
      role === 'harness' && location?.isRenewable !== true && (status === 401 || status === 403),
    outlivedItsRegistration: ({ context }, { status }: { status: number }) =>
      context.locationWorked && status >= 400 && status < 500,
    wantsRegistration: (_, { status }: { status: number }) => status >= 400 && status < 500,
    owesNothing: ({ context: { traffic, role, streams } }) =>
      traffic.owedSince === undefined && (role === 'executor' || streams.length === 0),
    wasHeard: ({ context: { traffic, clock, timing } }) => silenceLeftMs(traffic, clock.now(), timing) > 0,
  },
  delays: {
    connectTime: ({ context }) => context.timing.connectMs,
    pingInterval: ({ context }) => context.timing.pingMs,
    pongTime: ({ context }) => context.timing.pongMs,
    silenceTime: ({ context: { traffic, clock, timing } }) => Math.max(0, silenceLeftMs(traffic, clock.now(), timing)),
    suspectedPongTime: ({ context }) => suspectedPongMs(context.traffic, context.timing),
    wakePongTime: ({ context }) => context.timing.wakePongMs,
    // Longer than was waited for it: a rendezvous that only ever accepts costs less and less of the time.
    provingTime: ({ context: { timing, waitMs } }) => Math.min(timing.provingMs, Math.max(timing.firstMs, 2 * waitMs)),
    drainTime: ({ context }) => context.timing.drainMs,
    backoff: ({ context }) => context.waitMs,
  },
});
