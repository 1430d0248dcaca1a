/**
 * The two ways to an executor through a rendezvous: in the clear at a URL that is known, or encrypted, with everything
 * from the registry. Never from one to the other: whoever asked for encryption gets it or an error.
 */
import type { Encryption, Location } from '../../machines/connection-types.js';
import type { Initiator } from '../noise/stream-encryption.js';
import type { RegistryAddress } from '../registry/registry-call.js';
import { HarnessEncryption } from './harness-encryption.js';
import type { HarnessKeys } from './harness-keys.js';
import type { HarnessAddress } from './harness-transport.js';

/** Leads to one stream at a time. */
export interface RelayRoad {
  readonly encryption: Encryption;
  readonly initiator?: Initiator & { readonly failure: Error | undefined };
  /** For the upgrade of the socket. */
  readonly headers: Readonly<Record<string, string>>;
  locate(signal: AbortSignal): Promise<Location>;
}

export function cleartextRoad({ url, token }: HarnessAddress): RelayRoad {
  return {
    encryption: 'never',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    locate: () => Promise.resolve({ url }),
  };
}

/** The URL that the registry gives is credential enough: the token is the registry's alone, not the rendezvous'. */
export function encryptedRoad(address: RegistryAddress, messageBytes: number, keys: HarnessKeys): RelayRoad {
  const encryption = new HarnessEncryption(address, messageBytes, keys);
  return {
    encryption: 'always',
    initiator: encryption.initiator,
    headers: {},
    locate: (signal) => encryption.locate(signal),
  };
}
