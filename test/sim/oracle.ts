/**
 * What must be true of every run, whatever the adversary does; it looks at the wire and at what programs asked and got,
 * and believes nothing a machine says of itself. A violation is noted, not thrown: a throw inside an actor would look
 * like one more fault.
 */
import { crc32 } from 'node:zlib';
import type { StreamContext, StreamEnd } from '../../machines/stream-types.js';
import { type Frame, isReliable } from '../../proto/frame.js';
import { decodeFrame } from '../../proto/frame-codec.js';
import { defaultLimits } from '../../proto/limits.js';
import { decodeMessage, type Message, type MessageKind } from './message.js';

const WINDOW = 32;

/** One direction of one stream at one machine, as the wire shows it. */
interface StreamTrace {
  /** Seqs that arrived here, before any judgement. */
  readonly arrived: Set<number>;
  /** Anything reliable arrived here. */
  heard: boolean;
  /** Highest ack that arrived here. */
  heardAck: number;
  /** What was sent under each seq: every repetition must be the same. */
  readonly sent: Map<number, number>;
}

/**
 * The rendezvous resets a stream whose harness is back when data reaches it before `resume` does. No socket reorders, so
 * only these lines can do that to it.
 */
const RESENT_BEFORE_RESUMED: ReadonlySet<string> = new Set(['stream_id_in_use']);

type RequestFate = 'pending' | 'answered' | 'unknown';

interface RequestTrace {
  readonly streamId: string;
  fate: RequestFate;
  runs: number;
  outputs: number;
}

/** Frames counted at one machine. */
export interface FrameCounts {
  data: number;
  /** Data frames of a seq that was sent before. */
  again: number;
  ack: number;
  other: number;
}

export class Oracle {
  readonly violations: string[] = [];
  readonly frames: FrameCounts = { data: 0, again: 0, ack: 0, other: 0 };
  readonly #traces = new Map<string, StreamTrace>();
  readonly #requests = new Map<number, RequestTrace>();
  /** Streams that may end unasked, and why. */
  readonly #excuses = new Map<string, string>();
  /** The next message each end of a stream must deliver. */
  readonly #orders = new Map<string, number>();
  readonly #ends = new Map<string, StreamEnd>();
  readonly #reused = new Set<string>();
  readonly #forgiven = new Set<string>();

  violate(message: string): void {
    // The first ones tell what happened; a storm of them tells no more.
    if (this.violations.length < 20) this.violations.push(message);
  }

