/**
 * What can be observed of a running program, as records: one JSON object each, the same on the inspector's page, in a
 * recording and for any other reader (docs/observing.md). Types only; nothing here looks at anything.
 */

/** Raised when a reader of older records could misread newer ones; fields may be added without. */
export const RECORD_VERSION = 1;

/** Numbers, words from a fixed set, and sizes: never a payload, a path, a command or a secret. Names are dotted. */
export type Facts = Readonly<Record<string, number | string | boolean>>;

/** How an actor is: as XState has it. */
export type ActorStatus = 'active' | 'done' | 'error' | 'stopped';

/** Why a frame was sent again (machines/protocol/send-window.ts). */
export type ResendCause = 'passed' | 'late' | 'probe' | 'resumed';

interface Timed {
  /** Milliseconds of the program's monotonic clock. */
  readonly at: number;
}

/** The first record. */
export interface StartedRecord extends Timed {
  readonly type: 'observing.started';
  readonly version: typeof RECORD_VERSION;
  /** `signalbox 0.1.0`. */
  readonly program: string;
  /** What the wall clock said at `at`; milliseconds since 1970. */
  readonly wallTime: number;
  /** Whether frames carry their payload. */
  readonly payloads: boolean;
  /** Of the program's chance, where it has one. */
  readonly seed?: number;
  /** It is told from a recording. */
  readonly recorded?: true;
}

/** One end of a relay connection, with the numbers its charts were started with. */
export interface EndpointRecord extends Timed {
  readonly type: 'endpoint.opened';
  readonly endpoint: number;
  readonly role: 'harness' | 'executor';
  /** When a lost connection is tried again, and which streams are encrypted (machines/connection-types.ts). */
  readonly retry: 'always' | 'never' | 'resume';
  readonly encryption: 'never' | 'always' | 'either';
  readonly limits: Facts;
  readonly timing: Facts;
  readonly streamTiming: Facts;
}

export interface ActorAppearedRecord extends Timed {
  readonly type: 'actor.appeared';
  /** Unique in the process for as long as it lives: `x:7`. */
  readonly actor: string;
  /** What its parent calls it: `stream:ID`. */
  readonly id: string;
  readonly parent?: string;
  /** Of the machine (`stream`); absent for a promise or a callback. */
  readonly chart?: string;
  readonly status: ActorStatus;
  /** Ids of the active states that have no child states. */
  readonly states: readonly string[];
  readonly facts: Facts;
  /** It was there before anybody looked. */
  readonly primed?: true;
}

/** An event reached an actor. Without `source` it came from outside the actor system: an input. */
export interface ActorReceivedRecord extends Timed {
  readonly type: 'actor.received';
  readonly actor: string;
  readonly source?: string;
  readonly event: string;
  readonly facts: Facts;
}

/** An actor has come to rest after an event. */
export interface ActorChangedRecord extends Timed {
  readonly type: 'actor.changed';
  readonly actor: string;
  readonly event: string;
  readonly states: readonly string[];
  /** Transitions taken, in order: `SOURCE STATE|EVENT TYPE|INDEX`, as in the charts. */
  readonly edges: readonly string[];
  readonly facts: Facts;
}

/** The state of an actor whose single steps were left out. */
export interface ActorSampledRecord extends Timed {
  readonly type: 'actor.sampled';
  readonly actor: string;
  readonly states: readonly string[];
}

export interface ActorEndedRecord extends Timed {
  readonly type: 'actor.ended';
  readonly actor: string;
  readonly status: Exclude<ActorStatus, 'active'>;
  readonly states: readonly string[];
  readonly error?: ErrorFacts;
}

export interface ErrorFacts {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
}

/** A relay frame, as its stream sent or received it. */
export interface FrameRecord extends Timed {
  readonly type: 'frame';
  readonly endpoint: number;
  readonly stream: string;
  readonly dir: 'in' | 'out';
  readonly kind: 'data' | 'ack' | 'resume' | 'reset' | 'heartbeat' | 'handshake';
  /** Whether its sender speaks the reliable profile. */
  readonly reliable: boolean;
  readonly ack: number;
  readonly ackBits: number;
  /** Segments beyond `ack` that its sender takes; absent = it does not say. */
  readonly window?: number;
  /** Data: number of the segment, its place in its message, segments of that message. */
  readonly seq?: number;
  readonly index?: number;
  readonly count?: number;
  /** Of the payload, of data and handshake. */
  readonly bytes?: number;
  /** Resume: the seq its sender uses next. */
  readonly nextSeq?: number;
  /** Reset: the machine-readable reason; free text of a peer is counted, not shown. */
  readonly reason?: string;
  /** Sent again, and why. */
  readonly cause?: ResendCause;
  /** Base64, only where payloads were asked for. */
  readonly payload?: string;
}

/** A frame that must not be acted upon. */
export interface FrameRejectedRecord extends Timed {
  readonly type: 'frame.rejected';
  readonly endpoint: number;
  readonly stream?: string;
  readonly code: string;
}

/** A draw of chance by the charts of an endpoint, from 0 to 1: an input as any other. */
export interface ChanceRecord extends Timed {
  readonly type: 'chance.drawn';
  readonly endpoint: number;
  readonly value: number;
}

/** Records that are not here. */
export interface DroppedRecord extends Timed {
  readonly type: 'records.dropped';
  readonly count: number;
  /** `load`: steps of actors that nobody looks at; `slow`: the reader did not keep up. */
  readonly why: 'load' | 'slow';
}

/** A rendezvous: a socket of an end came or went. `socket` counts from 1. */
export interface SocketRecord extends Timed {
  readonly type: 'socket.attached' | 'socket.detached';
  readonly socket: number;
  readonly role: 'harness' | 'executor';
  /** Detached: the close code. */
  readonly code?: number;
}

/** A rendezvous: what became of a frame, of which it reads the head only. */
export interface RoutedRecord extends Timed {
  readonly type: 'frame.routed';
  readonly stream: string;
  readonly from: 'harness' | 'executor';
  readonly kind: string;
  readonly reliable: boolean;
  /** Of the whole message. */
  readonly bytes: number;
  /** Handed to the other end; given up, because there is none now; or answered with a reset. */
  readonly fate: 'passed' | 'dropped' | 'answered';
}

export type ObservationRecord =
  | StartedRecord
  | EndpointRecord
  | ActorAppearedRecord
  | ActorReceivedRecord
  | ActorChangedRecord
  | ActorSampledRecord
  | ActorEndedRecord
  | FrameRecord
  | FrameRejectedRecord
  | ChanceRecord
  | DroppedRecord
  | SocketRecord
  | RoutedRecord;
