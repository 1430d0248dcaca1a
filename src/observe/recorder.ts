/**
 * Turns what happens into records (record.ts), each reduced to what may be shown. Where they go, and which are left out
 * when there are too many, is for whoever made it to say.
 */
import type { AnyEventObject, AnyTransitionDefinition, Snapshot } from 'xstate';
import { streamActorId } from '../../machines/connection-setup.js';
import type { RetransmitCause } from '../../machines/protocol/send-window.js';
import { type Frame, isReliable } from '../../proto/frame.js';
import type { FrameDecodeError } from '../../proto/frame-error.js';
import { packageVersion } from '../executor/package-version.js';
import { contextFacts, definite, outsideFacts } from './context-facts.js';
import { errorFacts } from './error-facts.js';
import { eventFacts } from './event-facts.js';
import type { Observation, ObservationListener, ObservedActor, ObservedEndpoint } from './observation.js';
import { type Facts, type FrameRecord, type ObservationRecord, RECORD_VERSION } from './record.js';
import { shownName, shownReason } from './shown-words.js';
import { activeStates, edgeId } from './state-facts.js';

export interface RecorderOptions {
  write(record: ObservationRecord): void;
  /** Frames carry their payload: only for a recording whose owner asked for it. */
  readonly payloads?: boolean;
  /** Of the program's chance. */
  readonly seed?: number;
  /**
   * Whether there is room for the steps and frames of this actor now; absent, there always is. Actors that appear and end
   * are never left out.
   */
  readonly admits?: (actorId: string) => boolean;
  /**
   * Something was left out: steps of this actor, whose state may now be another than was told last, or frames, when there
   * is none.
   */
  readonly leftOut?: (actor?: ObservedActor) => void;
}

/** Starts with `observing.started` and everything that is there. Answers with how to stop. */
export function record(observation: Observation, options: RecorderOptions): () => void {
  const recorder = new Recorder(observation, options);
  recorder.start();
  return observation.listen(recorder);
}

/** An actor that works on what was recorded of it. */
interface Busy {
  /** Events it was sent and has not settled. */
  events: number;
  /** Edges it took since it settled last. */
  edges: string[];
}

class Recorder implements ObservationListener {
  readonly #options: RecorderOptions;
  readonly #now: () => number;
  /** Actors that have not come to rest yet. */
  readonly #busy = new Map<ObservedActor, Busy>();
  readonly #lastSnapshots = new WeakMap<ObservedActor, Snapshot<unknown>>();

  constructor(observation: Observation, options: RecorderOptions) {
    this.#options = options;
    this.#now = () => observation.clock.now();
  }

