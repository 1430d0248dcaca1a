/**
 * One reliable stream between two ends, run by the production steps (machines/stream-steps.ts and stream-resume.ts),
 * over the worst network there is: everything ever sent may arrive at any time, in any order, any number of times, or
 * never. So a frame, once sent, stays; loss, duplication and reordering are all in when it is delivered, and what a lost
 * carrier had under way may arrive after it or not at all. Timers may fire whenever something is armed.
 *
 * Two kinds of frames are left out of a state, because it is the same without them. An acknowledgement alone that tells
 * its receiver nothing new: what is acknowledged stays so, and its delivery changes nothing, now or later. And `resume`
 * below another one with the same acknowledgement: its number is only judged, and a lower one is judged more mildly.
 */
import { acknowledges } from '../../machines/protocol/ack-bits.js';
import * as resuming from '../../machines/stream-resume.js';
import * as steps from '../../machines/stream-steps.js';
import type { RelayRole, StreamContext } from '../../machines/stream-types.js';
import { type Frame, RELIABILITY_RELIABLE } from '../../proto/frame.js';
import type { Move, System } from './explore.js';
import { makeLoad, StreamEndCodec, type StreamEndState, segmentAt } from './stream-end.js';

export interface StreamBounds {
  readonly windowSegments: number;
  /** What each end sends: messages of so many segments. */
  readonly harness: readonly number[];
  readonly executor: readonly number[];
  /** How often a carrier may be lost, at either end. */
  readonly carrierLosses: number;
  readonly segmentBytes?: number;
}

const ROLES = ['harness', 'executor'] as const;
export type Side = 0 | 1;
const SIDES: readonly Side[] = [0, 1];
const other = (side: Side): Side => (side === 0 ? 1 : 0);

/** Texts of both ends, of the frames that were sent to each, and how many carriers may still be lost. */
interface Parts {
  readonly ends: readonly [string, string];
  readonly towards: readonly [readonly string[], readonly string[]];
  readonly losses: number;
}

/** What one thing that happens makes of an end. */
interface Outcome {
  readonly name: string;
  /** It happens to all streams of the carrier together. */
  readonly ofCarrier: boolean;
  readonly end: string;
  /** Texts of the frames that leave. */
  readonly sent: readonly string[];
  /** Carriers it takes. */
  readonly losses: number;
}

export class StreamSystem implements System {
  readonly #codecs: readonly [StreamEndCodec, StreamEndCodec];
  readonly #window: number;
  readonly #losses: number;
  readonly #frames = new Map<string, Frame>();
  /** By end and what happens to it. */
  readonly #outcomes = new Map<string, readonly Outcome[]>();
  /** Ends, without frames under way, from which everything is known to be delivered. */
  readonly #converging = new Set<string>();

  constructor({ windowSegments, harness, executor, carrierLosses, segmentBytes = 1 }: StreamBounds) {
    const loads = [makeLoad(harness, segmentBytes), makeLoad(executor, segmentBytes)] as const;
    const codec = (side: Side) =>
      new StreamEndCodec(ROLES[side] as RelayRole, windowSegments, loads[side], loads[other(side)]);
    this.#codecs = [codec(0), codec(1)];
    this.#window = windowSegments;
    this.#losses = carrierLosses;
  }

  /** Reads and writes one end. */
  codec(side: Side): StreamEndCodec {
    return this.#codecs[side];
  }

