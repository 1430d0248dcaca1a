/**
 * The registry's calls for Noise over real HTTP: every reply, every refusal.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { registerReply } from '../../src/noise/registry-messages.js';
import { SECURITY_PROFILE } from '../../src/noise/suite.js';
import { EXECUTOR_KEY, HARNESS_KEY, newKey, question, REGISTRATION, registryForTest } from './registry-for-test.js';
import { ENV, post, RelayPeer, until } from './relay-peer.js';

describe('a Noise registration', () => {
  it('returns the id that was asked for, the profile, a registration id and a URL that works', async () => {
    const registry = await registryForTest();
    const { status, ...reply } = await registry.register();
    expect(status).toBe(200);
    const parsed = v.parse(registerReply, reply);
    expect(parsed.environment_id).toBe(ENV);
    expect(new URL(parsed.url).searchParams.get('registration')).toBe(parsed.executor_registration_id);
    // The URL survives reconnects.
    for (let times = 0; times < 3; times++) await RelayPeer.connect(parsed.url);
  });

  it.each([
    ['without a profile', { executor_public_key: EXECUTOR_KEY }, 'security_profile'],
    ['of another profile', { ...REGISTRATION, security_profile: 'noise_ik_v0' }, 'security_profile'],
    ['without a key', { security_profile: SECURITY_PROFILE }, 'executor_public_key'],
    [
      'with a key of another suite',
      { ...REGISTRATION, executor_public_key: { ...EXECUTOR_KEY, suite: 'x' } },
      'executor_public_key.suite',
    ],
    [
      'with a key that is too short',
      { ...REGISTRATION, executor_public_key: { ...EXECUTOR_KEY, mlkem768_public_key: 'AAAA' } },
      'executor_public_key.mlkem768_public_key',
    ],
    [
      'with a key that has more to it',
      { ...REGISTRATION, executor_public_key: { ...EXECUTOR_KEY, ['x'.repeat(10_000)]: 1 } },
      'executor_public_key.xxx',
    ],
  ])('%s is refused, and says which member is wrong', async (_, body, member) => {
    const registry = await registryForTest();
    const reply = await registry.register(body);
    expect(reply).toMatchObject({ status: 400, error: { code: 'invalid_body' } });
    const { message } = reply.error as { message: string };
    expect(message).toContain(`${member}`);
    expect(message.length).toBeLessThan(200);
  });

  it('at the path of the first generation is told where to go', async () => {
    const { url, executorToken } = await registryForTest();
    const reply = await post(`${url}/cloud/executor/${ENV}/register`, executorToken, JSON.stringify(REGISTRATION));
    expect(reply).toMatchObject({ status: 400, body: { error: { code: 'security_profile_unsupported' } } });
  });
});

describe('connect', () => {
  it('hands out the key of the attached executor, a URL that works without a header, and an authorization', async () => {
    const registry = await registryForTest();
    const { executor, registrationId } = await registry.attach();
    const reply = await registry.connect();
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      environment_id: ENV,
      url: expect.stringMatching(`^ws://${new URL(registry.url).host}/ws/environment/${ENV}\\?role=harness&`),
      security_profile: SECURITY_PROFILE,
      executor_registration_id: registrationId,
      executor_public_key: EXECUTOR_KEY,
      harness_key_authorization: expect.stringMatching(/./),
    });
    const harness = await RelayPeer.connect(reply.body.url as string);
    harness.resume('s1');
    harness.send('s1', { kind: 'handshake', payload: Buffer.from('message 1') });
    executor.send('s2', { kind: 'heartbeat' });
    executor.send('s1', { kind: 'handshake', payload: Buffer.from('message 2') });
    await executor.sees('s1 resume', 's1 handshake');
    await harness.sees('s1 handshake');
  });

  it('hands out another authorization each time', async () => {
    const registry = await registryForTest();
    await registry.attach();
    const [one, other] = [await registry.bundle(), await registry.bundle()];
    expect(one.harness_key_authorization).not.toBe(other.harness_key_authorization);
  });

  it('says offline before there is an executor, when it has gone, and while it has only registered', async () => {
    const registry = await registryForTest();
    const offline = { status: 409, body: { error: { code: 'environment_offline', message: expect.any(String) } } };
    expect(await registry.connect()).toMatchObject(offline);
    await registry.register();
    expect(await registry.connect()).toMatchObject(offline);
    const { executor } = await registry.attach();
    await registry.bundle();
    executor.socket.terminate();
    await until(() => registry.lines.some((line) => line.includes('executor gone')));
    expect(await registry.connect()).toMatchObject(offline);
  });

  it.each([undefined, '', {}])('says what to do when the executor registered for cleartext (%j)', async (body) => {
    const registry = await registryForTest();
    const reply = await registry.call('register', registry.executorToken, body);
    await RelayPeer.connect(reply.body.url as string);
    expect(await registry.connect()).toMatchObject({
      status: 409,
      body: {
        error: {
          code: 'security_profile_unsupported',
          message: expect.stringContaining('signalbox exec --relay cleartext'),
        },
      },
    });
  });

  it('follows the executor that serves: the newest registration, with its key', async () => {
    const registry = await registryForTest();
    const first = await registry.attach();
    const executorKey = newKey();
    const second = await registry.attach({ ...REGISTRATION, executor_public_key: executorKey });
    await first.executor.closesWith(4001);
    expect((await registry.connect()).body).toMatchObject({
      executor_registration_id: second.registrationId,
      executor_public_key: executorKey,
    });
  });

  it.each([
    ['no key', {}, 'harness_public_key'],
    ['no body', undefined, 'harness_public_key'],
    ['a key that is none', { harness_public_key: 'key' }, 'harness_public_key'],
    [
      'a broken key',
      { harness_public_key: { ...HARNESS_KEY, x25519_public_key: '!' } },
      'harness_public_key.x25519_public_key',
    ],
  ])('with %s is refused, and says which member is wrong', async (_, body, member) => {
    const registry = await registryForTest();
    await registry.attach();
    expect(await registry.call('connect', registry.harnessToken, body)).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_body', message: expect.stringContaining(`${member} is missing`) } },
    });
  });
});

describe('validate', () => {
  it('says yes once to what connect issued', async () => {
    const registry = await registryForTest();
    const { registrationId } = await registry.attach();
    const { harness_key_authorization: authorization } = await registry.bundle();
    const asked = question(registrationId, authorization);
    const yes = await registry.validate(asked, { 'x-codex-noise-stream-id': `s1\u00e4${'x'.repeat(500)}` });
    expect([yes.status, yes.body]).toEqual([200, { valid: true }]);
    const again = await registry.validate(asked);
    expect([again.status, again.body]).toEqual([200, { valid: false }]);
    const [yesLine, noLine] = registry.lines
      .filter((line) => /harness (not )?let in/.test(line))
      .map((line) => JSON.parse(line));
    expect(yesLine).toMatchObject({ environmentId: ENV, registrationId, streamId: `s1?${'x'.repeat(61)}` });
    expect(noLine).toMatchObject({ environmentId: ENV, registrationId, code: 'authorization_used' });
  });

  it.each([
    ['another key', { harness_public_key: newKey() }, 'authorization_invalid'],
    ['another registration', { executor_registration_id: randomUUID() }, 'authorization_invalid'],
    ['a registration nobody made', { executor_registration_id: 'nobody\n' }, 'authorization_invalid'],
    ['an authorization of nobody', { harness_key_authorization: 'let me in' }, 'authorization_malformed'],
  ])('says no for %s, why in the log, and yes afterwards', async (_, foreign, code) => {
    const registry = await registryForTest();
    const { registrationId } = await registry.attach();
    const { harness_key_authorization: authorization } = await registry.bundle();
    const asked = question(registrationId, authorization);
    const no = await registry.validate({ ...asked, ...foreign });
    expect([no.status, no.body]).toEqual([200, { valid: false }]);
    expect(registry.lines.filter((line) => line.includes(code))).toHaveLength(1);
    expect((await registry.validate(asked)).body).toEqual({ valid: true });
  });

  it('says no for another environment', async () => {
    const registry = await registryForTest();
    const { registrationId } = await registry.attach();
    const { harness_key_authorization: authorization } = await registry.bundle();
    const { token } = registry.tokens.create('executor', 'box-2');
    const asked = JSON.stringify(question(registrationId, authorization));
    const no = await post(`${registry.url}/cloud/environment/box-2/validate`, token, asked);
    expect([no.status, no.body]).toEqual([200, { valid: false }]);
  });

  it('says no to an authorization of an executor that was replaced, to the one in its place', async () => {
    const registry = await registryForTest();
    await registry.attach();
    const { harness_key_authorization: authorization } = await registry.bundle();
    const { registrationId } = await registry.attach();
    expect((await registry.validate(question(registrationId, authorization))).body).toEqual({ valid: false });
  });

  it('says no to one that has expired', async () => {
    const registry = await registryForTest({ limits: { authorizationLifetimeMs: 0 } });
    const { registrationId } = await registry.attach();
    const { harness_key_authorization: authorization } = await registry.bundle();
    expect((await registry.validate(question(registrationId, authorization))).body).toEqual({ valid: false });
    expect(registry.lines.some((line) => line.includes('authorization_expired'))).toBe(true);
  });

  it.each([
    ['executor_registration_id', question(' ', 'x')],
    ['harness_public_key', question('r', 'x', null)],
    ['harness_key_authorization', question('r', 'x'.repeat(4097))],
    ['harness_key_authorization', { executor_registration_id: 'r', harness_public_key: HARNESS_KEY }],
  ])('refuses a body whose %s is wrong', async (member, body) => {
    const registry = await registryForTest();
    expect(await registry.validate(body)).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_body', message: expect.stringContaining(member) } },
    });
  });
});

describe('connect and validate', () => {
  const calls = ['connect', 'validate'] as const;

  it.each(calls)('%s wants the token of its role and environment', async (name) => {
    const registry = await registryForTest();
    const { url, executorToken, harnessToken, call } = registry;
    const [right, wrong] = name === 'connect' ? [harnessToken, executorToken] : [executorToken, harnessToken];
    expect(await call(name, undefined, {})).toMatchObject({ status: 401, body: { error: { code: 'missing_token' } } });
    expect(await call(name, 'sbx_x', {})).toMatchObject({ status: 401, body: { error: { code: 'invalid_token' } } });
    expect(await call(name, wrong, {})).toMatchObject({ status: 403, body: { error: { code: 'wrong_role' } } });
    const elsewhere = await post(`${url}/cloud/environment/box-2/${name}`, right, '{}');
    expect(elsewhere).toMatchObject({ status: 403, body: { error: { code: 'wrong_environment' } } });
  });

  it.each(calls)('%s is bounded, and not for web pages', async (name) => {
    const registry = await registryForTest();
    const token = name === 'connect' ? registry.harnessToken : registry.executorToken;
    const large = await registry.call(name, token, 'x'.repeat(1_000_000));
    expect(large).toMatchObject({ status: 413, body: { error: { code: 'body_too_large' } } });
    expect(await registry.call(name, token, '{"a":')).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_json' } },
    });
    expect(await registry.call(name, token, {}, { origin: 'http://127.0.0.1' })).toMatchObject({
      status: 403,
      body: { error: { code: 'origin_refused' } },
    });
  });

  it.each(calls)('%s says that it drains while the rendezvous closes', async (name) => {
    const registry = await registryForTest();
    const token = name === 'connect' ? registry.harnessToken : registry.executorToken;
    // What has begun is answered as long as the goodbye of a socket is waited for.
    const { executor } = await registry.attach();
    executor.socket.pause();
    const asking = request(`${registry.url}/cloud/environment/${ENV}/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, expect: '100-continue' },
    });
    asking.flushHeaders();
    await once(asking, 'continue');
    const closing = registry.close();
    const answered = once(asking, 'response');
    asking.end('{}');
    const [response] = (await answered) as [IncomingMessage];
    expect([response.statusCode, await json(response)]).toMatchObject([503, { error: { code: 'pod_draining' } }]);
    executor.socket.resume();
    await closing;
  });
});
