/**
 * The executor's way out: registered with a registry, one rendezvous socket, a JSON-RPC session per stream on it.
 */
import { type ConnectionTiming, defaultConnectionTiming } from '../../machines/connection-types.js';
import { connectionActorId } from '../../machines/executor.machine.js';
import { defaultStreamTiming, type StreamTiming } from '../../machines/stream-types.js';
import { defaultLimits } from '../../proto/limits.js';
import { type ConnectionActor, RelayEndpoint } from '../carrier/relay-endpoint.js';
import { RelaySocket } from '../carrier/relay-socket.js';
import { watchSleep } from '../carrier/sleep-watch.js';
import { silentLog } from '../observe/log.js';
import { realClock } from '../observe/real-clock.js';
import type { Executor, ExecutorOptions } from './executor.js';
import { type Registration, register } from './registration.js';

export interface ExecutorRelayOptions
  extends Registration,
    Pick<ExecutorOptions, 'clock' | 'log' | 'limits' | 'observation'> {
  readonly timing?: ConnectionTiming;
  readonly streamTiming?: StreamTiming;
  /** Called each time the executor is registered and its socket is open. */
  readonly onOnline?: () => void;
}

/** Serves the sessions of an executor to every stream of one rendezvous socket. */
export function serveRelay(executor: Executor, options: ExecutorRelayOptions): RelayEndpoint {
  const { clock = realClock, log = silentLog, limits = defaultLimits, timing = defaultConnectionTiming } = options;
  const { streamTiming = defaultStreamTiming } = options;
  const facts = { role: 'executor', limits, timing, streamTiming } as const;
  const observed = options.observation?.addEndpoint(facts, Math.random);
  return new RelayEndpoint({
    role: 'executor',
    retry: 'always',
    clock,
    log,
    limits,
    timing,
    streamTiming,
    random: Math.random,
    ...observed,
    locate: (signal) => register(options, signal),
    openCarrier: (url, listener) => {
      const opened = () => {
        log.info({ environmentId: options.environmentId, rendezvous: new URL(url).host }, 'online');
        listener.opened();
        options.onOnline?.();
      };
      const { connectMs } = timing;
      const { websocketMessageBytes: longestMessage } = limits;
      return new RelaySocket({ url, longestMessage, connectMs }, { ...listener, opened });
    },
    watchSleep,
    accept: (channel) => {
      const connection = executor.server.accept(channel);
      return {
        receive: (messages) => connection.receive(messages),
        ended: (end) => connection.closed(end.reason),
      };
    },
    start: (input) => {
      executor.actor.send({ type: 'connection.open', connectionId: options.environmentId, input });
      return executor.actor.getSnapshot().children[connectionActorId(options.environmentId)] as ConnectionActor;
    },
  });
}
