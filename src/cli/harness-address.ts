/**
 * Which executor a command talks to: what it was told, else the environment, else the `signalbox up` that runs here.
 */
import type { HarnessAddress } from '../harness/harness-transport.js';
import { harnessUrl } from '../rendezvous/socket-url.js';
import { CliError } from './cli-error.js';
import { readSecret } from './secret.js';
import { readUpState } from './up-state.js';

export interface AddressOptions {
  readonly url?: string;
  readonly env?: string;
  readonly tokenFile?: string;
}

/** Exit code of commands that never reached the other machine, as ssh has it. */
export const UNREACHABLE_EXIT_CODE = 255;

export async function findAddress(options: AddressOptions): Promise<HarnessAddress> {
  const { env, tokenFile } = options;
  const token = await readSecret({ ...(tokenFile === undefined ? {} : { tokenFile }), variables: ['SIGNALBOX_TOKEN'] });
  const url = options.url ?? process.env.SIGNALBOX_URL;
  if (url !== undefined) {
    const chosen = socketUrl(url, env);
    return token === undefined ? { url: chosen } : { url: chosen, token };
  }
  const state = await readUpState();
  if (state === undefined) {
    throw new CliError('no executor to talk to: start one here with "signalbox up", or set SIGNALBOX_URL or --url', {
      exitCode: UNREACHABLE_EXIT_CODE,
    });
  }
  const environmentId = env ?? state.environmentId;
  return { url: harnessUrl(state.rendezvous, environmentId), token: token ?? state.token };
}

/** An http address is a rendezvous and needs the environment's id; a ws address is used as it is. */
function socketUrl(url: string, env: string | undefined): string {
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === 'ws:' || protocol === 'wss:') {
    if (env !== undefined) {
      throw new CliError('a ws:// address names its environment already: leave --env out, or give an http:// address', {
        exitCode: 2,
      });
    }
    return url;
  }
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new CliError(`not an address: ${url} (expected ws://, wss://, http:// or https://)`, { exitCode: 2 });
  }
  if (env === undefined) throw new CliError('the address of a rendezvous needs --env ID beside it', { exitCode: 2 });
  return harnessUrl(url, env);
}
