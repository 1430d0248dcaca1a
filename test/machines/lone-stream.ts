/**
 * One stream's actor on a virtual clock, with a port that writes everything down, and frames as its peer would make
 * them. Tests of the stream chart say what the peer does and look at what comes out.
 */
import { type Actor, createActor } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import { unmeasuredRoundTrip } from '../../machines/protocol/round-trip.js';
import { streamMachine } from '../../machines/stream.machine.js';
import {
  defaultStreamTiming,
  type Profile,
  type StreamContext,
  type StreamEnd,
  type StreamInput,
  type StreamPort,
  type StreamTiming,
} from '../../machines/stream-types.js';
import { type Frame, type FrameBody, plainFrame, RELIABILITY_RELIABLE } from '../../proto/frame.js';
import { encodeFrame } from '../../proto/frame-codec.js';
import { defaultLimits } from '../../proto/limits.js';
import { StepClock } from '../stand-ins/step-clock.js';

export const STREAM_ID = 's1';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a frame of the peer says beside its body. */
export interface Told {
  readonly ack?: number;
  readonly bits?: number;
  readonly window?: number;
}

function reliably(body: FrameBody, { ack = 0, bits = 0, window }: Told): Frame {
  const frame = { ...plainFrame(STREAM_ID, body), ack, ackBits: bits, reliability: RELIABILITY_RELIABLE };
  return window === undefined ? frame : { ...frame, receiveWindow: window };
}

/** Frames of a peer that speaks the reliable profile. */
export const peer = {
  data: (seq: number, told: Told & { text?: string; index?: number; count?: number } = {}): Frame => {
    const { text = `m${seq}`, index = 0, count = 1 } = told;
    const body: FrameBody = {
      kind: 'data',
      seq,
      segmentIndex: index,
      segmentCount: count,
      payload: encoder.encode(text),
    };
    return reliably(body, told);
  },
  ack: (ack: number, bits = 0, told: Told = {}): Frame => reliably({ kind: 'ack' }, { ...told, ack, bits }),
  resume: (nextSeq: number, told: Told = {}): Frame => reliably({ kind: 'resume', nextSeq }, told),
  heartbeat: (told: Told = {}): Frame => reliably({ kind: 'heartbeat' }, told),
  reset: (reason: string, told: Told = {}): Frame => reliably({ kind: 'reset', reason }, told),
  handshake: (text: string): Frame => reliably({ kind: 'handshake', payload: encoder.encode(text) }, {}),
};

/** Frames of a release. */
export const release = {
  data: (seq: number, text = `m${seq}`): Frame =>
    plainFrame(STREAM_ID, { kind: 'data', seq, segmentIndex: 0, segmentCount: 1, payload: encoder.encode(text) }),
  reset: (reason: string): Frame => plainFrame(STREAM_ID, { kind: 'reset', reason }),
  handshake: (text: string): Frame => plainFrame(STREAM_ID, { kind: 'handshake', payload: encoder.encode(text) }),
};

/** A frame in one line: `data 3 1/2 'text' ack 2+10`, `resume 1`, `plain data 0 'm'`, `ack 4 window 0`. */
export function brief(frame: Frame): string {
  const { body, ack, ackBits, reliability, receiveWindow } = frame;
  const words: string[] = reliability === RELIABILITY_RELIABLE ? [] : ['plain'];
  if (body.kind === 'data') {
    words.push(`data ${body.seq}`);
    if (body.segmentCount > 1) words.push(`${body.segmentIndex}/${body.segmentCount}`);
    words.push(body.payload.length > 20 ? `${body.payload.length} bytes` : `'${decoder.decode(body.payload)}'`);
  } else if (body.kind === 'resume') words.push(`resume ${body.nextSeq}`);
  else if (body.kind === 'reset') words.push(`reset ${body.reason}`);
  else if (body.kind === 'heartbeat') words.push('heartbeat');
  else if (body.kind === 'handshake') words.push(`handshake '${decoder.decode(body.payload)}'`);
  if (ack > 0 || ackBits > 0 || body.kind === 'ack')
    words.push(`ack ${ack}${ackBits ? `+${ackBits.toString(2)}` : ''}`);
  if (receiveWindow !== undefined) words.push(`window ${receiveWindow}`);
  return words.join(' ');
}