  start(): void {
    const { payloads = false, seed } = this.#options;
    this.#options.write({
      type: 'observing.started',
      at: this.#now(),
      version: RECORD_VERSION,
      program: `signalbox ${packageVersion()}`,
      wallTime: Date.now(),
      payloads,
      ...(seed === undefined ? {} : { seed }),
    });
  }

  endpoint({ number, role, retry, encryption, limits, timing, streamTiming }: ObservedEndpoint): void {
    this.#options.write({
      type: 'endpoint.opened',
      at: this.#now(),
      endpoint: number,
      role,
      retry,
      encryption,
      limits: figures(limits),
      timing: figures(timing),
      streamTiming: figures(streamTiming),
    });
  }

  appeared(actor: ObservedActor, snapshot: Snapshot<unknown> | undefined): void {
    const { chart, parent } = actor;
    this.#options.write({
      type: 'actor.appeared',
      at: this.#now(),
      actor: actor.sessionId,
      id: shownName(actor.id),
      ...(parent === undefined ? {} : { parent }),
      ...(chart === undefined ? {} : { chart }),
      status: snapshot?.status ?? 'active',
      states: activeStates(snapshot),
      facts: contextFacts(snapshot),
      ...(snapshot === undefined ? {} : { primed: true }),
    });
    // It takes its first edges before it is told anything.
    if (snapshot === undefined && this.#admits(actor.id)) this.#busy.set(actor, { events: 0, edges: [] });
  }

  received(actor: ObservedActor, event: AnyEventObject, source: ObservedActor | undefined): void {
    if (!this.#admits(actor.id)) {
      this.#options.leftOut?.(actor);
      return;
    }
    this.#options.write({
      type: 'actor.received',
      at: this.#now(),
      actor: actor.sessionId,
      ...(source === undefined ? {} : { source: source.sessionId }),
      event: shownName(event.type),
      facts: { ...eventFacts(event), ...outsideFacts(actor, event) },
    });
    const busy = this.#busy.get(actor);
    if (busy === undefined) this.#busy.set(actor, { events: 1, edges: [] });
    else busy.events += 1;
  }

  stepped(actor: ObservedActor, transitions: readonly AnyTransitionDefinition[]): void {
    const busy = this.#busy.get(actor);
    if (busy === undefined) return;
    for (const transition of transitions) {
      const id = edgeId(transition);
      if (id !== undefined) busy.edges.push(id);
    }
  }

  settled(actor: ObservedActor, event: AnyEventObject, snapshot: Snapshot<unknown>): void {
    const busy = this.#busy.get(actor);
    if (busy === undefined) {
      this.#options.leftOut?.(actor);
      return;
    }
    const { edges } = busy;
    busy.edges = [];
    busy.events -= 1;
    if (busy.events <= 0) this.#busy.delete(actor);
    if (edges.length === 0 && this.#lastSnapshots.get(actor) === snapshot) return;
    this.#lastSnapshots.set(actor, snapshot);
    this.#options.write({
      type: 'actor.changed',
      at: this.#now(),
      actor: actor.sessionId,
      event: shownName(event.type),
      states: activeStates(snapshot),
      edges,
      facts: contextFacts(snapshot),
    });
  }

  ended(actor: ObservedActor, snapshot: Snapshot<unknown>, error?: unknown): void {
    this.#busy.delete(actor);
    const { status } = snapshot;
    this.#options.write({
      type: 'actor.ended',
      at: this.#now(),
      actor: actor.sessionId,
      status: error !== undefined || status === 'active' ? 'error' : status,
      states: activeStates(snapshot),
      ...(error === undefined ? {} : { error: errorFacts(error) }),
    });
  }

  framesSent(endpoint: ObservedEndpoint, streamId: string, frames: readonly Frame[]): void {
    this.#frames(endpoint, 'out', streamId, frames);
  }

  framesResent(
    endpoint: ObservedEndpoint,
    streamId: string,
    frames: readonly Frame[],
    causes: readonly RetransmitCause[],
  ): void {
    this.#frames(endpoint, 'out', streamId, frames, causes);
  }

  framesReceived(endpoint: ObservedEndpoint, streamId: string, frames: readonly Frame[]): void {
    this.#frames(endpoint, 'in', streamId, frames);
  }

  frameRejected(endpoint: ObservedEndpoint, { code, streamId }: FrameDecodeError): void {
    this.#options.write({
      type: 'frame.rejected',
      at: this.#now(),
      endpoint: endpoint.number,
      ...(streamId === undefined ? {} : { stream: streamId }),
      code,
    });
  }

  chanceDrawn(endpoint: ObservedEndpoint, value: number): void {
    this.#options.write({ type: 'chance.drawn', at: this.#now(), endpoint: endpoint.number, value });
  }

  #frames(
    endpoint: ObservedEndpoint,
    dir: FrameRecord['dir'],
    stream: string,
    frames: readonly Frame[],
    causes?: readonly RetransmitCause[],
  ): void {
    if (!this.#admits(streamActorId(stream))) {
      this.#options.leftOut?.();
      return;
    }
    const at = this.#now();
    for (const [index, frame] of frames.entries()) {
      const cause = causes?.[index];
      const { body, receiveWindow: window } = frame;
      this.#options.write({
        type: 'frame',
        at,
        endpoint: endpoint.number,
        stream,
        dir,
        kind: body.kind,
        reliable: isReliable(frame),
        ack: frame.ack,
        ackBits: frame.ackBits,
        ...(window === undefined ? {} : { window }),
        ...bodyFacts(frame),
        ...(cause === undefined ? {} : { cause }),
        ...(this.#options.payloads && 'payload' in body
          ? { payload: Buffer.from(body.payload).toString('base64') }
          : {}),
      });
    }
  }

  #admits(actorId: string): boolean {
    return this.#options.admits?.(actorId) ?? true;
  }
}

function bodyFacts({ body }: Frame): Partial<FrameRecord> {
  switch (body.kind) {
    case 'data':
      return { seq: body.seq, index: body.segmentIndex, count: body.segmentCount, bytes: body.payload.length };
    case 'handshake':
      return { bytes: body.payload.length };
    case 'resume':
      return { nextSeq: body.nextSeq };
    case 'reset':
      return { reason: shownReason(body.reason) };
    default:
      return {};
  }
}

/** Of limits and timings, which are numbers only. */
function figures(options: object): Facts {
  return definite(
    Object.fromEntries(Object.entries(options).filter(([, value]) => typeof value === 'number')) as Facts,
  );
}
