/**
 * Which executor a command talks to: what it was told, else the environment, else the `signalbox up` that runs here.
 */
import { type Command, Option } from 'commander';
import type { ConnectOptions } from '../harness/connect.js';
import { CliError } from './cli-error.js';
import { readSecret } from './secret.js';
import { readUpState } from './up-state.js';

export interface AddressOptions {
  readonly url?: string;
  readonly env?: string;
  readonly tokenFile?: string;
  readonly relay?: 'noise' | 'cleartext';
}

/** What `connect` needs of it. */
export type HarnessAddress = Pick<ConnectOptions, 'url' | 'environmentId' | 'relay' | 'token'>;

/** Exit code of commands that never reached the other machine, as ssh has it. */
export const UNREACHABLE_EXIT_CODE = 255;

/** The options by which a command is told which executor it is to talk to. */
export function addAddressOptions(command: Command): void {
  command
    .option('--env <id>', 'environment of the executor')
    .option('--url <url>', 'address: http://… of a registry, with --env; or ws://… of a harness URL or an executor')
    .option('--token-file <file>', 'file that holds the harness token (default: SIGNALBOX_TOKEN)')
    .addOption(relayOption());
}

function relayOption(): Option {
  return new Option(
    '--relay <profile>',
    'noise: encrypted end to end (default); cleartext: for executors up to 0.140',
  ).choices(['noise', 'cleartext']);
}

export async function findAddress(options: AddressOptions): Promise<HarnessAddress> {
  const { env, tokenFile } = options;
  const relay = options.relay === undefined ? {} : { relay: options.relay };
  const token = await readSecret({ ...(tokenFile === undefined ? {} : { tokenFile }), variables: ['SIGNALBOX_TOKEN'] });
  const url = options.url ?? process.env.SIGNALBOX_URL;
  if (url !== undefined) {
    const chosen = { ...judged(url, env, options.relay), ...relay };
    return token === undefined ? chosen : { ...chosen, token };
  }
  const state = await readUpState();
  if (state === undefined) {
    throw new CliError('no executor to talk to: start one here with "signalbox up", or set SIGNALBOX_URL or --url', {
      exitCode: UNREACHABLE_EXIT_CODE,
    });
  }
  const environmentId = env ?? state.environmentId;
  return { url: state.rendezvous, environmentId, token: token ?? state.token, ...relay };
}

/** A registry, and who asks it. */
export interface RegistryOfUser {
  /** http(s) address. */
  readonly remote: string;
  readonly token: string | undefined;
}

/** As {@link findAddress}, but a registry needs no environment beside it: it can say which the token is for. */
export async function findAddressOrRegistry(options: AddressOptions): Promise<HarnessAddress> {
  const url = options.url ?? process.env.SIGNALBOX_URL ?? '';
  if (options.env !== undefined || !isRegistryUrl(url)) return await findAddress(options);
  const { environmentId: _, ...address } = await findAddress({ ...options, env: 'not-told-yet' });
  return address;
}

export function isRegistryUrl(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

/** Undefined when the address is one of an executor itself. Throws {@link CliError}. */
export async function findRegistry(options: AddressOptions): Promise<RegistryOfUser | undefined> {
  return registryBehind(await findAddressOrRegistry(options));
}

/** Also of a rendezvous whose own address is known: they are on one port. */
export function registryBehind({ url, token }: HarnessAddress): RegistryOfUser | undefined {
  const parsed = new URL(url);
  if (isRegistryUrl(url)) return { remote: url, token };
  if (parsed.searchParams.get('role') !== 'harness') return undefined;
  const folder = parsed.pathname.replace(/\/ws\/environment\/[^/]+$/, '');
  const remote = `${parsed.protocol.replace('ws', 'http')}//${parsed.host}${folder}`;
  return { remote, token: token ?? parsed.searchParams.get('token') ?? undefined };
}

/** An http address is a registry and needs the environment's id; a ws address is used as it is. */
function judged(
  url: string,
  env: string | undefined,
  relay: AddressOptions['relay'],
): Pick<HarnessAddress, 'url' | 'environmentId'> {
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === 'ws:' || protocol === 'wss:') {
    if (env !== undefined) {
      throw usage('a ws:// address names its environment already: leave --env out, or give an http:// address');
    }
    if (relay === 'noise') throw usage('--relay noise needs the http:// address of a registry, and --env ID');
    return { url };
  }
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw usage(`not an address: ${url} (expected ws://, wss://, http:// or https://)`);
  }
  if (env === undefined) throw usage('the address of a rendezvous needs --env ID beside it');
  return { url, environmentId: env };
}

function usage(message: string): CliError {
  return new CliError(message, { exitCode: 2 });
}
