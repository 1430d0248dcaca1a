/**
 * What an address leads to: straight to an executor, or through a rendezvous, in the clear or encrypted. It opens
 * nothing.
 */
import { HarnessError } from '../../machines/harness.machine.js';
import { defaultLimits } from '../../proto/limits.js';
import { harnessUrl } from '../rendezvous/socket-url.js';
import { makeHarnessKeys } from './harness-keys.js';
import type { HarnessAddress } from './harness-transport.js';
import { cleartextRoad, encryptedRoad, type RelayRoad } from './relay-road.js';

export interface AddressOptions {
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
}

export type Way =
  | { readonly kind: 'plain'; readonly address: HarnessAddress }
  /** `road` makes one for each stream; all have the same keys, until `close`. */
  | { readonly kind: 'relay'; road(): RelayRoad; close(): void };

/** Throws {@link HarnessError} `unreachable`, of this end, for an address that is none. */
export function wayTo({ url, environmentId, relay, token }: AddressOptions): Way {
  const { protocol } = usableUrl(url);
  if (protocol === 'http:' || protocol === 'https:') {
    if (environmentId === undefined || environmentId.trim() === '') {
      throw unusable('the address of a registry needs an environmentId beside it');
    }
    if (relay === 'cleartext') return inTheClear(addressOf(harnessUrl(url, environmentId), token));
    if (token === undefined) {
      throw unusable('a registry lets nobody in without the token of a harness: set SIGNALBOX_TOKEN, or give one');
    }
    const keys = makeHarnessKeys();
    const registry = { remote: url, environmentId, bearerToken: token };
    return {
      kind: 'relay',
      road: () => encryptedRoad(registry, defaultLimits.messageBytes, keys),
      close: () => keys.wipe(),
    };
  }
  if (environmentId !== undefined || relay === 'noise') {
    throw unusable('environmentId and encryption need the http:// or https:// address of a registry');
  }
  const address = addressOf(url, token);
  return isRelayUrl(url) ? inTheClear(address) : { kind: 'plain', address };
}

/** A URL with `role=harness` in its query leads to a rendezvous (relay.md §1); any other is a plain executor. */
function isRelayUrl(url: string): boolean {
  return new URL(url).searchParams.getAll('role').includes('harness');
}

function inTheClear(address: HarnessAddress): Way {
  return { kind: 'relay', road: () => cleartextRoad(address), close: () => {} };
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