export type LoneStreamOptions = Partial<Pick<StreamInput, 'role' | 'limits' | 'random' | 'initiator' | 'responder'>> & {
  /** A harness that is to find out itself is given none. */
  readonly profile?: Profile | 'unknown';
  /** What effects go through beside being written down. */
  readonly port?: Partial<StreamPort>;
  /** How late its timers fire, in milliseconds. */
  readonly oversleep?: () => number;
  /** What it remembers of a long life: it starts open and idle, with this. */
  readonly memory?: Partial<StreamContext>;
};

/** Acknowledgements wait long enough here for what happens meanwhile to be told apart. */
export const slowAcks: StreamTiming = { ...defaultStreamTiming, ackDelayMs: 25, peerAckDelayMs: 25 };

export class LoneStream {
  readonly clock = new StepClock();
  readonly meter = { current: unmeasuredRoundTrip };
  readonly delivered: string[] = [];
  readonly backlogs: number[] = [];
  readonly reading: boolean[] = [];
  readonly causes: string[] = [];
  readonly actor: Actor<typeof streamMachine>;
  /** Every data frame sent, first or again, with its bytes. */
  readonly bytesSent: { readonly seq: number; readonly bytes: string }[] = [];
  #sent: string[] = [];

  constructor(options: LoneStreamOptions = {}) {
    const { port = {}, oversleep, profile = 'reliable', memory, ...input } = options;
    const clock: Clock = {
      now: this.clock.now,
      setTimeout: (callback, delayMs) => this.clock.setTimeout(callback, delayMs + (oversleep?.() ?? 0)),
      clearTimeout: this.clock.clearTimeout,
    };
    const recording: StreamPort = {
      transmit: (frames) => {
        this.#note(frames, '');
        port.transmit?.(frames);
      },
      retransmit: (frames, causes) => {
        this.#note(frames, 'again ');
        this.causes.push(...causes);
      },
      deliver: (messages) => {
        port.deliver?.(messages);
        this.delivered.push(...messages.map((message) => decoder.decode(message)));
      },
      backlog: (bytes) => this.backlogs.push(bytes),
      readSocket: (reading) => this.reading.push(reading),
      opened: () => port.opened?.(),
    };
    const given: StreamInput = {
      streamId: STREAM_ID,
      role: 'executor',
      limits: defaultLimits,
      timing: slowAcks,
      random: () => 0,
      ...input,
      ...(profile === 'unknown' ? {} : { profile }),
      port: recording,
      clock,
      meter: this.meter,
    };
    const actorOptions = { clock, input: given };
    this.actor = createActor(streamMachine, actorOptions);
    if (memory !== undefined) {
      const { value, context } = this.actor.getSnapshot();
      const snapshot = streamMachine.resolveState({ value, context: { ...context, ...memory } });
      this.actor = createActor(streamMachine, { ...actorOptions, snapshot });
    }
    this.actor.start();
  }

  receive(...frames: readonly Frame[]): void {
    this.actor.send({ type: 'frames', frames });
  }

  /** Messages of one turn of the event loop: texts, or so many bytes. */
  flush(...messages: readonly (string | number)[]): void {
    this.actor.send({
      type: 'flush',
      messages: messages.map((message) =>
        typeof message === 'string' ? encoder.encode(message) : new Uint8Array(message).fill(0x2e),
      ),
    });
  }

  /** What was sent since this was asked last. */
  sent(): string[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** What was sent in the next `ms`. */
  sentWithin(ms: number): string[] {
    this.clock.advance(ms);
    return this.sent();
  }

  is(state: Parameters<ReturnType<Actor<typeof streamMachine>['getSnapshot']>['matches']>[0]): boolean {
    return this.actor.getSnapshot().matches(state);
  }

  get end(): StreamEnd | undefined {
    return this.actor.getSnapshot().output;
  }

  #note(frames: readonly Frame[], prefix: string): void {
    for (const frame of frames) {
      this.#sent.push(prefix + brief(frame));
      if (frame.body.kind === 'data') {
        // Without what is newer each time: the acknowledgement it carries.
        const bytes = Buffer.from(encodeFrame({ ...frame, ack: 0, ackBits: 0 })).toString('hex');
        this.bytesSent.push({ seq: frame.body.seq, bytes });
      }
    }
  }
}

/** A harness that asks who is there. */
export function announcing(options: LoneStreamOptions = {}): LoneStream {
  return new LoneStream({ ...options, role: 'harness', profile: 'unknown' });
}

/** The numbers of a run, such as `numbers(1, 4)` for 1, 2, 3, 4. */
export const numbers = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