  /** A stream was hit by something that may end it. */
  excuse(streamId: string, why: string): void {
    if (!this.#excuses.has(streamId)) this.#excuses.set(streamId, why);
  }

  isExcused(streamId: string): boolean {
    return this.#excuses.has(streamId);
  }

  get framesSent(): number {
    return this.frames.data + this.frames.again + this.frames.ack + this.frames.other;
  }

  /** Requests that nobody has told the harness anything about. */
  get pending(): number {
    let pending = 0;
    for (const { fate } of this.#requests.values()) if (fate === 'pending') pending += 1;
    return pending;
  }

  count(fate: RequestFate): number {
    let count = 0;
    for (const request of this.#requests.values()) if (request.fate === fate) count += 1;
    return count;
  }

  /**
   * Whether the harness has heard of its peer on this stream, and anything was sent; until then the stream cannot
   * outlive every carrier: nobody can tell its `resume` from that of a new stream.
   */
  isMutual(machine: string, streamId: string): boolean {
    const trace = this.#traces.get(`${machine} ${streamId}`);
    return trace?.heard === true && trace.sent.size + trace.arrived.size > 0;
  }

  hasHeard(machine: string, streamId: string): boolean {
    return this.#traces.get(`${machine} ${streamId}`)?.heard === true;
  }

  // On the wire.

  sent(machine: string, message: Uint8Array): void {
    let frame: Frame;
    try {
      frame = decodeFrame(message);
    } catch (error) {
      this.violate(`${machine} sent what no peer can decode: ${String(error)}`);
      return;
    }
    const { body, ack, ackBits, streamId } = frame;
    const trace = this.#traceOf(machine, streamId);
    if (ack > 0 || ackBits !== 0) this.#checkAcknowledgement(machine, frame, trace);
    if (body.kind === 'ack') this.frames.ack += 1;
    else if (body.kind !== 'data') this.frames.other += 1;
    else {
      const bytes = crc32(body.payload, body.segmentIndex * 65_536 + body.segmentCount);
      const before = trace.sent.get(body.seq);
      if (before === undefined) this.frames.data += 1;
      else this.frames.again += 1;
      if (before !== undefined && before !== bytes) {
        this.violate(`${machine} sent seq ${body.seq} of ${streamId} again with other bytes`);
      }
      trace.sent.set(body.seq, bytes);
      if (isReliable(frame) && body.seq > trace.heardAck + WINDOW) {
        this.violate(`${machine} sent seq ${body.seq} of ${streamId} beyond the window: ack ${trace.heardAck}`);
      }
    }
  }

  arrived(machine: string, message: Uint8Array): void {
    let frame: Frame;
    try {
      frame = decodeFrame(message);
    } catch {
      return;
    }
    const trace = this.#traceOf(machine, frame.streamId);
    if (frame.body.kind === 'data') trace.arrived.add(frame.body.seq);
    trace.heard ||= isReliable(frame);
    trace.heardAck = Math.max(trace.heardAck, frame.ack);
  }

  // At the programs.

  /** An id that had its stream is used again, against the contract: only what the executor runs is still judged. */
  reused(machine: string, streamId: string): void {
    this.#traces.delete(`${machine} ${streamId}`);
    this.#reused.add(streamId);
    this.#ends.delete(streamId);
    this.excuse(streamId, 'its id was used before');
  }

  /** Another process takes the place of a machine: it has sent, received and delivered nothing. */
  reborn(machine: string): void {
    for (const key of [...this.#traces.keys(), ...this.#orders.keys()]) {
      if (!key.startsWith(`${machine} `)) continue;
      this.#traces.delete(key);
      this.#orders.delete(key);
    }
  }

  isReused(streamId: string): boolean {
    return this.#reused.has(streamId);
  }

  /**
   * The executor of a stream is killed that its harness has never heard, though the rendezvous thinks so: what it carried
   * on was lost on a socket that lives, which no socket does. Its requests may go to the next executor as well.
   */
  forgive(streamId: string): void {
    this.#forgiven.add(streamId);
  }

  /** The executor has opened a stream. */
  accepted(machine: string, streamId: string): void {
    this.#orders.delete(`${machine} ${streamId}`);
    if (this.#reused.has(streamId)) this.#forgetSent(machine, streamId);
  }

  requested(streamId: string, request: number): void {
    this.#requests.set(request, { streamId, fate: 'pending', runs: 0, outputs: 0 });
  }

  /** Takes a message that a machine delivered; undefined when it must not be acted upon. */
  delivered(machine: string, streamId: string, bytes: Uint8Array): Message | undefined {
    const message = decodeMessage(bytes);
    if (message === undefined) {
      this.violate(`${machine} delivered ${bytes.length} bytes on ${streamId} that nobody sent like this`);
      return undefined;
    }
    const key = `${machine} ${streamId}`;
    const expected = this.#orders.get(key) ?? 0;
    const late = this.#reused.has(streamId) && message.kind !== 'request';
    if (message.order !== expected && !late) {
      this.violate(`${machine} delivered message ${message.order} of ${streamId} where ${expected} belongs`);
    }
    this.#orders.set(key, message.order + 1);
    const request = this.#requests.get(message.request);
    if (request?.streamId !== streamId) {
      this.violate(`${machine} delivered a message of request ${message.request} on ${streamId}, which never made it`);
      return undefined;
    }
    if (!late || request.fate === 'pending') this.#noteProgress(message.kind, message, request);
    return message;
  }

  /** The harness was told that the stream is over: what it had asked is answered or unknown. */
  ended(end: StreamEnd, closing: boolean): void {
    const { streamId, kind, initiator, reason } = end;
    if (this.#ends.has(streamId)) this.violate(`the end of ${streamId} was told twice`);
    this.#ends.set(streamId, end);
    const inOrder = closing && (kind === 'closed' || initiator === 'local');
    if (RESENT_BEFORE_RESUMED.has(reason)) this.excuse(streamId, 'what it sent again overtook its resume');
    if (!inOrder && !this.isExcused(streamId)) {
      this.violate(`${streamId} ended without cause: ${kind} by ${initiator}, ${reason}`);
    }
    for (const request of this.#requests.values()) {
      if (request.streamId === streamId && request.fate === 'pending') request.fate = 'unknown';
    }
  }

  /** Memory that one stream holds at one machine, all of it bounded. */
  inspect(machine: string, { streamId, send, receive, limits, peerWindow }: StreamContext): void {
    const complain = (what: string) => this.violate(`${machine}, ${streamId}: ${what}`);
    const { inFlight, inFlightBytes, nextSeq, peerAck, queuedBytes } = send;
    if (nextSeq - 1 - peerAck > WINDOW) complain(`${nextSeq - 1 - peerAck} segments beyond the peer's ack`);
    if (inFlight.length > 1 && inFlightBytes > limits.retainedBytes) complain(`${inFlightBytes} bytes are retained`);
    const real = inFlight.reduce((sum, { payload }) => sum + payload.length, 0);
    if (real !== inFlightBytes) complain(`${real} bytes are retained, ${inFlightBytes} are counted`);
    const held = receive.held.reduce((sum, { payload }) => sum + payload.length, 0);
    if (held !== receive.heldBytes) complain(`${held} bytes are held, ${receive.heldBytes} are counted`);
    if (receive.heldBytes > limits.outOfOrderBytes) complain(`${receive.heldBytes} bytes wait behind a gap`);
    if (receive.held.length >= WINDOW) complain(`${receive.held.length} segments wait behind a gap`);
    if (queuedBytes > MOST_QUEUED_BYTES) complain(`${queuedBytes} bytes wait for the window of ${peerWindow}`);
  }

  /** Every request has a fate, the right one, and ran as often as it may. */
  settle(): void {
    for (const [id, { streamId, fate, runs, outputs }] of this.#requests) {
      const what = `request ${id} of ${streamId}`;
      if (runs > 1 && !this.#forgiven.has(streamId)) this.violate(`${what} ran ${runs} times`);
      if (fate === 'pending' && !this.isReused(streamId))
        this.violate(`${what} was never answered, and nobody said that it is lost`);
      if (fate === 'answered' && runs === 0)
        this.violate(`${what} was answered without being run (${outputs} outputs)`);
      if (fate === 'unknown' && !this.isExcused(streamId)) this.violate(`${what} is unknown without cause`);
    }
  }

  #noteProgress(kind: MessageKind, message: Message, request: RequestTrace): void {
    if (kind === 'request') {
      request.runs += 1;
      if (request.runs > 1 && !this.#forgiven.has(request.streamId))
        this.violate(`request ${message.request} of ${request.streamId} ran twice`);
    } else if (request.fate !== 'pending') {
      this.violate(`request ${message.request} of ${request.streamId} got a message after it was ${request.fate}`);
    } else if (kind === 'output') request.outputs += 1;
    else {
      request.fate = 'answered';
      if (request.outputs !== message.work.outputs) {
        this.violate(`request ${message.request}: ${request.outputs} of ${message.work.outputs} outputs came`);
      }
    }
  }

  #checkAcknowledgement(machine: string, { streamId, ack, ackBits }: Frame, { arrived }: StreamTrace): void {
    const claimed = (seq: number) => seq <= ack || (seq <= ack + 32 && ((ackBits >>> (seq - ack - 1)) & 1) === 1);
    for (let seq = Math.max(1, ack - WINDOW); seq <= ack + 32; seq += 1) {
      if (claimed(seq) && !arrived.has(seq)) {
        this.violate(`${machine} acknowledged seq ${seq} of ${streamId}, which never arrived there`);
      }
    }
  }

  /** What arrived stays: the frame that opened the stream is among it. */
  #forgetSent(machine: string, streamId: string): void {
    const trace = this.#traceOf(machine, streamId);
    trace.sent.clear();
    trace.heardAck = 0;
  }

  #traceOf(machine: string, streamId: string): StreamTrace {
    const key = `${machine} ${streamId}`;
    let trace = this.#traces.get(key);
    if (trace === undefined) {
      trace = { arrived: new Set(), heard: false, heardAck: 0, sent: new Map() };
      this.#traces.set(key, trace);
    }
    return trace;
  }
}

/** Programs stop at 1 MiB (StreamChannel) and may overshoot by one message. */
const MOST_QUEUED_BYTES = 1024 * 1024 + defaultLimits.retainedBytes;
