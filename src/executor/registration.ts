/**
 * Asking a registry where this executor's socket is (relay.md §9.1, §9.2, §9.6). One try; whether to try again is
 * decided by the connection's chart.
 */
import * as v from 'valibot';
import { LocateError } from '../../machines/connection-types.js';
import { type NoisePublicKey, publicKeyToJson } from '../noise/public-key.js';
import { registerReply } from '../noise/registry-messages.js';
import { SECURITY_PROFILE } from '../noise/suite.js';
import {
  callRegistry,
  environmentPath,
  excerptOf,
  explanationIn,
  jsonIn,
  type RegistryAddress,
  type RegistryAnswer,
  refuseUnusableAddress,
} from '../registry/registry-call.js';

export interface Registration {
  /** Where the socket is to be opened. */
  readonly url: string;
  readonly environmentId: string;
  /** Under which harnesses find this executor; undefined for one that is registered in the clear. */
  readonly registrationId?: string;
}

/** Registers for the cleartext relay: at the path of today's registries, and where there is none, at the first one's. */
export async function register(address: RegistryAddress, signal: AbortSignal): Promise<Registration> {
  refuseUnusableAddress(address);
  const today = await callRegistry(address, { path: environmentPath(address, 'register') }, signal);
  const first = environmentPath(address, 'register').replace('/environment/', '/executor/');
  const answer = today.status === 404 ? await callRegistry(address, { path: first }, signal) : today;
  const body = granted(answer.status === 404 ? today : answer, address);
  const reply = jsonIn(body);
  const url = typeof reply === 'object' && reply !== null && 'url' in reply ? reply.url : undefined;
  if (typeof url !== 'string' || !/^wss?:\/\//.test(url) || !URL.canParse(url)) {
    throw malformed(`names no ws:// or wss:// url: ${excerptOf(body)}`);
  }
  return { url, environmentId: address.environmentId };
}

/** Registers the key by which harnesses know this executor, whoever stands between. */
export async function registerKey(
  address: RegistryAddress,
  executorKey: NoisePublicKey,
  signal: AbortSignal,
): Promise<Registration> {
  refuseUnusableAddress(address);
  const json = { security_profile: SECURITY_PROFILE, executor_public_key: publicKeyToJson(executorKey) };
  const answer = await callRegistry(address, { path: environmentPath(address, 'register'), json }, signal);
  const body = granted(answer, address);
  const parsed = v.safeParse(registerReply, jsonIn(body));
  if (!parsed.success) {
    const where = v.getDotPath(parsed.issues[0]) ?? 'the whole';
    throw malformed(
      `is not one for an encrypted executor (${where} is not as it should be); ` +
        'a registry that knows only the cleartext relay needs: signalbox executor --relay cleartext',
    );
  }
  const { environment_id: environmentId, executor_registration_id: registrationId, url } = parsed.output;
  if (environmentId !== address.environmentId.trim()) {
    throw malformed(`is for the environment ${JSON.stringify(environmentId.slice(0, 128))}, which was not asked for`);
  }
  return { url, environmentId, registrationId };
}

/** The body of a yes. */
function granted({ status, retryAfterMs, body }: RegistryAnswer, { remote, environmentId }: RegistryAddress): string {
  if (status === 401 || status === 403) {
    throw new LocateError(
      'registration_unauthorized',
      `the registry ${remote} refused the token for environment ${environmentId} (${status}): ${explanationIn(body)}. ` +
        'Make a new one with: signalbox token create --role executor --env ' +
        environmentId,
      { final: true },
    );
  }
  if (status < 200 || status > 299) {
    const message = `the registry answered ${status}: ${explanationIn(body)}`;
    throw new LocateError('registration_failed', message, { final: false, retryAfterMs });
  }
  return body;
}

function malformed(why: string): LocateError {
  return new LocateError('registration_malformed', `the registry's answer ${why}`, { final: false });
}
