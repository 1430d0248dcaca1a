/**
 * The one call of the client library: an address in, a session out.
 */
import { defaultStreamTiming } from '../../machines/stream-types.js';
import type { Logger } from '../observe/log.js';
import type { Observation } from '../observe/observation.js';
import { type AddressOptions, wayTo } from './address.js';
import { type Harness, openHarness } from './harness.js';
import { openPlainTransport } from './plain-transport.js';
import { openRelayTransport } from './relay-transport.js';

export interface ConnectOptions extends AddressOptions {
  /** Shown in the executor's log. */
  readonly clientName?: string;
  /** How long the executor may take to answer; milliseconds. */
  readonly initializeMs?: number;
  /** How long a lost connection through a rendezvous may take to be had again before the session is lost; milliseconds. */
  readonly graceMs?: number;
  /** How long a session whose connection is lost for good is tried to be had again; 0: not at all; milliseconds. */
  readonly recoverMs?: number;
  /** Takes over a session that nobody is attached to, in place of beginning one (docs/extensions.md). */
  readonly resumeSessionId?: string;
  /** Gives up connecting, or closes the session. */
  readonly signal?: AbortSignal;
  readonly log?: Logger;
  /** Where what a connection through a rendezvous does can be observed. */
  readonly observation?: Observation;
}

/**
 * Connects and initializes.
 *
 * ```ts
 * const harness = await connect({ url: 'https://relay.example', environmentId: 'box1', token });
 * const child = await harness.startProcess({ argv: ['uname', '-a'] });
 * for await (const chunk of child.stdout) process.stdout.write(chunk);
 * await harness.close();
 * ```
 */
export async function connect(options: ConnectOptions): Promise<Harness> {
  const { initializeMs, graceMs, recoverMs, resumeSessionId, signal, log, observation } = options;
  const way = wayTo(options);
  const relay = {
    ...(log === undefined ? {} : { log }),
    ...(observation === undefined ? {} : { observation }),
    ...(graceMs === undefined ? {} : { streamTiming: { ...defaultStreamTiming, graceMs } }),
  };
  const road = way.kind === 'relay' ? way.road() : undefined;
  const leave = () => way.kind === 'relay' && way.close();
  try {
    const harness = await openHarness({
      clientName: options.clientName ?? 'signalbox',
      ...(initializeMs === undefined ? {} : { initializeMs }),
      ...(recoverMs === undefined ? {} : { recoverMs }),
      ...(resumeSessionId === undefined ? {} : { resumeSessionId }),
      ...(signal === undefined ? {} : { signal }),
      open: (listener, opening) =>
        way.kind === 'plain'
          ? openPlainTransport(way.address, listener, opening)
          : openRelayTransport(road ?? way.road(), listener, opening, relay),
    });
    void harness.over.then(leave);
    return harness;
  } catch (error) {
    leave();
    throw error;
  }
}
