/**
 * Which environments this user can mean: the one he names, else those that his token is for, as its registry says.
 */
import { askEnvironments, type TokenFacts } from '../registry/environments-call.js';
import { CliError } from './cli-error.js';
import {
  type AddressOptions,
  findAddressOrRegistry,
  type HarnessAddress,
  isRegistryUrl,
  type RegistryOfUser,
} from './harness-address.js';
import { unreached } from './reach.js';

/** How long a registry may take; milliseconds. */
const ANSWER_MS = 10_000;

/** Throws {@link CliError}. */
export async function askRegistry({ remote, token }: RegistryOfUser): Promise<TokenFacts> {
  if (token === undefined)
    throw new CliError('a registry tells nobody without a token: give --token-file, or set SIGNALBOX_TOKEN', {
      exitCode: 2,
    });
  try {
    const nobodyStopsIt = new AbortController().signal;
    return await askEnvironments({ remote, bearerToken: token, answerMs: ANSWER_MS }, nobodyStopsIt);
  } catch (error) {
    throw unreached(error);
  }
}

/** As `findAddress`, and without `--env` one address for each environment of the token. Throws {@link CliError}. */
export async function findAddresses(options: AddressOptions): Promise<readonly HarnessAddress[]> {
  const address = await findAddressOrRegistry(options);
  if (address.environmentId !== undefined || !isRegistryUrl(address.url)) return [address];
  const { environments } = await askRegistry({ remote: address.url, token: address.token });
  return environments.map(({ id }) => ({ ...address, environmentId: id }));
}

/** An address as it may be shown: a URL can carry a token. */
export function shownAddress(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
}