  get initial(): string {
    const ends = this.#codecs.map((codec) => codec.encode(codec.fresh)) as [string, string];
    return join({ ends, towards: [[], []], losses: this.#losses });
  }

  moves(state: string): readonly Move[] {
    const parts = part(state);
    return SIDES.flatMap((side) => {
      const text = parts.ends[side];
      const outcomes = [
        ...this.#own(side, text),
        ...parts.towards[side].flatMap((frame) => this.#deliveries(side, text, frame)),
      ];
      if (parts.losses > 0) outcomes.push(...this.#loss(side, text));
      return outcomes.map((outcome) => this.#move(parts, side, outcome));
    });
  }

  #move(parts: Parts, side: Side, outcome: Outcome): Move {
    const { name, ofCarrier } = outcome;
    return { name, next: join(this.#after(parts, side, outcome)), isShared: ofCarrier };
  }

  fault(state: string): string | undefined {
    const { ends } = part(state);
    for (const side of SIDES) {
      const fault = this.#endFault(ends, side);
      if (fault !== undefined) return `${ROLES[side]}: ${fault}`;
    }
    return this.#convergenceFault(ends);
  }

  // What can happen to one end. It depends on nothing else, so each outcome is computed once.

  /** What it does by itself. */
  #own(side: Side, text: string): readonly Outcome[] {
    return this.#remember(`${side}${text}`, () => {
      const codec = this.#codecs[side];
      const end = codec.decode(text);
      const { carrier, ackDebt, send } = end.context;
      const name = ROLES[side];
      const outcomes = [...this.#replacement(side, text)];
      const message = codec.load.messages[end.given];
      if (message !== undefined) {
        const compute = (context: StreamContext) =>
          carrier === 'attached' ? steps.sendReliable(context, [message], 0, true) : steps.keep(context, [message]);
        outcomes.push(this.#outcome(side, `${name} sends`, { ...end, given: end.given + 1 }, compute));
      }
      if (carrier === 'resuming') {
        outcomes.push(this.#outcome(side, `${name} announces`, this.#resumingEnd(side, text), resuming.announce));
      }
      if (carrier === 'attached' && ackDebt > 0) {
        outcomes.push(this.#outcome(side, `${name} acknowledges`, end, steps.acknowledgeAlone));
      }
      if (carrier === 'attached' && send.inFlight.length > 0) {
        const due = (context: StreamContext) => steps.retransmitDue(context, 0, 0);
        for (const old of cuts(send.inFlight.some(isPassed), send.inFlight.length)) {
          outcomes.push(this.#outcome(side, `${name} sends again`, codec.decode(text, old), due));
        }
      }
      return outcomes;
    });
  }

  #deliveries(side: Side, text: string, frameText: string): readonly Outcome[] {
    return this.#remember(`${side}${frameText}>${text}`, () => {
      const codec = this.#codecs[side];
      const { context } = codec.decode(text);
      if (context.carrier === 'away') return [];
      const frame = this.frame(frameText, side);
      const receive = (before: StreamContext) => steps.receiveReliable(before, [frame], 0);
      const name = `${ROLES[side]} gets ${frameText}`;
      const isResume = frame.body.kind === 'resume';
      if (context.carrier === 'resuming' && !isResume) {
        return [this.#outcome(side, name, this.#resumingEnd(side, text), receive)];
      }
      // Which of the segments in flight are old enough to be given up.
      const ageMatters = isResume || this.#tellsNews(frame, context) || context.send.inFlight.some(isPassed);
      return cuts(ageMatters, context.send.inFlight.length).map((old) =>
        this.#outcome(side, name, codec.decode(text, old), receive),
      );
    });
  }

  #loss(side: Side, text: string): readonly Outcome[] {
    const end = this.#codecs[side].decode(text);
    if (end.context.carrier === 'away') return [];
    const lose = (context: StreamContext) => resuming.loseCarrier(context, 0);
    return [{ ...this.#outcome(side, `${ROLES[side]} loses its carrier`, end, lose), losses: 1, ofCarrier: true }];
  }

  #replacement(side: Side, text: string): readonly Outcome[] {
    const codec = this.#codecs[side];
    const end = codec.decode(text, codec.inFlight(text).all);
    if (end.context.carrier !== 'away') return [];
    const resume = (context: StreamContext) => resuming.resume(context, 0);
    const unasked = (context: StreamContext) => resuming.sendUnasked(context, 0);
    return [{ ...this.#outcome(side, `${ROLES[side]} has a new carrier`, end, resume, unasked), ofCarrier: true }];
  }

  /** The end while it waits to hear of its peer: what left before `resume` is old, the rest is not. */
  #resumingEnd(side: Side, text: string): StreamEndState {
    const codec = this.#codecs[side];
    const { all, onNewCarrier } = codec.inFlight(text);
    return codec.decode(text, all - onNewCarrier);
  }

  /** Applies steps to an end, one after the other, and judges what they deliver and send. */
  #outcome(
    side: Side,
    name: string,
    before: StreamEndState,
    ...computations: readonly ((context: StreamContext) => steps.Step)[]
  ): Outcome {
    let { context, delivered } = before;
    const sent: string[] = [];
    for (const compute of computations) {
      const step = compute(context);
      if (step.fact) throw new Error(`${name}: ${JSON.stringify(step.fact)}`);
      const unknown = Object.keys(step.patch).find((key) => !PATCHED.has(key));
      if (unknown !== undefined) throw new Error(`${name} changes ${unknown}, which the canonical text does not know`);
      context = { ...context, ...step.patch };
      for (const frame of [...step.frames, ...(step.again?.frames ?? [])]) sent.push(this.#send(frame, side, context));
      for (const message of step.messages) {
        if (!same(message, this.#codecs[other(side)].load.messages[delivered])) {
          throw new Error(`${name}: what is delivered is not message ${delivered}`);
        }
        delivered += 1;
      }
    }
    if (context.peerWindow !== this.#window) throw new Error(`${name}: the peer's window is not ${this.#window}`);
    return {
      name,
      end: this.#codecs[side].encode({ ...before, context, delivered }),
      sent,
      losses: 0,
      ofCarrier: false,
    };
  }

  #remember(key: string, compute: () => readonly Outcome[]): readonly Outcome[] {
    let outcomes = this.#outcomes.get(key);
    if (outcomes === undefined) {
      // Of outcomes that are the same, one is enough.
      outcomes = [
        ...new Map(compute().map((outcome) => [`${outcome.end}>${outcome.sent.join(' ')}`, outcome])).values(),
      ];
      this.#outcomes.set(key, outcomes);
    }
    return outcomes;
  }

  #after(parts: Parts, side: Side, { end, sent, losses }: Outcome): Parts {
    const ends: [string, string] = side === 0 ? [end, parts.ends[1]] : [parts.ends[0], end];
    const mine = end === parts.ends[side] ? parts.towards[side] : this.#stillOfUse(parts.towards[side], side, end);
    const theirs = this.#withSent(parts.towards[other(side)], sent, other(side), ends[other(side)]);
    return { ends, towards: side === 0 ? [mine, theirs] : [theirs, mine], losses: parts.losses - losses };
  }

  // Frames.

  /** The text of a frame that leaves; it claims nothing that its sender has not received. */
  #send(frame: Frame, side: Side, { receive, send }: StreamContext): string {
    const { body, ack, ackBits } = frame;
    for (let seq = 1; seq <= ack + 32; seq += 1) {
      const received = seq <= receive.ack || receive.held.some((segment) => segment.seq === seq);
      if (acknowledges(ack, ackBits, seq) && !received)
        throw new Error(`seq ${seq} is acknowledged and was not received`);
    }
    if (body.kind !== 'data') return `${body.kind === 'resume' ? `r${body.nextSeq}` : body.kind[0]}:${ack}.${ackBits}`;
    const expected = segmentAt(this.#codecs[side].load, body.seq);
    const { segmentIndex: index, segmentCount: count, payload } = body;
    if (index !== expected.segmentIndex || count !== expected.segmentCount || !same(payload, expected.payload)) {
      throw new Error(`seq ${body.seq} is not what was first sent under this number`);
    }
    if (body.seq > send.peerAck + this.#window) throw new Error(`seq ${body.seq} leaves beyond the window`);
    return `d${body.seq}:${ack}.${ackBits}`;
  }

  /** The frame that a text stands for, on its way to an end. */
  frame(text: string, to: Side): Frame {
    const key = `${to}${text}`;
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      const [what = '', acks = ''] = text.split(':');
      const [ack = 0, ackBits = 0] = acks.split('.').map(Number);
      const number = Number(what.slice(1));
      const body: Frame['body'] =
        what[0] === 'd'
          ? segmentAt(this.#codecs[other(to)].load, number)
          : what[0] === 'r'
            ? { kind: 'resume', nextSeq: number }
            : { kind: 'ack' };
      frame = { streamId: 's', ack, ackBits, reliability: RELIABILITY_RELIABLE, body };
      this.#frames.set(key, frame);
    }
    return frame;
  }

  /** Without the acknowledgements that tell the end nothing new. */
  #stillOfUse(frames: readonly string[], to: Side, end: string): readonly string[] {
    const { context } = this.#codecs[to].decode(end);
    if (context.carrier !== 'attached') return frames;
    return frames.filter((text) => text[0] !== 'a' || this.#tellsNews(this.frame(text, to), context));
  }

  #withSent(frames: readonly string[], sent: readonly string[], to: Side, end: string): readonly string[] {
    const added = sent.filter((text) => !frames.includes(text));
    if (added.length === 0) return frames;
    const all = new Set([...frames, ...added]);
    return this.#stillOfUse([...all].filter((text) => !isOutdone(text, all)).sort(), to, end);
  }

  #tellsNews({ ack, ackBits }: Frame, { send }: StreamContext): boolean {
    return ack > send.peerAck || send.inFlight.some(({ seq }) => acknowledges(ack, ackBits, seq));
  }

  // What must be true.

  #endFault(ends: Parts['ends'], side: Side): string | undefined {
    const { context, given, delivered } = this.#codecs[side].decode(ends[side]);
    const peer = this.#codecs[other(side)].decode(ends[other(side)]);
    const { send, receive } = context;
    const has = (seq: number) =>
      seq <= peer.context.receive.ack || peer.context.receive.held.some((it) => it.seq === seq);
    if (send.nextSeq - 1 - send.peerAck > this.#window) return 'more than the window is beyond the peer’s ack';
    if (send.inFlight.length > this.#window) return 'more than the window is kept';
    if (send.inFlight.some(({ seq }) => seq > send.peerAck + this.#window)) return 'a segment is beyond the window';
    for (let seq = 1; seq < send.nextSeq; seq += 1) {
      const kept = send.inFlight.some((segment) => segment.seq === seq);
      if (!kept && !has(seq)) return `seq ${seq} is neither kept nor received`;
    }
    if (receive.ack >= peer.context.send.nextSeq) return 'more was received than was sent';
    if (receive.held.some(({ seq }) => seq >= peer.context.send.nextSeq)) return 'what was not sent is held';
    if (receive.held.some(({ seq }) => seq <= receive.ack + 1)) return 'what is in order is held back';
    if (receive.held.length >= this.#window) return 'more is held than the window leaves room for';
    const isDone = send.inFlight.length === 0 && send.queue.length === 0;
    if (isDone && peer.delivered !== given) return 'nothing is left to send, and not everything is delivered';
    if (delivered > peer.given) return 'more was delivered than was given';
    return undefined;
  }

  /** Everything under way is lost, and from then on nothing is: does everything arrive? */
  #convergenceFault(ends: Parts['ends']): string | undefined {
    let parts: Parts = { ends, towards: [[], []], losses: 0 };
    const passed: string[] = [];
    for (let turn = 0; turn < MOST_TURNS; turn += 1) {
      const key = parts.ends.join('|');
      if (this.#converging.has(key)) break;
      passed.push(key);
      const next = this.#calmTurn(parts);
      if (next === undefined) {
        if (!this.#isAtRest(parts)) return `nothing goes on, but not everything is delivered: ${key}`;
        break;
      }
      parts = next;
      if (turn === MOST_TURNS - 1) return `not delivered after ${MOST_TURNS} turns without faults`;
    }
    for (const key of passed) this.#converging.add(key);
    return undefined;
  }

  /** Some end does what its timers make it do, and everything that follows arrives, in order. */
  #calmTurn(parts: Parts): Parts | undefined {
    const replaced = SIDES.map((side) => ({ side, outcome: this.#replacement(side, parts.ends[side])[0] }));
    const isAnyAway = replaced.some(({ outcome }) => outcome !== undefined);
    const own = SIDES.map((side) => ({ side, outcome: this.#own(side, parts.ends[side])[0] }));
    const next = (isAnyAway ? replaced : own).find(({ outcome }) => outcome !== undefined);
    if (next?.outcome === undefined) return undefined;
    let now = this.#after(parts, next.side, next.outcome);
    for (let hops = 0; hops <= MOST_TURNS; hops += 1) {
      const to = SIDES.find((side) => now.towards[side].length > 0);
      if (to === undefined) return now;
      const frames = now.towards[to];
      now = { ...now, towards: to === 0 ? [[], now.towards[1]] : [now.towards[0], []] };
      for (const frame of frames) {
        const [delivery] = this.#deliveries(to, now.ends[to], frame);
        if (delivery !== undefined) now = this.#after(now, to, delivery);
      }
    }
    throw new Error(`${next.outcome.name}: frames answer each other for ever`);
  }

  #isAtRest({ ends }: Parts): boolean {
    return SIDES.every((side) => {
      const { context, given } = this.#codecs[side].decode(ends[side]);
      const peer = this.#codecs[other(side)].decode(ends[other(side)]);
      const { messages } = this.#codecs[side].load;
      return context.send.inFlight.length === 0 && given === messages.length && peer.delivered === given;
    });
  }
}

const MOST_TURNS = 200;

/** What a step may change: in the canonical text, or only measuring and waiting. */
const PATCHED = new Set([
  'send',
  'receive',
  'ackDebt',
  'carrier',
  'resumedAt',
  'peerWindow',
  'lostAt',
  'announcements',
  'asks',
  'jitter',
  'excused',
  'counters',
]);

const isPassed = ({ passedBy }: { readonly passedBy: number }): boolean => passedBy > 0;

/** Whether a later `resume` says all that this one says. */
function isOutdone(text: string, frames: ReadonlySet<string>): boolean {
  if (text[0] !== 'r') return false;
  const [number, acks] = text.split(':');
  for (const frame of frames) {
    if (frame[0] !== 'r' || frame === text) continue;
    const [otherNumber, otherAcks] = frame.split(':');
    if (acks === otherAcks && Number(otherNumber?.slice(1)) > Number(number?.slice(1))) return true;
  }
  return false;
}

function cuts(ageMatters: boolean, inFlight: number): number[] {
  return ageMatters ? Array.from({ length: inFlight + 1 }, (_, old) => old) : [0];
}

function join({ ends, towards, losses }: Parts): string {
  return `${ends[0]}|${ends[1]}|${towards[0].join(' ')}|${towards[1].join(' ')}|${losses}`;
}

function part(state: string): Parts {
  const [harness = '', executor = '', toHarness = '', toExecutor = '', losses = ''] = state.split('|');
  const list = (text: string) => (text === '' ? [] : text.split(' '));
  return { ends: [harness, executor], towards: [list(toHarness), list(toExecutor)], losses: Number(losses) };
}

function same(one: Uint8Array, two: Uint8Array | undefined): boolean {
  return two !== undefined && Buffer.compare(one, two) === 0;
}
