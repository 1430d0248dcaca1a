/**
 * What a relay endpoint is made with, and what its user is told.
 */
import type { Actor } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import type { connectionMachine } from '../../machines/connection.machine.js';
import type {
  ConnectionInput,
  ConnectionTiming,
  Encryption,
  Location,
  RetryPolicy,
} from '../../machines/connection-types.js';
import type { RelayRole, StreamEnd, StreamTiming } from '../../machines/stream-types.js';
import type { Limits } from '../../proto/limits.js';
import type { Initiator, Responder } from '../noise/stream-encryption.js';
import type { EndpointObserver } from '../observe/endpoint-observer.js';
import type { Logger } from '../observe/log.js';
import type { Carrier, CarrierListener } from './carrier.js';
import type { StreamChannel } from './stream-channel.js';

/** What a stream's user is told; one for each channel. */
export interface ChannelListener {
  /** The stream is encrypted, and its handshake is done; harness only. */
  opened?(): void;
  receive(messages: readonly Uint8Array[]): void;
  /** Called once, last. */
  ended(end: StreamEnd): void;
}

export interface RelayEndpointOptions {
  readonly role: RelayRole;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Limits;
  readonly timing: ConnectionTiming;
  readonly streamTiming: StreamTiming;
  readonly random: () => number;
  /** Default: no stream is encrypted. */
  readonly encryption?: Encryption;
  /** Needed where streams of this harness are encrypted, */
  readonly initiator?: Initiator;
  /** and where those of this executor's peers may be. */
  readonly responder?: Responder;
  /** Asks where to connect; rejects with LocateError where it knows more than "try again". */
  locate(signal: AbortSignal): Promise<Location>;
  openCarrier(url: string, listener: CarrierListener): Carrier;
  /** Calls back each time this machine has slept; answers with how to stop that. */
  readonly watchSleep?: (woke: () => void) => () => void;
  /** A peer opened a stream, and if it is encrypted may use it (executor only). */
  accept(channel: StreamChannel): ChannelListener;
  /** Is shown every frame, in and out. */
  readonly observer?: EndpointObserver;
  /** Starts the chart; the executor's root spawns it, a harness makes it a root of its own. */
  start(input: ConnectionInput): ConnectionActor;
}

export type ConnectionActor = Pick<Actor<typeof connectionMachine>, 'send' | 'getSnapshot' | 'subscribe'>;
