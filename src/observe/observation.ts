/**
 * The one place where everything observable of a running program arrives: its actors, and the frames of its relay
 * endpoints. Listeners come and go; while there is none, no actor system is inspected and nothing is looked at. It keeps
 * no history and reduces nothing: what may be shown is for its listeners to pick (recorder.ts).
 */
import type { AnyActorRef, AnyEventObject, AnyTransitionDefinition, InspectionEvent, Snapshot } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import type { ConnectionTiming, Encryption, RetryPolicy } from '../../machines/connection-types.js';
import type { RetransmitCause } from '../../machines/protocol/send-window.js';
import type { RelayRole, StreamTiming } from '../../machines/stream-types.js';
import type { Frame } from '../../proto/frame.js';
import type { FrameDecodeError } from '../../proto/frame-error.js';
import type { Limits } from '../../proto/limits.js';
import type { EndpointObserver } from './endpoint-observer.js';
import { type Logger, silentLog } from './log.js';
import { realClock } from './real-clock.js';
import { turnClock } from './turn-clock.js';

/** An actor, for as long as it is observed. */
export interface ObservedActor {
  readonly ref: AnyActorRef;
  readonly sessionId: string;
  /** What its parent calls it. */
  readonly id: string;
  readonly parent: string | undefined;
  /** The id of its machine; undefined for a promise or a callback. */
  readonly chart: string | undefined;
}

/** One end of a relay connection. */
export interface ObservedEndpoint {
  /** From 1, in the order they were made. */
  readonly number: number;
  readonly role: RelayRole;
  readonly retry: RetryPolicy;
  readonly encryption: Encryption;
  readonly limits: Limits;
  readonly timing: ConnectionTiming;
  readonly streamTiming: StreamTiming;
}

/**
 * Is told synchronously, in the order things happen, in the middle of what it is told of: it must be quick, must not send
 * anything to what it observes, and must not keep frames or events.
 */
export interface ObservationListener {
  endpoint(endpoint: ObservedEndpoint): void;
  /**
   * Parents come before their children. One that has just been made has no snapshot yet; with one, it was there before.
   */
  appeared(actor: ObservedActor, snapshot: Snapshot<unknown> | undefined): void;
  received(actor: ObservedActor, event: AnyEventObject, source: ObservedActor | undefined): void;
  /** Transitions taken, some of which are needed by none of the events received. */
  stepped(actor: ObservedActor, transitions: readonly AnyTransitionDefinition[]): void;
  settled(actor: ObservedActor, event: AnyEventObject, snapshot: Snapshot<unknown>): void;
  /** The last of it. `error` where it crashed. */
  ended(actor: ObservedActor, snapshot: Snapshot<unknown>, error?: unknown): void;
  framesSent(endpoint: ObservedEndpoint, streamId: string, frames: readonly Frame[]): void;
  framesResent(
    endpoint: ObservedEndpoint,
    streamId: string,
    frames: readonly Frame[],
    causes: readonly RetransmitCause[],
  ): void;
  framesReceived(endpoint: ObservedEndpoint, streamId: string, frames: readonly Frame[]): void;
  frameRejected(endpoint: ObservedEndpoint, error: FrameDecodeError): void;
  chanceDrawn(endpoint: ObservedEndpoint, value: number): void;
}

const CRASH = 'xstate.error.actor.';

export class Observation {
  /** What is observed should live by this clock: then each event, and what it sets off, has one time. */
  readonly clock: Clock;
  readonly #log: Logger;
  readonly #roots = new Set<AnyActorRef>();
  readonly #endpoints: ObservedEndpoint[] = [];
  readonly #listeners = new Set<ObservationListener>();
  readonly #actors = new Map<AnyActorRef, ObservedActor>();
  /** Undo what was done to the systems to look at them. */
  readonly #inspections: (() => void)[] = [];

  constructor({
    clock = turnClock(realClock),
    log = silentLog,
  }: { readonly clock?: Clock; readonly log?: Logger } = {}) {
    this.clock = clock;
    this.#log = log;
  }

