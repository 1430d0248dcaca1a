import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeRegistry, startFakeRegistry } from './fake-registry.js';

describe('fake registry', () => {
  let registry: FakeRegistry;
  beforeEach(async () => {
    registry = await startFakeRegistry({ rendezvousUrl: 'ws://127.0.0.1:1/ws' });
  });
  afterEach(() => registry.close());

  const register = (noun = 'environment', signal?: AbortSignal) =>
    fetch(`${registry.url}/cloud/${noun}/my%20box/register`, {
      method: 'POST',
      headers: { authorization: 'Bearer abc' },
      ...(signal === undefined ? {} : { signal }),
    });

  it('registers both generations and keeps what they asked', async () => {
    expect(await (await register('executor')).json()).toEqual({ executor_id: 'my box', url: 'ws://127.0.0.1:1/ws' });
    expect(await (await register()).json()).toEqual({ environment_id: 'my box', url: 'ws://127.0.0.1:1/ws' });
    expect(registry.requests.items).toMatchObject([
      { method: 'POST', path: '/cloud/executor/my%20box/register', headers: { authorization: 'Bearer abc' }, body: '' },
      { method: 'POST', path: '/cloud/environment/my%20box/register' },
    ]);
    expect((await fetch(`${registry.url}/elsewhere`)).status).toBe(404);
  });

  it('answers as planned, once each, and then as always', async () => {
    registry.next(
      { kind: 'status', status: 429, body: { error: { code: 'slow' } }, headers: { 'retry-after': '7' } },
      { kind: 'text', text: '{"environment_id":' },
      { kind: 'drop' },
      { kind: 'registered', url: 'ws://127.0.0.1:2/', id: 'other' },
    );
    registry.always({ kind: 'status', status: 503 });
    const slow = await register();
    expect([slow.status, slow.headers.get('retry-after'), await slow.json()]).toEqual([
      429,
      '7',
      { error: { code: 'slow' } },
    ]);
    expect(await (await register()).text()).toBe('{"environment_id":');
    await expect(register()).rejects.toThrow('fetch failed');
    expect(await (await register()).json()).toEqual({ environment_id: 'other', url: 'ws://127.0.0.1:2/' });
    for (const _ of [1, 2]) expect((await register()).status).toBe(503);
  });

  it('hangs until the client gives up', async () => {
    registry.next({ kind: 'hang' });
    const patience = new AbortController();
    const reply = register('environment', patience.signal);
    await registry.requests.first();
    patience.abort();
    await expect(reply).rejects.toThrow('aborted');
  });
});
