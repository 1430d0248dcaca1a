/**
 * The relay as a harness uses it: a socket of its own, with one stream on it (relay.md §1).
 */
import { randomUUID } from 'node:crypto';
import { createActor } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import { connectionMachine } from '../../machines/connection.machine.js';
import { type ConnectionTiming, defaultConnectionTiming } from '../../machines/connection-types.js';
import { HarnessError } from '../../machines/harness.machine.js';
import { defaultStreamTiming, type StreamTiming } from '../../machines/stream-types.js';
import { defaultLimits, type Limits } from '../../proto/limits.js';
import { RelayEndpoint } from '../carrier/relay-endpoint.js';
import { RelaySocket } from '../carrier/relay-socket.js';
import { watchSleep } from '../carrier/sleep-watch.js';
import { type Logger, silentLog } from '../observe/log.js';
import type { Observation } from '../observe/observation.js';
import { realClock } from '../observe/real-clock.js';
import type { HarnessAddress, HarnessTransport, HarnessTransportListener } from './harness-transport.js';
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

/** Its sessions end with it, so there is nothing to recover. */
const EXECUTOR_ENDED = 'executor_draining';

/** A URL with `role=harness` in its query leads to a rendezvous (relay.md §1); any other is a plain executor. */
export function isRelayUrl(url: string): boolean {
  return new URL(url).searchParams.getAll('role').includes('harness');
}

export async function openRelayTransport(
  address: HarnessAddress,
  listener: HarnessTransportListener,
  signal: AbortSignal,
  options: RelayTransportOptions = {},
): Promise<HarnessTransport> {
  const clock = options.clock ?? realClock;
  const limits = options.limits ?? defaultLimits;
  const timing = options.timing ?? defaultConnectionTiming;
  const { observation, streamTiming = defaultStreamTiming } = options;
  const observed = observation?.addEndpoint({ role: 'harness', limits, timing, streamTiming }, Math.random);
  let closing = false;
  const endpoint = new RelayEndpoint({
    role: 'harness',
    retry: 'resume',
    clock,
    log: options.log ?? silentLog,
    limits,
    timing,
    streamTiming,
    random: Math.random,
    ...observed,
    locate: () => Promise.resolve({ url: address.url }),
    openCarrier: (url, carrierListener) => {
      const headers = address.token === undefined ? {} : { headers: { authorization: `Bearer ${address.token}` } };
      const { websocketMessageBytes: longestMessage } = limits;
      return new RelaySocket({ url, ...headers, longestMessage, connectMs: timing.connectMs }, carrierListener);
    },
    watchSleep,
    accept: () => {
      throw new Error('a harness accepts no streams');
    },
    start: (input) => {
      const connection = createActor(connectionMachine, { input, clock }).start();
      observation?.addRoot(connection);
      return connection;
    },
  });
  const abort = () => void endpoint.drain();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await endpoint.online();
  } catch (cause) {
    throw new HarnessError('unreachable', cause instanceof Error ? cause.message : String(cause), { cause });
  } finally {
    signal.removeEventListener('abort', abort);
  }
  let streamOver: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    streamOver = resolve;
  });
  const channel = endpoint.open(randomUUID(), () => ({
    receive: (messages) => listener.receive(messages),
    ended: (end) => {
      streamOver();
      if (closing) return;
      const cause = end.reason === 'resume_expired' ? endpoint.lastFailure : undefined;
      const why = describeEnd(end) + (cause === undefined ? '' : `: ${cause.message}`);
      listener.ended(why, end.reason === EXECUTOR_ENDED);
      void endpoint.drain();
    },
  }));
  return {
    rpc: channel,
    setReading: (reading) => channel.setReading(reading),
    close: async () => {
      closing = true;
      channel.close();
      await over;
      await endpoint.drain();
    },
  };
}
