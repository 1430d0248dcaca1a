/**
 * The one call of the client library: an address in, a session out.
 */
import { HarnessError } from '../../machines/harness.machine.js';
import { defaultStreamTiming } from '../../machines/stream-types.js';
import { defaultLimits } from '../../proto/limits.js';
import type { Logger } from '../observe/log.js';
import type { Observation } from '../observe/observation.js';
import { harnessUrl } from '../rendezvous/socket-url.js';
import { type Harness, type HarnessOptions, openHarness } from './harness.js';
import type { HarnessAddress } from './harness-transport.js';
import { openPlainTransport } from './plain-transport.js';
import { cleartextRoad, encryptedRoad, type RelayRoad } from './relay-road.js';
import { isRelayUrl, openRelayTransport } from './relay-transport.js';

export interface ConnectOptions {
  /**
   * `http://` or `https://`: a registry, through which the executor of `environmentId` is found and spoken to end to
   * end encrypted. `ws://` or `wss://`, in the clear: with `role=harness` in its query through a rendezvous, otherwise
   * straight to an executor.
   */
  readonly url: string;
  /** With the address of a registry: whose executor. */
  readonly environmentId?: string;
  /** With the address of a registry: `cleartext` for executors that know nothing else; nothing falls back to it. */
  readonly relay?: 'noise' | 'cleartext';
  /** Bearer token of a harness; a `ws://` URL may carry its credential itself. */
  readonly token?: string;
  /** Shown in the executor's log. */
  readonly clientName?: string;
  /** How long the executor may take to answer; milliseconds. */
  readonly initializeMs?: number;
  /** How long a lost connection through a rendezvous may take to be had again before the session is lost; milliseconds. */
  readonly graceMs?: number;
  /** How long a session whose connection is lost for good is tried to be had again; 0: not at all; milliseconds. */
  readonly recoverMs?: number;
  /** Gives up connecting, or closes the session. */
  readonly signal?: AbortSignal;
  readonly log?: Logger;
  /** Where what it does over a rendezvous can be observed. */
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
  const { initializeMs, recoverMs, signal } = options;
  const { protocol } = usableUrl(options.url);
  const common = {
    clientName: options.clientName ?? 'signalbox',
    ...(initializeMs === undefined ? {} : { initializeMs }),
    ...(recoverMs === undefined ? {} : { recoverMs }),
    ...(signal === undefined ? {} : { signal }),
  };
  if (protocol === 'http:' || protocol === 'https:') return await openOver(roadFrom(options), common, options);
  if (options.environmentId !== undefined || options.relay === 'noise') {
    throw unusable('environmentId and encryption need the http:// or https:// address of a registry');
  }
  const address = addressOf(options.url, options.token);
  if (isRelayUrl(options.url)) return await openOver(cleartextRoad(address), common, options);
  return await openHarness({
    ...common,
    open: (listener, opening) => openPlainTransport(address, listener, opening),
  });
}

async function openOver(
  road: RelayRoad,
  common: Omit<HarnessOptions, 'open'>,
  { log, graceMs, observation }: ConnectOptions,
): Promise<Harness> {
  const relay = {
    ...(log === undefined ? {} : { log }),
    ...(observation === undefined ? {} : { observation }),
    ...(graceMs === undefined ? {} : { streamTiming: { ...defaultStreamTiming, graceMs } }),
  };
  try {
    const harness = await openHarness({
      ...common,
      open: (listener, opening) => openRelayTransport(road, listener, opening, relay),
    });
    void harness.over.then(() => road.close());
    return harness;
  } catch (error) {
    road.close();
    throw error;
  }
}

function roadFrom({ url, environmentId, token, relay = 'noise' }: ConnectOptions): RelayRoad {
  if (environmentId === undefined || environmentId.trim() === '') {
    throw unusable('the address of a registry needs an environmentId beside it');
  }
  if (relay === 'cleartext') return cleartextRoad(addressOf(harnessUrl(url, environmentId), token));
  if (token === undefined) throw unusable('a registry lets nobody in without a token of a harness');
  return encryptedRoad({ remote: url, environmentId, bearerToken: token }, defaultLimits.messageBytes);
}

function addressOf(url: string, token: string | undefined): HarnessAddress {
  return token === undefined ? { url } : { url, token };
}

function usableUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && /^(ws|http)s?:$/.test(parsed.protocol) && !url.includes('#')) return parsed;
  throw unusable('the address must be an http(s):// URL of a registry or a ws(s):// URL, without #');
}

function unusable(message: string): HarnessError {
  return new HarnessError('unreachable', message, { initiator: 'local' });
}
