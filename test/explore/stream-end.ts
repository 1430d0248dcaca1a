/**
 * One end of a reliable stream as a value that can be written down and read again: the context of its production steps
 * without what only time and statistics are made of.
 *
 * Left out, because a step looks at it only to measure or to wait, and waiting is chosen by the explorer: when segments
 * were sent (kept: in which order), how often, round trips, counters, jitter, numbers of probes beyond the first and of
 * announcements, segments owed beyond the first. `canonical.test.ts` shows that nothing follows from them.
 */
import { createActor } from 'xstate';
import { noPartialMessage, type PartialMessage } from '../../machines/protocol/reassembly.js';
import type { ReceiveWindow } from '../../machines/protocol/receive-window.js';
import { countSegments, segmentOf } from '../../machines/protocol/segmentation.js';
import type { QueuedMessage, SendWindow, SentSegment } from '../../machines/protocol/send-window.js';
import { streamMachine } from '../../machines/stream.machine.js';
import {
  type CarrierStanding,
  defaultStreamTiming,
  type RelayRole,
  type StreamContext,
} from '../../machines/stream-types.js';
import type { DataBody } from '../../proto/frame.js';
import { defaultLimits } from '../../proto/limits.js';

/** Age in milliseconds of what was sent long ago, and of what was just sent: now is 0. */
const LONG_AGO = -10_000;
const ROUND_TRIP_MS = 80;

/** What one end sends: messages of so many segments each. */
export interface Load {
  readonly messages: readonly Uint8Array[];
  readonly segmentBytes: number;
  /** By seq from 1: which message, and which segment of it. */
  readonly places: readonly { readonly message: number; readonly index: number; readonly count: number }[];
}

export function makeLoad(segmentCounts: readonly number[], segmentBytes: number): Load {
  const messages = segmentCounts.map((count, message) => {
    const bytes = new Uint8Array(count * segmentBytes);
    for (let index = 0; index < count; index += 1) bytes.fill(16 * message + index + 1, index * segmentBytes);
    return bytes;
  });
  const places = segmentCounts.flatMap((count, message) =>
    Array.from({ length: count }, (_, index) => ({ message, index, count })),
  );
  return { messages, segmentBytes, places };
}

export interface StreamEndState {
  readonly context: StreamContext;
  /** Messages of its load it was given so far. */
  readonly given: number;
  /** Messages of the peer's load it has delivered. */
  readonly delivered: number;
}

/** Writes and reads the ends of one kind: same role, same window, same loads. */
export class StreamEndCodec {
  readonly #template: StreamContext;
  readonly load: Load;
  readonly #peerLoad: Load;
  readonly #decoded = new Map<string, StreamEndState>();

  constructor(role: RelayRole, windowSegments: number, load: Load, peerLoad: Load) {
    this.load = load;
    this.#peerLoad = peerLoad;
    const limits = { ...defaultLimits, windowSegments, segmentBytes: load.segmentBytes };
    const port = { transmit() {}, retransmit() {}, deliver() {}, backlog() {}, readSocket() {}, opened() {} };
    const clock = { now: () => 0, setTimeout: () => 0, clearTimeout() {} };
    const meter = {
      current: { smoothedMs: ROUND_TRIP_MS, varianceMs: 0, latestMs: ROUND_TRIP_MS, samples: 1 },
    };
    const timing = defaultStreamTiming;
    const input = {
      streamId: 's',
      role,
      profile: 'reliable',
      port,
      clock,
      limits,
      timing,
      meter,
      random: () => 0,
    } as const;
    this.#template = createActor(streamMachine, { input }).getSnapshot().context;
  }

