/**
 * A rendezvous for tests of its registry: the three calls for Noise over real HTTP, and what it logs. Keys are random
 * bytes, because the registry hands them on and never uses them.
 */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import * as v from 'valibot';
import { expect } from 'vitest';
import { publicKeyToJson } from '../../src/noise/public-key.js';
import { connectReply } from '../../src/noise/registry-messages.js';
import { SECURITY_PROFILE } from '../../src/noise/suite.js';
import { ENV, post, RelayPeer, rendezvousForTest } from './relay-peer.js';

export const newKey = () => publicKeyToJson({ dh: randomBytes(32), kem: randomBytes(1184) });
export const EXECUTOR_KEY = newKey();
export const HARNESS_KEY = newKey();
export const REGISTRATION = { security_profile: SECURITY_PROFILE, executor_public_key: EXECUTOR_KEY };

type Options = Parameters<typeof rendezvousForTest>[0];

/** A rendezvous, its three calls, and what it logs. */
export async function registryForTest(options: Options = {}) {
  const lines: string[] = [];
  const log = pino({ level: 'trace', base: null }, { write: (line) => void lines.push(line) });
  const rendezvous = await rendezvousForTest({ log, ...options });
  const call = (name: string, token: string | undefined, body: unknown, headers = {}) => {
    const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
    return post(`${rendezvous.url}/cloud/environment/${ENV}/${name}`, token, text, headers);
  };
  const { executorToken, harnessToken } = rendezvous;
  const register = async (body: unknown = REGISTRATION): Promise<Record<string, unknown> & { url: string }> => {
    const reply = await call('register', executorToken, body);
    return { ...reply.body, url: reply.body.url as string, status: reply.status };
  };
  const attach = async (body?: unknown) => {
    const { url, executor_registration_id: registrationId } = await register(body);
    return { executor: await RelayPeer.connect(url), registrationId: registrationId as string };
  };
  const connect = (token: string | undefined = harnessToken, key: unknown = HARNESS_KEY) =>
    call('connect', token, { harness_public_key: key });
  const bundle = async () => {
    const reply = await connect();
    expect(reply.status).toBe(200);
    return v.parse(connectReply, reply.body);
  };
  const validate = (said: Record<string, unknown>, headers?: Record<string, string>) =>
    call('validate', executorToken, said, headers);
  return { ...rendezvous, lines, call, register, attach, connect, bundle, validate };
}

/** What an executor asks `validate`. */
export const question = (registrationId: string, authorization: string, key: unknown = HARNESS_KEY) => ({
  executor_registration_id: registrationId,
  harness_public_key: key,
  harness_key_authorization: authorization,
});
