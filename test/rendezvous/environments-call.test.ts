/**
 * `GET /cloud/environments` of a real registry: what it tells whom, and what its caller makes of other answers.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askEnvironments } from '../../src/registry/environments-call.js';
import { registryForTest } from './registry-for-test.js';
import { ENV } from './relay-peer.js';

const never = new AbortController().signal;

async function fakeRegistry(status: number, body: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a registry that is asked for environments', () => {
  it('tells the one that the token is for, and whether its executor is there and encrypts', async () => {
    const registry = await registryForTest();
    registry.tokens.create('harness', 'another');
    const ask = (bearerToken: string) => askEnvironments({ remote: registry.url, bearerToken }, never);
    expect(await ask(registry.harnessToken)).toMatchObject({
      role: 'harness',
      environments: [{ id: ENV, online: false, encrypted: false }],
    });
    const { executor } = await registry.attach();
    expect((await ask(registry.harnessToken)).environments).toEqual([{ id: ENV, online: true, encrypted: true }]);
    expect(await ask(registry.executorToken)).toMatchObject({ role: 'executor', environments: [{ online: true }] });
    const cleartext = registry.attach({});
    await cleartext;
    expect((await ask(registry.harnessToken)).environments).toEqual([{ id: ENV, online: true, encrypted: false }]);
    await executor.closesWith(4001);
  });

  it.each([
    ['without a token', undefined, 'GET', 401, 'missing_token'],
    ['with one it does not know', 'sbx_harness_x', 'GET', 401, 'invalid_token'],
    ['in another way', 'harness', 'POST', 405, 'method_not_allowed'],
  ] as const)('%s refuses', async (_, who, method, status, code) => {
    const registry = await registryForTest();
    const token = who === 'harness' ? registry.harnessToken : who;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${registry.url}/cloud/environments`, { method, headers });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  it.each([
    [404, '{"error":{"code":"unknown_route"}}', 'call_unknown', 'name one with --env'],
    [200, '<html>', 'call_unknown', 'of another kind'],
    [200, '{"token":{"id":"a","role":"king"},"environments":[]}', 'call_unknown', 'of another kind'],
    [403, '{"error":{"code":"x","message":"go away"}}', 'token_refused', 'go away'],
    [500, '', 'registry_failed', '(500)'],
  ])('and answers %i %s is understood', async (status, body, code, words) => {
    const remote = await fakeRegistry(status, body);
    const error = await askEnvironments({ remote, bearerToken: 'sbx_secret' }, never).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect((error as Error).message).not.toContain('sbx_secret');
  });
});
