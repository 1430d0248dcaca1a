/**
 * The relay as a harness uses it: a socket of its own, with one stream on it (relay.md §1), encrypted or not.
 */
import { randomUUID } from 'node:crypto';
import { createActor } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import { connectionMachine } from '../../machines/connection.machine.js';
import { type ConnectionTiming, defaultConnectionTiming, LocateError } from '../../machines/connection-types.js';
import { HarnessError } from '../../machines/harness.machine.js';
import { defaultStreamTiming, type StreamEnd, type StreamTiming } from '../../machines/stream-types.js';
import { defaultLimits, type Limits } from '../../proto/limits.js';
import { RelayEndpoint } from '../carrier/relay-endpoint.js';
import { RelaySocket } from '../carrier/relay-socket.js';
import { watchSleep } from '../carrier/sleep-watch.js';
import { NoiseError } from '../noise/noise-error.js';
import { type Logger, silentLog } from '../observe/log.js';
import type { Observation } from '../observe/observation.js';
import { realClock } from '../observe/real-clock.js';
import type { HarnessTransport, HarnessTransportListener } from './harness-transport.js';
import type { RelayRoad } from './relay-road.js';
import { describeEnd } from './reset-reason.js';

export interface RelayTransportOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly limits?: Limits;
  readonly timing?: ConnectionTiming;
  readonly streamTiming?: StreamTiming;
  /** Where what it does can be observed. */
  readonly observation?: Observation;
}

/** There is nothing to recover: the executor's sessions end with it, and without its token nobody comes back to one. */
const FINAL_REASONS: readonly string[] = ['executor_draining', 'token_revoked'];

/** The executor's registry does not answer it. */
const AUTHORISATION_TIMEOUT = 'authorisation_timeout';

/** A handshake may be reset because a registration was replaced just then, or by anybody on the way (relay.md §14.3). */
const MOST_HANDSHAKES = 3;

export async function openRelayTransport(
  road: RelayRoad,
  listener: HarnessTransportListener,
  signal: AbortSignal,
  options: RelayTransportOptions = {},
): Promise<HarnessTransport> {
  for (let handshakes = 1; ; handshakes += 1) {
    try {
      return await new RelayTransport(road, listener, options).open(signal);
    } catch (error) {
      const mayTryAgain = error instanceof HandshakeResetError && handshakes < MOST_HANDSHAKES && !signal.aborted;
      if (!mayTryAgain) throw error;
    }
  }
}

/** Somebody ended the stream before it was one; nothing has run, and another permission may help. */
class HandshakeResetError extends HarnessError {}

class RelayTransport {
  readonly #road: RelayRoad;
  readonly #listener: HarnessTransportListener;
  readonly #endpoint: RelayEndpoint;
  #closing = false;

  constructor(road: RelayRoad, listener: HarnessTransportListener, options: RelayTransportOptions) {
    const { observation, limits = defaultLimits, timing = defaultConnectionTiming } = options;
    const { clock = observation?.clock ?? realClock, streamTiming = defaultStreamTiming } = options;
    const { encryption, initiator, headers } = road;
    const policy = { role: 'harness', retry: 'resume', encryption } as const;
    const observed = observation?.addEndpoint({ ...policy, limits, timing, streamTiming }, Math.random);
    this.#road = road;
    this.#listener = listener;
    this.#endpoint = new RelayEndpoint({
      ...policy,
      ...(initiator === undefined ? {} : { initiator }),
      clock,
      log: options.log ?? silentLog,
      limits,
      timing,
      streamTiming,
      random: Math.random,
      ...observed,
      locate: (signal) => road.locate(signal),
      openCarrier: (url, carrierListener) => {
        const { websocketMessageBytes: longestMessage } = limits;
        return new RelaySocket({ url, headers, longestMessage, connectMs: timing.connectMs }, carrierListener);
      },
      watchSleep,
      accept: () => {
        throw new Error('a harness accepts no streams');
      },
      start: (input) => {
        const connection = createActor(connectionMachine, { input, clock });
        observation?.addRoot(connection);
        return connection.start();
      },
    });
  }

  async open(signal: AbortSignal): Promise<HarnessTransport> {
    const endpoint = this.#endpoint;
    const abort = () => void endpoint.drain();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await endpoint.online();
      return await this.#openStream();
    } catch (cause) {
      await endpoint.drain();
      if (cause instanceof HarnessError) throw cause;
      const code = cause instanceof LocateError && cause.final ? 'refused' : 'unreachable';
      throw new HarnessError(code, cause instanceof Error ? cause.message : String(cause), { cause });
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Resolves once messages may be sent on it. */
  #openStream(): Promise<HarnessTransport> {
    const endpoint = this.#endpoint;
    const { encryption } = this.#road;
    return new Promise((resolve, reject) => {
      let isOpen = encryption === 'never';
      let streamOver: () => void = () => {};
      const over = new Promise<void>((end) => {
        streamOver = end;
      });
      const channel = endpoint.open(randomUUID(), () => ({
        receive: (messages) => this.#listener.receive(messages),
        opened: () => {
          isOpen = true;
          resolve(transport());
        },
        ended: (end) => {
          streamOver();
          if (isOpen) this.#ended(end);
          else reject(this.#handshakeError(end));
        },
      }));
      const transport = (): HarnessTransport => ({
        rpc: channel,
        get facts() {
          return {
            relayed: true,
            encrypted: encryption === 'always',
            reliable: endpoint.profileOf(channel.streamId) === 'reliable',
          };
        },
        setReading: (reading) => channel.setReading(reading),
        close: async () => {
          this.#closing = true;
          channel.close();
          await over;
          await endpoint.drain();
        },
      });
      if (isOpen) resolve(transport());
    });
  }

  #ended(end: StreamEnd): void {
    if (this.#closing) return;
    const cause = end.reason === 'resume_expired' ? this.#endpoint.lastFailure : undefined;
    const why = describeEnd(end) + (cause === undefined ? '' : `: ${cause.message}`);
    this.#listener.ended(why, FINAL_REASONS.includes(end.reason));
    void this.#endpoint.drain();
  }

  #handshakeError(end: StreamEnd): HarnessError {
    const cause = this.#road.initiator?.failure;
    if (end.initiator === 'peer') {
      // Whoever was silent for so long is not asked twice more.
      const AnyError = end.reason === AUTHORISATION_TIMEOUT ? HarnessError : HandshakeResetError;
      return new AnyError('unreachable', describeEnd(end));
    }
    if (cause instanceof NoiseError && cause.code === 'noise_credential_rejected') {
      return new HarnessError('refused', cause.message, { cause });
    }
    const why = cause === undefined ? describeEnd(end) : `the encrypted handshake failed: ${cause.message}`;
    return new HarnessError('unreachable', why, { cause });
  }
}
