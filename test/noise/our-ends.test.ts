/**
 * Both ends ours, over real sockets, and a registry that does not say what the executor needs to hear about a harness:
 * the harness gets an error that helps, the executor lives on and serves others.
 */
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultStreamTiming } from '../../machines/stream-types.js';
import { type ConnectOptions, connect } from '../../src/harness/connect.js';
import type { Harness } from '../../src/harness/harness.js';
import { type RelayedExecutor, startRelayedExecutor } from '../harness/relayed-executor.js';
import type { HttpAnswerer } from '../stand-ins/faulty-proxy.js';

let relayed: RelayedExecutor;
let lines: string[];
let bystander: Harness;

function addressOf({ registry }: RelayedExecutor): ConnectOptions {
  return { url: registry.remote, environmentId: registry.environmentId, token: registry.bearerToken };
}

async function echo(harness: Harness): Promise<string> {
  const child = await harness.startProcess({ argv: ['/bin/echo', 'served'] });
  return await text(child.stdout);
}

beforeEach(async () => {
  lines = [];
  relayed = await startRelayedExecutor({
    executor: {
      relay: 'noise',
      streamTiming: { ...defaultStreamTiming, authorisationMs: 500 },
      log: pino({ level: 'trace', base: null }, { write: (line) => void lines.push(line) }),
    },
  });
  bystander = await connect(addressOf(relayed));
});
afterEach(async () => {
  await bystander.close();
  await relayed.close();
});

describe('a harness of ours on an executor of ours', () => {
  const answers: readonly (readonly [string, ReturnType<HttpAnswerer>, string, RegExp, number])[] = [
    ['says no', { status: 200, body: { valid: false } }, 'unreachable', /refused the encrypted handshake.*its log/, 3],
    ['fails', { status: 500, body: { error: { code: 'oops' } } }, 'unreachable', /refused the encrypted handshake/, 3],
    ['says nothing', 'silence', 'unreachable', /registry did not tell the executor in time/, 1],
    [
      'does not know the executor any more',
      { status: 401, body: { error: { code: 'unauthorized' } } },
      'refused',
      /registry.*(credential|token)/,
      1,
    ],
  ];

  it.each(answers)('is told what is wrong when the registry %s', async (_, answer, code, message, handshakes) => {
    const { executorProxy, harnessProxy } = relayed;
    const before = harnessProxy.connections;
    executorProxy.answerInstead((path) => (path.endsWith('/validate') ? answer : undefined));
    const error = await connect(addressOf(relayed)).then(
      (harness) => harness.close(),
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toMatch(message);
    expect(harnessProxy.connections - before).toBe(handshakes);
    // It tells its operator each time, and whoever was there before notices nothing.
    const told = lines.filter((line) => Number(JSON.parse(line).level) >= 40 && line.includes('streamId'));
    expect(told).toHaveLength(handshakes);
    for (const secret of [relayed.harnessToken, relayed.executorToken]) expect(lines.join('')).not.toContain(secret);
    expect(await echo(bystander)).toBe('served\n');
    executorProxy.answerInstead(() => undefined);
    await using later = await connect(addressOf(relayed));
    expect(await echo(later)).toBe('served\n');
    expect(executorProxy.connections).toBe(1);
  });

  const bundles: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    [
      'names an executor of another suite',
      {
        executor_public_key: { suite: 'Noise_IK_25519_AESGCM_SHA256', x25519_public_key: '', mlkem768_public_key: '' },
      },
      /executor_public_key/,
    ],
    ['speaks another profile', { security_profile: 'noise_ik_v0' }, /security_profile/],
    ['answers for another environment', { environment_id: 'box2' }, /another environment/],
    ['gives no authorization', { harness_key_authorization: ' ' }, /harness_key_authorization/],
    ['names no registration', { executor_registration_id: '' }, /executor_registration_id/],
  ];

  it.each(bundles)('does not shake hands when the registry %s', async (_, changed, message) => {
    const reply = {
      environment_id: relayed.registry.environmentId,
      url: relayed.url,
      security_profile: 'noise_hybrid_ik_v1',
      executor_registration_id: 'r1',
      executor_public_key: {
        suite: 'Noise_hybridIK_X25519+MLKEM768_AESGCM_SHA256',
        x25519_public_key: Buffer.alloc(32, 9).toString('base64'),
        mlkem768_public_key: Buffer.alloc(1184).toString('base64'),
      },
      harness_key_authorization: 'authorization',
      ...changed,
    };
    const { harnessProxy } = relayed;
    const before = harnessProxy.connections;
    harnessProxy.answerInstead((path) => (path.endsWith('/connect') ? { status: 200, body: reply } : undefined));
    await expect(connect(addressOf(relayed))).rejects.toThrow(message);
    expect(harnessProxy.connections).toBe(before);
    expect(await echo(bystander)).toBe('served\n');
  });
});
