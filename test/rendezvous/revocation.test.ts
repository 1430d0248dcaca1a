/**
 * What a token that is revoked takes along while a rendezvous runs: the sockets it let in, and the streams that wait for
 * their owner to come back. Whoever came in with another token does not notice.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RELIABILITY_RELIABLE } from '../../proto/frame.js';
import { startRendezvous } from '../../src/rendezvous/rendezvous.js';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import type { TokenStore } from '../../src/rendezvous/token.js';
import { FileTokenStore } from '../../src/rendezvous/token-store.js';
import { data, ENV, post, RelayPeer, refusalOf, until } from './relay-peer.js';

async function rendezvousWithFile(judge: (store: FileTokenStore) => TokenStore = (store) => store) {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'tokens.json');
  const store = new FileTokenStore(path);
  const executor = await store.create('executor', ENV);
  const [revoked, other] = [await store.create('harness', ENV), await store.create('harness', ENV)];
  const { url, close } = await startRendezvous({
    listen: 'http://127.0.0.1:0',
    tokens: judge(new FileTokenStore(path)),
    limits: { revocationIntervalMs: 20 },
  });
  onTestFinished(close);
  const register = async () =>
    (await post(`${url}/cloud/environment/${ENV}/register`, executor.token)).body.url as string;
  // Another program than the rendezvous, as `signalbox token revoke` is.
  const revoke = (id: string) => new FileTokenStore(path).revoke([id]);
  return { url, executor, revoked, other, register, revoke };
}

describe('a token that is revoked', () => {
  it('closes the harness it let in, tells the executor, and leaves the others alone', async () => {
    const { url, revoked, other, register, revoke } = await rendezvousWithFile();
    const executor = await RelayPeer.connect(await register());
    const leaving = await RelayPeer.connect(harnessUrl(url, ENV, revoked.token));
    const staying = await RelayPeer.connect(harnessUrl(url, ENV, other.token));
    leaving.resume('s1');
    staying.resume('s2');
    await until(() => executor.messages.length === 2);
    await revoke(revoked.record.id);
    await leaving.closesWith(4003);
    expect(leaving.seen).toEqual(['s1 reset token_revoked']);
    await until(() => executor.seen.includes('s1 reset token_revoked'));
    expect(await refusalOf(harnessUrl(url, ENV, revoked.token))).toEqual({ status: 401, code: 'invalid_token' });
    staying.data('s2', 'still here');
    await until(() => executor.seen.includes('s2 data still here'));
    expect([staying.closed, executor.closed]).toEqual([undefined, undefined]);
  });

  it('closes the executor it let in, whose URL and token let nobody in any more, and tells its harnesses', async () => {
    const { url, executor: token, other, register, revoke } = await rendezvousWithFile();
    const executorUrl = await register();
    const executor = await RelayPeer.connect(executorUrl);
    const harness = await RelayPeer.connect(harnessUrl(url, ENV, other.token));
    harness.resume('s1');
    await executor.sees('s1 resume');
    await revoke(token.record.id);
    await executor.closesWith(4003);
    await harness.sees('s1 reset token_revoked');
    expect(await refusalOf(executorUrl)).toEqual({ status: 401, code: 'invalid_token' });
    expect((await post(`${url}/cloud/environment/${ENV}/register`, token.token)).status).toBe(401);
    expect(harness.closed).toBeUndefined();
  });

  it('ends the streams of a harness that is away and could have come back', async () => {
    const { url, revoked, register, revoke } = await rendezvousWithFile();
    const executor = await RelayPeer.connect(await register());
    const harness = await RelayPeer.connect(harnessUrl(url, ENV, revoked.token));
    harness.send('s1', { kind: 'resume', nextSeq: 0 }, RELIABILITY_RELIABLE);
    await executor.sees('s1 resume');
    executor.send('s1', data('answer', 1), RELIABILITY_RELIABLE);
    await harness.sees('s1 data answer');
    harness.socket.terminate();
    await revoke(revoked.record.id);
    await executor.sees('s1 resume', 's1 reset token_revoked');
  });
});

describe('tokens that cannot be looked up for a while', () => {
  it('let whoever is here stay', async () => {
    let looks = 0;
    let broken = false;
    const { url, other, register, revoke } = await rendezvousWithFile((store) => ({
      authenticate: (token) => store.authenticate(token),
      find: (id) => {
        looks += 1;
        return broken ? Promise.reject(new Error('the store is away')) : store.find(id);
      },
    }));
    await RelayPeer.connect(await register());
    const harness = await RelayPeer.connect(harnessUrl(url, ENV, other.token));
    broken = true;
    await revoke(other.record.id);
    const before = looks;
    await until(() => looks > before + 3);
    expect(harness.closed).toBeUndefined();
    broken = false;
    await harness.closesWith(4003);
  });
});
