/**
 * The URLs that the registry hands out, over real sockets: whom they let in, how long, and what is remembered for them.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RELIABILITY_RELIABLE } from '../../proto/frame.js';
import { publicKeyToJson } from '../../src/noise/public-key.js';
import { startRendezvous } from '../../src/rendezvous/rendezvous.js';
import { FileTokenStore } from '../../src/rendezvous/token-store.js';
import { EXECUTOR_KEY, HARNESS_KEY, newKey, question, REGISTRATION, registryForTest } from './registry-for-test.js';
import { ENV, post, RelayPeer, refusalOf, until } from './relay-peer.js';

/** The wall clock is put to the time at which this URL ends; nothing else about time changes. */
function letExpire(url: string): void {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  vi.setSystemTime(Number(new URL(url).searchParams.get('expires')));
}

describe('the URL of a harness', () => {
  it('lets it back in until it expires, and takes its stream over as its token would', async () => {
    const registry = await registryForTest();
    const { executor } = await registry.attach();
    const { url } = await registry.bundle();
    const first = await RelayPeer.connect(url);
    first.send('s1', { kind: 'resume', nextSeq: 1 }, RELIABILITY_RELIABLE);
    await executor.sees('s1 resume');
    executor.send('s1', { kind: 'ack' }, RELIABILITY_RELIABLE);
    await first.sees('s1 ack');
    first.socket.terminate();
    const second = await RelayPeer.connect(url);
    second.send('s1', { kind: 'resume', nextSeq: 2 }, RELIABILITY_RELIABLE);
    await executor.sees('s1 resume', 's1 resume');
    // The same owner with the token itself, while the socket before is still there; and with a later URL.
    const third = await registry.harness();
    third.send('s1', { kind: 'resume', nextSeq: 3 }, RELIABILITY_RELIABLE);
    await executor.sees('s1 resume', 's1 resume', 's1 resume');
    const fourth = await RelayPeer.connect((await registry.bundle()).url);
    fourth.send('s1', { kind: 'resume', nextSeq: 4 }, RELIABILITY_RELIABLE);
    await until(() => executor.messages.length === 4);
    // A stranger with a URL of his own.
    const { token } = registry.tokens.create('harness', ENV);
    const { body } = await registry.connect(token);
    const stranger = await RelayPeer.connect(body.url as string);
    stranger.send('s1', { kind: 'resume', nextSeq: 5 }, RELIABILITY_RELIABLE);
    await stranger.sees('s1 reset stream_id_in_use');
  });

  it('holds no secret but its signature', async () => {
    const registry = await registryForTest();
    await registry.attach();
    const { url } = await registry.bundle();
    expect(url).not.toContain(registry.harnessToken);
    expect([...new URL(url).searchParams.keys()].sort()).toEqual(['expires', 'role', 'signature', 'token_id']);
  });

  it.each([
    ['environment', 401, 'invalid_signature'],
    ['token_id', 401, 'invalid_signature'],
    ['expires', 401, 'invalid_signature'],
    ['signature', 401, 'invalid_signature'],
    ['end of the signature', 401, 'invalid_signature'],
    ['role', 401, 'missing_signature'],
    ['without expires', 401, 'missing_expiry'],
    ['without signature', 401, 'missing_signature'],
    ['without token_id', 401, 'missing_signature'],
    ['without any of them', 401, 'missing_token'],
  ])('is refused when it was changed: %s', async (part, status, code) => {
    const registry = await registryForTest();
    await registry.attach();
    const url = new URL((await registry.bundle()).url);
    const query = url.searchParams;
    if (part === 'environment') url.pathname = '/ws/environment/box-2';
    else if (part === 'token_id') query.set(part, randomUUID());
    else if (part === 'expires') query.set(part, String(Number(query.get(part)) + 1));
    else if (part === 'signature')
      query.set(
        part,
        (query.get(part) ?? '').replace(/^./, (one) => (one === 'A' ? 'B' : 'A')),
      );
    else if (part === 'end of the signature') query.set('signature', `${query.get('signature')}!`);
    else if (part === 'role') query.set(part, 'executor');
    else if (part === 'without any of them')
      for (const name of ['signature', 'expires', 'token_id']) query.delete(name);
    else query.delete(part.replace('without ', ''));
    expect(await refusalOf(url.href)).toEqual({ status, code });
  });

  it('is no URL of an executor, nor the other way round, though nothing else is changed', async () => {
    const registry = await registryForTest();
    const { url: executorUrl } = await registry.register();
    const url = new URL(executorUrl);
    url.searchParams.set('role', 'harness');
    url.searchParams.set('token_id', url.searchParams.get('registration') ?? '');
    expect(await refusalOf(url.href)).toEqual({ status: 401, code: 'invalid_signature' });
  });

  it('is refused when it has expired', async () => {
    const registry = await registryForTest();
    await registry.attach();
    const { url } = await registry.bundle();
    letExpire(url);
    expect(await refusalOf(url)).toEqual({ status: 401, code: 'invalid_expiry' });
  });

  it('is refused by a rendezvous that was started anew', async () => {
    const former = await registryForTest();
    await former.attach();
    const { url } = await former.bundle();
    await former.close();
    const restarted = await registryForTest({ listen: former.url });
    await restarted.attach();
    expect(await refusalOf(url)).toEqual({ status: 401, code: 'invalid_signature' });
  });

  it('ends with the token it was asked for with, as that of an executor does', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-test-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'tokens.json');
    const tokens = new FileTokenStore(path);
    const executorToken = (await tokens.create('executor', ENV)).token;
    const harnessToken = (await tokens.create('harness', ENV)).token;
    const rendezvous = await startRendezvous({ listen: 'http://127.0.0.1:0', tokens });
    onTestFinished(() => rendezvous.close());
    const root = `${rendezvous.url}/cloud/environment/${ENV}`;
    const registered = await post(`${root}/register`, executorToken, JSON.stringify(REGISTRATION));
    const executorUrl = registered.body.url as string;
    await RelayPeer.connect(executorUrl);
    const connected = await post(`${root}/connect`, harnessToken, JSON.stringify({ harness_public_key: HARNESS_KEY }));
    const harnessUrl = connected.body.url as string;
    await RelayPeer.connect(harnessUrl);

    const before = await readFile(path, 'utf8');
    await writeFile(path, JSON.stringify({ version: 1, tokens: [] }), { mode: 0o600 });
    for (const url of [harnessUrl, executorUrl]) {
      expect(await refusalOf(url)).toEqual({ status: 401, code: 'invalid_token' });
    }
    await writeFile(path, before, { mode: 0o600 });
    for (const url of [harnessUrl, executorUrl]) await RelayPeer.connect(url);
  });
});

