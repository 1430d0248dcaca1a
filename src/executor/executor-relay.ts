/**
 * The executor's way out: registered with a registry, one rendezvous socket, a JSON-RPC session per stream on it.
 */
import {
  type ConnectionTiming,
  defaultConnectionTiming,
  type Encryption,
  type Location,
} from '../../machines/connection-types.js';
import { connectionActorId } from '../../machines/executor.machine.js';
import { defaultStreamTiming, type StreamTiming } from '../../machines/stream-types.js';
import { defaultLimits } from '../../proto/limits.js';
import { type ConnectionActor, RelayEndpoint } from '../carrier/relay-endpoint.js';
import { RelaySocket } from '../carrier/relay-socket.js';
import { watchSleep } from '../carrier/sleep-watch.js';
import { silentLog } from '../observe/log.js';
import { realClock } from '../observe/real-clock.js';
import type { RegistryAddress } from '../registry/registry-call.js';
import type { Executor, ExecutorOptions } from './executor.js';
import { ExecutorEncryption } from './executor-encryption.js';
import { type Registration, register } from './registration.js';

/**
 * `noise`: every stream is encrypted end to end. `cleartext`: none is, for peers that know nothing else. `either`: what
 * a harness begins with, which leaves the choice to whoever runs the rendezvous; only where that is oneself.
 */
export type RelayKind = 'noise' | 'cleartext' | 'either';

const ENCRYPTION: Readonly<Record<RelayKind, Encryption>> = { noise: 'always', cleartext: 'never', either: 'either' };

/** Longest WebSocket message where everything is encrypted: what releases accept (relay.md §3.2). */
const ENCRYPTED_MESSAGE_BYTES = 256 * 1024;

export interface ExecutorRelayOptions
  extends RegistryAddress,
    Pick<ExecutorOptions, 'clock' | 'log' | 'limits' | 'observation'> {
  /** Default: `noise`. */
  readonly relay?: RelayKind;
  readonly timing?: ConnectionTiming;
  readonly streamTiming?: StreamTiming;
  /** Called each time the executor is registered and its socket is open. */
  readonly onOnline?: () => void;
}

/** Serves the sessions of an executor to every stream of one rendezvous socket. */
export function serveRelay(executor: Executor, options: ExecutorRelayOptions): RelayEndpoint {
  const { observation, log = silentLog, limits = defaultLimits, timing = defaultConnectionTiming } = options;
  const { clock = observation?.clock ?? realClock, streamTiming = defaultStreamTiming } = options;
  const { relay = 'noise' } = options;
  const policy = { role: 'executor', retry: 'always', encryption: ENCRYPTION[relay] } as const;
  const observed = observation?.addEndpoint({ ...policy, limits, timing, streamTiming }, Math.random);
  const { messageBytes } = limits;
  const encryption = relay === 'cleartext' ? undefined : new ExecutorEncryption(options, { log, messageBytes });
  const longestMessage =
    relay === 'noise' ? Math.min(ENCRYPTED_MESSAGE_BYTES, limits.websocketMessageBytes) : limits.websocketMessageBytes;
  const endpoint = new RelayEndpoint({
    ...policy,
    clock,
    log,
    limits,
    timing,
    streamTiming,
    random: Math.random,
    ...observed,
    ...(encryption === undefined ? {} : { responder: encryption.responder }),
    locate: async (signal) =>
      locationOf(await (encryption === undefined ? register(options, signal) : encryption.register(signal))),
    openCarrier: (url, listener) => {
      const opened = () => {
        log.info({ environmentId: options.environmentId, rendezvous: new URL(url).host }, 'online');
        listener.opened();
        options.onOnline?.();
      };
      const { connectMs } = timing;
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
  void endpoint.over.then(() => encryption?.close());
  return endpoint;
}

function locationOf({ url }: Registration): Location {
  return { url, isRenewable: true };
}