  /** Whether anybody looks. */
  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  /** The root of an actor system; its whole tree is observed. One that is not started yet is seen from its beginning. */
  addRoot(root: AnyActorRef): void {
    // Not by subscribing to them: that would change who hears of a crash.
    for (const other of this.#roots) if (other.getSnapshot().status !== 'active') this.#roots.delete(other);
    this.#roots.add(root);
    if (!this.isWatched) return;
    this.#inspect(root);
    this.#prime(root, [...this.#listeners]);
  }

  /** What the endpoint is to tell; `random` is the chance its charts draw from. */
  addEndpoint(
    facts: Omit<ObservedEndpoint, 'number'>,
    random: () => number,
  ): { readonly observer: EndpointObserver; readonly random: () => number } {
    const endpoint: ObservedEndpoint = { ...facts, number: this.#endpoints.length + 1 };
    this.#endpoints.push(endpoint);
    this.#tell((listener) => listener.endpoint(endpoint));
    const observer: EndpointObserver = {
      sent: (streamId, frames) => {
        if (this.isWatched) this.#tell((listener) => listener.framesSent(endpoint, streamId, frames));
      },
      resent: (streamId, frames, causes) => {
        if (this.isWatched) this.#tell((listener) => listener.framesResent(endpoint, streamId, frames, causes));
      },
      received: (streamId, frames) => {
        if (this.isWatched) this.#tell((listener) => listener.framesReceived(endpoint, streamId, frames));
      },
      rejected: (error) => this.#tell((listener) => listener.frameRejected(endpoint, error)),
    };
    const drawn = () => {
      const value = random();
      if (this.isWatched) this.#tell((listener) => listener.chanceDrawn(endpoint, value));
      return value;
    };
    return { observer, random: drawn };
  }

  /** What its parent calls the actor with this session id; undefined for one that is not observed. */
  idOf(sessionId: string): string | undefined {
    for (const actor of this.#actors.values()) if (actor.sessionId === sessionId) return actor.id;
    return undefined;
  }

  /** The listener is told of everything that is there, then of everything that happens. Answers with how to leave. */
  listen(listener: ObservationListener): () => void {
    const isFirst = !this.isWatched;
    this.#listeners.add(listener);
    if (isFirst) for (const root of this.#roots) this.#inspect(root);
    this.#try(listener, () => {
      for (const endpoint of this.#endpoints) listener.endpoint(endpoint);
    });
    for (const root of this.#roots) this.#prime(root, [listener]);
    return () => this.#leave(listener);
  }

  #leave(listener: ObservationListener): void {
    if (!this.#listeners.delete(listener) || this.isWatched) return;
    for (const leave of this.#inspections.splice(0)) leave();
    this.#actors.clear();
  }

  #inspect(root: AnyActorRef): void {
    this.#inspections.push(inspect(root.system, (event) => this.#look(event)));
  }

  /** Parents first. */
  #prime(ref: AnyActorRef, listeners: readonly ObservationListener[]): void {
    const actor = this.#actorOf(ref);
    const snapshot: Snapshot<unknown> & { readonly children?: Readonly<Record<string, AnyActorRef | undefined>> } =
      ref.getSnapshot();
    const past = isStarted(ref) ? snapshot : undefined;
    for (const listener of listeners) this.#try(listener, () => listener.appeared(actor, past));
    for (const child of Object.values(snapshot.children ?? {})) if (child !== undefined) this.#prime(child, listeners);
  }

  #look(inspected: Inspected): void {
    if (inspected.type === '@xstate.action' || inspected.type === '@xstate.transition') return;
    const ref = inspected.actorRef as AnyActorRef;
    switch (inspected.type) {
      case '@xstate.actor': {
        const actor = this.#actorOf(ref);
        this.#tell((listener) => listener.appeared(actor, undefined));
        return;
      }
      case '@xstate.event': {
        const { event } = inspected;
        const source =
          inspected.sourceRef === undefined ? undefined : this.#actorOf(inspected.sourceRef as AnyActorRef);
        // One that throws says nothing itself: its parent is told.
        if (source !== undefined && event.type.startsWith(CRASH) && source.ref !== ref) {
          this.#end(source, source.ref.getSnapshot(), (event as { readonly error?: unknown }).error);
        }
        const actor = this.#actorOf(ref);
        this.#tell((listener) => listener.received(actor, event, source));
        return;
      }
      case '@xstate.microstep': {
        const actor = this.#actorOf(ref);
        if (inspected._transitions.length > 0)
          this.#tell((listener) => listener.stepped(actor, inspected._transitions));
        return;
      }
      case '@xstate.snapshot': {
        const actor = this.#actorOf(ref);
        const { event, snapshot } = inspected;
        this.#tell((listener) => listener.settled(actor, event, snapshot));
        if (snapshot.status !== 'active') this.#end(actor, snapshot);
      }
    }
  }

  #end(actor: ObservedActor, snapshot: Snapshot<unknown>, error?: unknown): void {
    if (!this.#actors.delete(actor.ref)) return;
    this.#tell((listener) => listener.ended(actor, snapshot, error));
  }

  #actorOf(ref: AnyActorRef): ObservedActor {
    const known = this.#actors.get(ref);
    if (known !== undefined) return known;
    const { logic } = ref as { readonly logic?: { readonly id?: unknown; readonly root?: unknown } };
    const actor: ObservedActor = {
      ref,
      sessionId: ref.sessionId,
      id: ref.id,
      parent: ref._parent?.sessionId,
      chart: logic?.root !== undefined && typeof logic.id === 'string' ? logic.id : undefined,
    };
    this.#actors.set(ref, actor);
    return actor;
  }

  #tell(what: (listener: ObservationListener) => void): void {
    for (const listener of this.#listeners) this.#try(listener, what);
  }

  /** A defect of whoever looks must not become one of what is looked at. */
  #try(listener: ObservationListener, what: (listener: ObservationListener) => void): void {
    try {
      what(listener);
    } catch (error) {
      this.#log.error({ err: error }, 'an observer failed and looks no more');
      this.#leave(listener);
    }
  }
}

/** What an actor system tells its inspectors. */
type Inspected = InspectionEvent extends infer Event
  ? Event extends InspectionEvent
    ? Omit<Event, 'rootId'>
    : never
  : never;

/**
 * As `system.inspect` does, without the copy that it makes of each event: with a thousand streams that is half of what it
 * costs to be looked at. Answers with how to leave.
 */
function inspect(system: AnyActorRef['system'], look: (event: Inspected) => void): () => void {
  const teller = system as unknown as { _sendInspectionEvent: (event: Inspected) => void };
  const tell = teller._sendInspectionEvent;
  teller._sendInspectionEvent = (event) => {
    tell(event);
    look(event);
  };
  return () => {
    teller._sendInspectionEvent = tell;
  };
}

function isStarted(ref: AnyActorRef): boolean {
  return (ref as { readonly _processingStatus?: number })._processingStatus !== 0;
}
