/**
 * What a connection is given, remembers, is told and says.
 */
import type { DoneActorEvent, ErrorActorEvent } from 'xstate';
import type { Frame } from '../proto/frame.js';
import type { Limits } from '../proto/limits.js';
import { SignalboxError } from '../proto/signalbox-error.js';
import type { Clock } from './clock.js';
import type { BackoffTiming } from './protocol/backoff.js';
import type { RetiredStreams } from './protocol/retired-streams.js';
import type { RoundTripMeter } from './protocol/round-trip.js';
import type { SilenceTiming, Traffic } from './protocol/traffic.js';
import type { InitiatorPort, RelayRole, ResponderPort, StreamEnd, StreamPort, StreamTiming } from './stream-types.js';

/** Where the socket is to be opened, as registration (or the user) said. */
export interface Location {
  readonly url: string;
  /** Asking again gives another URL, so one that is refused is asked for again, by whichever end. */
  readonly isRenewable?: boolean;
}

/** Which streams are encrypted. `either` is for an executor that trusts its rendezvous: what its peers begin with. */
export type Encryption = 'never' | 'always' | 'either';

/**
 * The address of the socket could not be had. `final` says that trying again cannot help (401, 403): the program ends
 * and the message tells the user what to do.
 */
export class LocateError extends SignalboxError {
  readonly final: boolean;
  /** The registry asked for at least this much patience. */
  readonly retryAfterMs: number;

  constructor(code: string, message: string, options: { final: boolean; retryAfterMs?: number; cause?: unknown }) {
    super(code, message, { scope: 'connection', initiator: 'peer', cause: options.cause });
    this.final = options.final;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

/** The socket could not be opened, or was lost. */
export class ConnectionLostError extends SignalboxError {
  constructor(code: 'socket_lost' | 'socket_closed' | 'upgrade_refused' | 'locate_failed', message: string) {
    super(code, message, { scope: 'connection', initiator: 'peer' });
  }
}

/** The socket of a connection, while there is one. */
export interface AttachedSocket {
  ping(): void;
  /** Closes once everything handed over has left; `socket.closed` follows. */
  close(): void;
  /** Lets go of it at once, whatever state it is in; nothing is reported any more. */
  release(): void;
}

/** The world outside, as a connection needs it. */
export interface ConnectionPort {
  /** Asks where to connect. Rejects with {@link LocateError} where it knows more than "try again". */
  locate(signal: AbortSignal): Promise<Location>;
  /** Opens a socket and reports what happens to it. Throws only for an unusable URL. */
  openSocket(url: string, report: (event: SocketEvent) => void): AttachedSocket;
  /** Effects of the stream that is about to be spawned. */
  streamPort(streamId: string): StreamPort;
  /** How that stream shakes hands, if it is to be encrypted; asked right after its port, by a harness */
  initiator(streamId: string): InitiatorPort;
  /** or by an executor to whom this message 1 came. */
  responder(streamId: string, greeting: Uint8Array): ResponderPort;
  /**
   * The stream is over and forgotten by the connection. Called at most once a stream; a connection that ends takes the
   * streams it still has with it without a word, so its owner ends those.
   */
  streamEnded(end: StreamEnd): void;
  /** A frame was refused before any stream existed, or its stream crashed: send reset. */
  refuse(frame: Pick<Frame, 'streamId' | 'reliability'>, reason: string): void;
  /** Calls back each time this machine, or this process, has slept. Answers with how to stop that. */
  watchSleep(woke: () => void): () => void;
}

export interface ConnectionTiming extends BackoffTiming, SilenceTiming {
  /** The waits while streams wait to be resumed, which they do not do for long. */
  readonly resumeFirstMs: number;
  readonly resumeLongestMs: number;
  /** From opening the socket to the end of the upgrade. */
  readonly connectMs: number;
  /** Between two pings while nothing is owed. */
  readonly pingMs: number;
  /** How long the pong may take after a sleep: most sockets do not survive one, and a living one answers at once. */
  readonly wakePongMs: number;
  /** A connection that lived this long, or twice as long as was waited for it, has proved itself: waits start small again. */
  readonly provingMs: number;
  /** How long draining waits for the last frames to leave. */
  readonly drainMs: number;
}

export const defaultConnectionTiming: ConnectionTiming = {
  firstMs: 1000,
  longestMs: 30_000,
  resumeFirstMs: 100,
  resumeLongestMs: 1000,
  connectMs: 10_000,
  pingMs: 15_000,
  pongMs: 10_000,
  alertMs: 3000,
  alertPongMs: 5000,
  wakePongMs: 3000,
  provingMs: 10_000,
  drainMs: 1000,
};

/**
 * `always` for a daemon; `never` for a program that rather fails than waits; `resume` for one that waits only as long as
 * it has a stream that can be resumed.
 */
export type RetryPolicy = 'always' | 'never' | 'resume';

export interface ConnectionInput {
  readonly role: RelayRole;
  readonly retry: RetryPolicy;
  readonly encryption: Encryption;
  readonly port: ConnectionPort;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly timing: ConnectionTiming;
  readonly streamTiming: StreamTiming;
  readonly random: () => number;
  /** Of its newest carrier. */
  readonly traffic: Traffic;
}

export interface ConnectionContext extends ConnectionInput {
  readonly meter: RoundTripMeter;
  /** Undefined when the next try has to ask for the address again. */
  readonly location: Location | undefined;
  /** A socket was open there once. */
  readonly locationWorked: boolean;
  /** Tries and short-lived connections since the last one that proved itself. */
  readonly failures: number;
  /** Wait before the next try, decided when the last one failed. */
  readonly waitMs: number;
  /** Ids of the stream actors alive. */
  readonly streams: readonly string[];
  readonly retired: RetiredStreams;
  readonly lastFailure: Error | undefined;
}

/** How a connection ended for good. */
export type ConnectionEnd =
  | { readonly kind: 'closed' }
  /** `error` says why another try is not made. */
  | { readonly kind: 'refused'; readonly error: Error };

/** What happens to the socket. */
export type SocketEvent =
  | { readonly type: 'socket.opened' }
  /** The upgrade was answered with an HTTP status. */
  | { readonly type: 'socket.refused'; readonly status: number; readonly message: string }
  | { readonly type: 'socket.closed'; readonly code: number; readonly reason: string }
  | { readonly type: 'socket.ponged' };

export type ConnectionEvent =
  | SocketEvent
  /** This end opens a stream (harness). */
  | { readonly type: 'stream.open'; readonly streamId: string }
  /** A frame of a stream that no actor serves. */
  | { readonly type: 'stream.arrived'; readonly frame: Frame }
  /** Something was sent, and nothing was owed before; only while `Traffic.watched` is false. */
  | { readonly type: 'answer.owed' }
  /** This machine, or this process, has slept: no socket can be trusted. */
  | { readonly type: 'machine.woke' }
  /** End in good order: streams are reset, their last frames leave, the socket is closed. */
  | { readonly type: 'drain' }
  | DoneActorEvent<unknown>
  | ErrorActorEvent<unknown>;

/** What the connection tells the actor that owns its socket. */
export type CarrierCommand = { readonly type: 'ping' } | { readonly type: 'close' };

export interface CarrierInput {
  readonly port: ConnectionPort;
  readonly url: string;
}
