/**
 * A rendezvous that commits faults on purpose, over real sockets: what it harms, and what it spares.
 */
import { describe, expect, it } from 'vitest';
import { RELIABILITY_RELIABLE } from '../../proto/frame.js';
import type { Faults } from '../../src/rendezvous/faults.js';
import { data, type RelayPeer, rendezvousForTest, until } from './relay-peer.js';

const NO_FAULTS: Faults = { drop: 0, duplicate: 0, reorder: 0, delayMs: 0, delaySpreadMs: 0, cutMs: 0, seed: 1 };
const COUNT = 300;

async function pairWith(faults: Partial<Faults>) {
  const rendezvous = await rendezvousForTest({ faults: { ...NO_FAULTS, ...faults } });
  return { rendezvous, executor: await rendezvous.executor(), harness: await rendezvous.harness() };
}

/** Opens a stream on which both ends say that they repair what is lost. */
async function openReliable(streamId: string, harness: RelayPeer, executor: RelayPeer): Promise<void> {
  harness.send(streamId, { kind: 'resume', nextSeq: 1 }, RELIABILITY_RELIABLE);
  await until(() => executor.seen.includes(`${streamId} resume`));
  executor.send(streamId, { kind: 'ack' }, RELIABILITY_RELIABLE);
  await until(() => harness.seen.includes(`${streamId} ack`));
}

const numbersOf = (peer: RelayPeer, streamId: string) =>
  peer.seen.filter((what) => what.startsWith(`${streamId} data`)).map((what) => Number(what.split(' ')[2]));

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

describe('a rendezvous with faults', () => {
  it('harms reliable streams in both directions, and neither the others beside them nor resets', async () => {
    const { harness, executor } = await pairWith({ drop: 0.3, duplicate: 0.3, reorder: 3 });
    await openReliable('lasting', harness, executor);
    for (const number of upTo(COUNT)) {
      for (const peer of [harness, executor]) {
        peer.send('lasting', data(`${number}`, number), RELIABILITY_RELIABLE);
        if (number === 0 && peer === executor) await until(() => executor.seen.includes('release data 0'));
        peer.data('release', `${number}`, number);
      }
    }
    // Resets end the routes, and with them what the executor still has under way.
    await until(() => numbersOf(harness, 'release').length === COUNT);
    harness.send('lasting', { kind: 'reset', reason: 'enough' }, RELIABILITY_RELIABLE);
    harness.send('release', { kind: 'reset', reason: 'enough' });
    await until(() => executor.seen.includes('release reset enough'));
    expect(executor.seen).toContain('lasting reset enough');
    for (const peer of [harness, executor]) {
      expect(numbersOf(peer, 'release')).toEqual(upTo(COUNT));
      const harmed = numbersOf(peer, 'lasting');
      const kept = new Set(harmed).size;
      expect(kept).toBeLessThan(COUNT * 0.85);
      expect(kept).toBeGreaterThan(COUNT * 0.5);
      expect(harmed.length).toBeGreaterThan(kept * 1.1);
    }
  });

  it('brings all that opens a stream over Noise, each frame once and in order', async () => {
    const { harness, executor } = await pairWith({ drop: 1, duplicate: 1, reorder: 3 });
    const handshake = { kind: 'handshake', payload: Buffer.from('x') } as const;
    for (const number of upTo(COUNT)) {
      harness.send(`s${number % 100}`, { kind: 'resume', nextSeq: 1 }, RELIABILITY_RELIABLE);
      harness.send(`s${number % 100}`, handshake, RELIABILITY_RELIABLE);
    }
    await executor.sees(...upTo(COUNT).flatMap((number) => [`s${number % 100} resume`, `s${number % 100} handshake`]));
    for (const number of upTo(100)) executor.send(`s${number}`, handshake, RELIABILITY_RELIABLE);
    // Now each is one that gets over what is lost, but a handshake still is not.
    await until(() => harness.messages.length === 100);
    for (const number of upTo(100)) executor.send(`s${number}`, handshake, RELIABILITY_RELIABLE);
    await harness.sees(...[...upTo(100), ...upTo(100)].map((number) => `s${number} handshake`));
  });

  it('cuts sockets without a goodbye', async () => {
    const { harness, executor } = await pairWith({ cutMs: 300 });
    await openReliable('s1', harness, executor);
    await Promise.all([harness.closesWith(1006), executor.closesWith(1006)]);
  });

  it('cuts those of releases too', async () => {
    const { harness, executor } = await pairWith({ cutMs: 300 });
    harness.resume('s1');
    await until(() => harness.closed !== undefined || executor.closed !== undefined);
    // Their stream is over with it, and a socket without one is left alone.
    await until(() => [...harness.seen, ...executor.seen].some((what) => /^s1 reset \w+_disconnected$/.test(what)));
  });

  it('brings what was under way from a socket that said goodbye, in order, before the stream ends', async () => {
    const { harness, executor } = await pairWith({ delayMs: 60_000 });
    harness.resume('s1');
    for (const number of upTo(5)) harness.data('s1', `${number}`, number);
    harness.socket.close(1000);
    await executor.sees('s1 resume', ...upTo(5).map((number) => `s1 data ${number}`), 's1 reset harness_disconnected');
  });

  it('closes at once although much is under way', async () => {
    const { rendezvous, harness, executor } = await pairWith({ delayMs: 60_000 });
    for (const number of upTo(5)) harness.data('s1', `${number}`, number);
    await rendezvous.close();
    await Promise.all([harness.closesWith(1012), executor.closesWith(1012)]);
    expect(executor.messages).toEqual([]);
  });

  it('takes no more than it can hold from a peer that floods it, and loses nothing of it', async () => {
    const MIB = 1024 * 1024;
    const { harness, executor } = await pairWith({ delayMs: 500 });
    const payload = Buffer.alloc(MIB, 0x2e);
    for (let sent = 0; sent < 64; sent++) harness.data('s1', payload, sent);
    // Before the first frame arrives the flood has filled the line and the kernel, and no more of it can leave.
    await until(() => executor.messages.length > 0);
    expect(harness.socket.bufferedAmount).toBeGreaterThan(16 * MIB);
    await until(() => executor.messages.length === 64);
  });
});
