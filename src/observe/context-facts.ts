/**
 * What may be shown of an actor's context: a list of fields for each chart, each a number or a word of a fixed set.
 * A field that is not listed here is not shown, whatever it holds.
 */

import type { AnyActorRef, AnyEventObject, Snapshot } from 'xstate';
import type { ConnectionContext } from '../../machines/connection-types.js';
import type { ExecutorContext } from '../../machines/executor.machine.js';
import type { ProcessContext } from '../../machines/process.machine.js';
import { ackBitsOf } from '../../machines/protocol/receive-window.js';
import { lossDelayMs, probeDelayMs, type RoundTrip } from '../../machines/protocol/round-trip.js';
import type { SessionContext } from '../../machines/session.machine.js';
import type { StreamContext } from '../../machines/stream-types.js';
import { SignalboxError } from '../../proto/signalbox-error.js';
import type { Facts } from './record.js';
import { shownReason } from './shown-words.js';
import { isMachineSnapshot } from './state-facts.js';

type LooseFacts = Readonly<Record<string, number | string | boolean | undefined>>;

const readers: Readonly<Record<string, (context: never) => LooseFacts>> = {
  stream: streamFacts,
  connection: connectionFacts,
  session: ({ processes, detachedMs, retentionMs }: SessionContext) => ({
    processes: processes.length,
    detachedMs,
    retentionMs,
  }),
  process: ({ graceMs, retentionMs }: ProcessContext) => ({ graceMs, retentionMs }),
  executor: ({ sessions, detachedMs, retentionMs }: ExecutorContext) => ({
    sessions: sessions.length,
    detachedMs,
    retentionMs,
  }),
  harness: ({ initializeMs, recoverMs, tries, waitMs }: HarnessFigures) => ({ initializeMs, recoverMs, tries, waitMs }),
  spawnHelper: ({ failures }: { readonly failures: number }) => ({ failures }),
};

interface HarnessFigures {
  readonly initializeMs: number;
  readonly recoverMs: number;
  readonly tries: number;
  readonly waitMs: number;
}

const nothing: Facts = {};

export function contextFacts(snapshot: Snapshot<unknown> | undefined): Facts {
  if (!isMachineSnapshot(snapshot)) return nothing;
  const { id } = snapshot.machine as { readonly id: string };
  const read = Object.hasOwn(readers, id) ? readers[id] : undefined;
  return read === undefined ? nothing : definite(read(snapshot.context as never));
}

/**
 * What a chart reads beside its event that nobody sent it: the traffic, which a connection looks at to judge a silence.
 */
export function outsideFacts(
  { chart, ref }: { readonly chart: string | undefined; readonly ref: AnyActorRef },
  { type }: AnyEventObject,
): Facts {
  const looks = type.startsWith('xstate.after.') || type === 'answer.owed' || type === 'socket.ponged';
  if (chart !== 'connection' || !looks) return nothing;
  const { context } = ref.getSnapshot() as { readonly context: ConnectionContext };
  return definite(trafficFacts(context));
}

/** Only what is there, and only numbers, words and yes or no. */
export function definite(facts: LooseFacts): Facts {
  const definiteFacts: Record<string, number | string | boolean> = {};
  for (const name in facts) {
    const value = facts[name];
    if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) continue;
    definiteFacts[name] = value;
  }
  return definiteFacts;
}

function streamFacts(context: StreamContext): LooseFacts {
  const { send, receive, meter, timing, counters, limits, end } = context;
  const roundTrip = meter.current;
  return {
    role: context.role,
    profile: context.profile,
    carrier: context.carrier,
    'send.nextSeq': send.nextSeq,
    'send.peerAck': send.peerAck,
    'send.inFlight': send.inFlight.length,
    'send.inFlightBytes': send.inFlightBytes,
    'send.beyondGap': send.beyondGap.length,
    'send.queued': send.queue.length,
    'send.queuedBytes': send.queuedBytes,
    'send.transmissions': send.transmissions,
    'send.probes': send.probes,
    'send.peerWindow': context.peerWindow,
    'send.windowSegments': limits.windowSegments,
    'send.armedFor': context.armedFor,
    'receive.ack': receive.ack,
    'receive.ackBits': ackBitsOf(receive),
    'receive.held': receive.held.length,
    'receive.heldBytes': receive.heldBytes,
    'receive.ackDebt': context.ackDebt,
    'receive.window': context.ownWindow,
    ...roundTripFacts(roundTrip),
    lossDelayMs: rounded(lossDelayMs(roundTrip)),
    retransmitMs: rounded(probeDelayMs(roundTrip, send.probes, context.jitter, timing)),
    jitter: context.jitter,
    releaseSeq: context.releaseSeq,
    gapAt: context.gapAt,
    encrypted: context.initiator !== undefined || context.responder !== undefined,
    'order.expected': context.order.expected,
    'order.held': context.order.held.length,
    'order.heldBytes': context.order.heldBytes,
    early: context.early.length,
    announcements: context.announcements,
    asks: context.asks,
    lostAt: context.lostAt,
    resumedAt: context.resumedAt,
    excused: context.excused,
    'counted.framesReceived': counters.framesReceived,
    'counted.duplicates': counters.duplicates,
    'counted.retransmitted': counters.retransmitted,
    'counted.probes': counters.probes,
    'end.kind': end.kind,
    'end.reason': shownReason(end.reason),
    'end.initiator': end.initiator,
  };
}

function connectionFacts(context: ConnectionContext): LooseFacts {
  const { lastFailure } = context;
  return {
    role: context.role,
    retry: context.retry,
    streams: context.streams.length,
    failures: context.failures,
    waitMs: context.waitMs,
    locationWorked: context.locationWorked,
    lastFailure: lastFailure instanceof SignalboxError ? lastFailure.code : undefined,
    ...trafficFacts(context),
    ...roundTripFacts(context.meter.current),
  };
}

function trafficFacts({ traffic }: ConnectionContext): LooseFacts {
  return {
    'traffic.heardAt': traffic.heardAt,
    'traffic.owedSince': traffic.owedSince,
    'traffic.plainBytes': traffic.plainBytes,
    'traffic.watched': traffic.watched,
  };
}

function roundTripFacts({ smoothedMs, varianceMs, latestMs, samples }: RoundTrip): LooseFacts {
  if (samples === 0) return { 'roundTrip.samples': 0 };
  return {
    'roundTrip.smoothedMs': rounded(smoothedMs),
    'roundTrip.varianceMs': rounded(varianceMs),
    'roundTrip.latestMs': rounded(latestMs),
    'roundTrip.samples': samples,
  };
}

/** To a microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