describe('what the registry remembers', () => {
  it('is bounded for each environment: the oldest must register again, the others go on', async () => {
    const registry = await registryForTest({ limits: { registrationsPerEnvironment: 2 } });
    const urls = [];
    for (let times = 0; times < 3; times++) urls.push((await registry.register()).url);
    const [oldest = '', ...others] = urls;
    expect(await refusalOf(oldest)).toEqual({ status: 401, code: 'unexpected_executor_registration_id' });
    for (const url of others) await RelayPeer.connect(url);
  });

  it('lasts for an attached executor, though its URL has expired and another one took its place', async () => {
    const registry = await registryForTest({ limits: { registrationsPerEnvironment: 1 } });
    const { url, executor_registration_id: registrationId } = await registry.register();
    const executor = await RelayPeer.connect(url);
    await registry.register({ ...REGISTRATION, executor_public_key: newKey() });
    expect(await refusalOf(url)).toEqual({ status: 401, code: 'unexpected_executor_registration_id' });
    letExpire(url);
    expect(await refusalOf(url)).toEqual({ status: 401, code: 'invalid_expiry' });
    const { executor_public_key: key, harness_key_authorization: authorization } = await registry.bundle();
    expect(publicKeyToJson(key)).toEqual(EXECUTOR_KEY);
    expect((await registry.validate(question(`${registrationId}`, authorization))).body).toEqual({ valid: true });
    expect(executor.closed).toBeUndefined();
  });
});

describe('the log', () => {
  it('has ids, and no token, ticket, key or authorization', async () => {
    const registry = await registryForTest();
    const { registrationId } = await registry.attach();
    const { url, harness_key_authorization: authorization } = await registry.bundle();
    await RelayPeer.connect(url);
    await registry.validate(question(registrationId, `x${authorization}`));
    await registry.validate(question(registrationId, authorization));
    await refusalOf(`${url}x`);
    const log = registry.lines.join('');
    expect(log).toContain(registrationId);
    const signature = new URL(url).searchParams.get('signature') ?? '';
    const secrets = [registry.executorToken, registry.harnessToken, authorization, signature];
    for (const secret of [...secrets, EXECUTOR_KEY.mlkem768_public_key]) expect(log).not.toContain(secret);
  });
});