  get fresh(): StreamEndState {
    return { context: this.#template, given: 0, delivered: 0 };
  }

  encode({ context, given, delivered }: StreamEndState): string {
    const { send, receive, carrier, ackDebt } = context;
    const byOrder = [...send.inFlight].sort((one, other) => one.order - other.order);
    const inFlight = send.inFlight.map((segment) => `${segment.seq}.${byOrder.indexOf(segment)}.${segment.passedBy}`);
    const asked = carrier === 'resuming' ? send.inFlight.filter(({ sentAt }) => sentAt >= context.resumedAt).length : 0;
    const [queued] = send.queue;
    return [
      carrier,
      given,
      delivered,
      Math.min(ackDebt, 1),
      send.nextSeq,
      send.peerAck,
      Math.min(send.probes, 1),
      inFlight.join(' '),
      send.beyondGap.map(({ seq }) => seq).join(' '),
      `${send.queue.length} ${queued?.cut ?? 0}`,
      asked,
      receive.ack,
      receive.held.map(({ seq }) => seq).join(' '),
      receive.partial.parts.length,
    ].join();
  }

  /** `old`: how many of the segments in flight, oldest transmission first, were sent long ago; the others just now. */
  decode(text: string, old = 0): StreamEndState {
    const key = old === 0 ? text : `${old}:${text}`;
    let end = this.#decoded.get(key);
    if (end === undefined) {
      end = this.#read(text, old);
      this.#decoded.set(key, end);
    }
    return end;
  }

  #read(text: string, old: number): StreamEndState {
    const fields = text.split(',') as string[] & { length: 14 };
    const number = (index: number) => Number(fields[index]);
    const carrier = fields[0] as CarrierStanding;
    const given = number(1);
    const receive = this.#receiveWindow(number(11), numbers(fields[12]), number(13));
    const send = this.#sendWindow(fields, given, old);
    const ackDebt = number(3);
    // In the middle between long ago and now.
    const resumedAt = LONG_AGO / 2;
    return { context: { ...this.#template, carrier, send, receive, ackDebt, resumedAt }, given, delivered: number(2) };
  }

  /** How many segments are in flight, and how many of them were sent on the carrier that is new. */
  inFlight(text: string): { readonly all: number; readonly onNewCarrier: number } {
    const fields = text.split(',');
    return { all: fields[7] === '' ? 0 : (fields[7] as string).split(' ').length, onNewCarrier: Number(fields[10]) };
  }

  #sendWindow(fields: readonly string[], given: number, old: number): SendWindow {
    const { load } = this;
    const inFlight = fields[7] === '' ? [] : (fields[7] as string).split(' ').map((text) => this.#segment(text, old));
    const [length = 0, cut = 0] = numbers(fields[9]);
    const queue: QueuedMessage[] = load.messages.slice(given - length, given).map((message, place) => ({
      message,
      segmentCount: countSegments(message.length, load.segmentBytes),
      cut: place === 0 ? cut : 0,
    }));
    const queuedBytes = queue.reduce((sum, { message }) => sum + message.length, 0) - cut * load.segmentBytes;
    return {
      nextSeq: Number(fields[4]),
      peerAck: Number(fields[5]),
      inFlight,
      inFlightBytes: inFlight.length * load.segmentBytes,
      beyondGap: numbers(fields[8]).map((seq) => ({ seq, bytes: load.segmentBytes })),
      queue,
      queuedBytes,
      transmissions: inFlight.length,
      probes: Number(fields[6]),
    };
  }

  #segment(text: string, old: number): SentSegment {
    const [seq = 0, rank = 0, passedBy = 0] = text.split('.').map(Number);
    const { segmentIndex, segmentCount, payload } = segmentAt(this.load, seq);
    const sentAt = rank < old ? LONG_AGO : 0;
    return { seq, segmentIndex, segmentCount, payload, sentAt, order: rank + 1, transmissions: 1, passedBy };
  }

  #receiveWindow(ack: number, heldSeqs: readonly number[], parts: number): ReceiveWindow {
    const load = this.#peerLoad;
    const held = heldSeqs.map((seq) => segmentAt(load, seq));
    const partial: PartialMessage =
      parts === 0
        ? noPartialMessage
        : {
            count: segmentAt(load, ack).segmentCount,
            parts: Array.from({ length: parts }, (_, index) => segmentAt(load, ack - parts + 1 + index).payload),
            bytes: parts * load.segmentBytes,
          };
    return { ack, held, heldBytes: held.length * load.segmentBytes, partial };
  }
}

const segments = new WeakMap<Load, DataBody[]>();

/** The segment a load has under a seq, as it must travel. */
export function segmentAt(load: Load, seq: number): DataBody {
  let all = segments.get(load);
  if (all === undefined) {
    all = load.places.map(({ message, index, count }, place) => {
      const payload = segmentOf(load.messages[message] as Uint8Array, index, load.segmentBytes);
      return { kind: 'data', seq: place + 1, segmentIndex: index, segmentCount: count, payload };
    });
    segments.set(load, all);
  }
  const segment = all[seq - 1];
  if (segment === undefined) throw new Error(`there is no segment ${seq}`);
  return segment;
}

function numbers(text = ''): number[] {
  return text === '' ? [] : text.split(' ').map(Number);
}
