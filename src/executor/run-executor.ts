/**
 * The whole executor daemon as one call, without a command line: registers, holds one rendezvous socket, serves a
 * JSON-RPC session per stream, and ends in good order when it is told to.
 */
import type { Clock } from '../../machines/clock.js';
import { type ConnectionTiming, defaultConnectionTiming } from '../../machines/connection-types.js';
import { connectionActorId } from '../../machines/executor.machine.js';
import { defaultStreamTiming, type StreamTiming } from '../../machines/stream-types.js';
import { defaultLimits, type Limits } from '../../proto/limits.js';
import { type ConnectionActor, RelayEndpoint } from '../carrier/relay-endpoint.js';
import { RelaySocket } from '../carrier/relay-socket.js';
import { type Logger, silentLog } from '../observe/log.js';
import { realClock } from '../observe/real-clock.js';
import { createExecutor, type Executor, type ExecutorOptions } from './executor.js';
import { type Registration, register } from './registration.js';

export interface RunExecutorOptions extends ExecutorOptions, Registration {
  /** Ends the daemon in good order: streams reset, children killed. */
  readonly signal?: AbortSignal;
  readonly timing?: ConnectionTiming;
  readonly streamTiming?: StreamTiming;
  /** Called each time the executor is registered and its socket is open. */
  readonly onOnline?: () => void;
}

/**
 * Runs until `signal` aborts, then resolves within 2 s. Rejects with LocateError when the registry refuses the
 * credential (401, 403); any other failure is tried again, for ever.
 */
export async function runExecutor(options: RunExecutorOptions): Promise<void> {
  const executor = createExecutor(options);
  const relay = serveRelay(executor, options);
  const stop = () => void relay.drain();
  options.signal?.addEventListener('abort', stop, { once: true });
  if (options.signal?.aborted) stop();
  try {
    const end = await relay.over;
    if (end.kind === 'refused') throw end.error;
  } finally {
    options.signal?.removeEventListener('abort', stop);
    await executor.drain();
  }
}

/** Serves the sessions of an executor to every stream of one rendezvous socket. */
function serveRelay(executor: Executor, options: RunExecutorOptions): RelayEndpoint {
  const clock: Clock = options.clock ?? realClock;
  const log: Logger = options.log ?? silentLog;
  const limits: Limits = options.limits ?? defaultLimits;
  const timing = options.timing ?? defaultConnectionTiming;
  return new RelayEndpoint({
    role: 'executor',
    retry: 'always',
    clock,
    log,
    limits,
    timing,
    streamTiming: options.streamTiming ?? defaultStreamTiming,
    random: Math.random,
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
