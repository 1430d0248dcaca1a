/**
 * What a token is for, and whether the executor of its environment is there: `GET /cloud/environments`, a call of our
 * registry that others do not have.
 */
import * as v from 'valibot';
import { LocateError } from '../../machines/connection-types.js';
import {
  callRegistry,
  explanationIn,
  jsonIn,
  type RegistryAddress,
  type RegistryAnswer,
  refuseUnusableAddress,
} from './registry-call.js';

/** Most environments of one answer that are looked at. */
const MOST_ENVIRONMENTS = 1000;

const text = v.pipe(v.string(), v.maxLength(256));

export const environmentsReply = v.object({
  token: v.object({ id: text, role: v.picklist(['executor', 'harness']) }),
  environments: v.pipe(
    v.array(
      v.object({
        environment_id: text,
        /** An executor is connected now. */
        online: v.boolean(),
        /** Null when it is away, or speaks cleartext. */
        security_profile: v.nullable(text),
      }),
    ),
    v.maxLength(MOST_ENVIRONMENTS),
  ),
});

export interface KnownEnvironment {
  readonly id: string;
  readonly online: boolean;
  /** The executor that is there wants encryption. */
  readonly encrypted: boolean;
}

/** What a registry says to whoever shows a token. */
export interface TokenFacts {
  readonly tokenId: string;
  readonly role: 'executor' | 'harness';
  readonly environments: readonly KnownEnvironment[];
}

/** Rejects with {@link LocateError}: `call_unknown` for a registry without this call, `token_refused` for a token that it does not know. */
export async function askEnvironments(
  address: Pick<RegistryAddress, 'remote' | 'bearerToken' | 'answerMs'>,
  signal: AbortSignal,
): Promise<TokenFacts> {
  const whole = { ...address, environmentId: '' };
  refuseUnusableAddress(whole);
  const answer = await callRegistry(whole, { path: '/cloud/environments', method: 'GET' }, signal);
  const parsed = v.safeParse(environmentsReply, answer.status === 200 ? jsonIn(answer.body) : undefined);
  if (!parsed.success) throw refusalOf(answer, address.remote);
  const { token, environments } = parsed.output;
  return {
    tokenId: token.id,
    role: token.role,
    environments: environments.map(({ environment_id: id, online, security_profile: profile }) => ({
      id,
      online,
      encrypted: profile !== null,
    })),
  };
}

function refusalOf({ status, body }: RegistryAnswer, remote: string): LocateError {
  if (status === 200 || status === 404 || status === 405) {
    const message = `the registry ${remote} does not tell environments: it is of another kind, or older; name one with --env`;
    return new LocateError('call_unknown', message, { final: true });
  }
  const code = status === 401 || status === 403 ? 'token_refused' : 'registry_failed';
  const message = `the registry ${remote} refused the token (${status}): ${explanationIn(body)}`;
  const other = `the registry ${remote} did not answer as it should (${status}): ${explanationIn(body)}`;
  return new LocateError(code, code === 'token_refused' ? message : other, { final: status < 500 });
}
