import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../../proto/frame-codec.js';
import { data, type RelayPeer, rendezvousForTest, until } from './relay-peer.js';

const KIB = 1024;
const MIB = 1024 * KIB;

function tcpOf(peer: RelayPeer): Socket {
  return (peer.socket as unknown as { _socket: Socket })._socket;
}

/** Bytes that have left this peer for good; the rest still waits in its own process. */
function taken(peer: RelayPeer): number {
  return tcpOf(peer).bytesWritten - tcpOf(peer).writableLength;
}

/** Sends so much on a stream, in frames of 64 KiB, without waiting for anything. */
function flood(peer: RelayPeer, streamId: string, bytes: number): void {
  const payload = Buffer.alloc(64 * KIB, 0x2e);
  for (let sent = 0; sent < bytes; sent += payload.length) peer.data(streamId, payload);
}

/** Sends distinguishable frames as fast as they are taken; resolves to the hash of all payloads. */
async function pour(peer: RelayPeer, streamId: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const size = 60 * KIB;
  for (let sent = 0; sent < bytes; sent += size) {
    const payload = Buffer.alloc(Math.min(size, bytes - sent), `${streamId} ${sent} `);
    hash.update(payload);
    peer.send(streamId, data(payload));
    if (peer.socket.bufferedAmount > 2 * MIB) await until(() => peer.socket.bufferedAmount < MIB);
  }
  return hash.digest('hex');
}

/** Hashes payloads as they come, so that the test does not hold what the rendezvous must not hold either. */
function drain(peer: RelayPeer): { bytes: number; digest: () => string } {
  const hash = createHash('sha256');
  const drained = { bytes: 0, digest: () => hash.digest('hex') };
  peer.socket.on('message', (message: Buffer) => {
    peer.messages.length = 0;
    const { body } = decodeFrame(message);
    if (body.kind !== 'data') return;
    hash.update(body.payload);
    drained.bytes += body.payload.length;
  });
  return drained;
}

describe('back-pressure', () => {
  it('carries 100 MB each way at the same time, byte-identical, past a reader that stops and goes', async () => {
    const rendezvous = await rendezvousForTest({
      limits: { pauseAboveBytes: 256 * KIB, resumeBelowBytes: 64 * KIB, pingIntervalMs: 50 },
    });
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.resume('s1');
    await executor.sees('s1 resume');
    const [down, up] = [drain(harness), drain(executor)];
    let pauses = 0;
    harness.socket.on('message', () => {
      if (down.bytes < (pauses + 1) * 3_000_000) return;
      pauses += 1;
      harness.socket.pause();
      setImmediate(() => harness.socket.resume());
    });
    const size = 100_000_000;
    const sent = await Promise.all([pour(executor, 's1', size), pour(harness, 's1', size)]);
    await until(() => down.bytes === size && up.bytes === size);
    expect([down.digest(), up.digest()]).toEqual(sent);
    expect(pauses).toBeGreaterThan(20);
  });

  it('stops reading an executor whose harness does not read, then ends that harness and serves the others', async () => {
    const rendezvous = await rendezvousForTest({ limits: { stuckAfterMs: 1000 } });
    const [executor, stuck, other] = [
      await rendezvous.executor(),
      await rendezvous.harness(),
      await rendezvous.harness(),
    ];
    stuck.resume('s1');
    other.resume('s2');
    await until(() => executor.messages.length === 2);
    executor.messages.length = 0;
    stuck.socket.pause();
    let takenAtTheEnd = 0;
    executor.socket.once('message', () => {
      takenAtTheEnd = taken(executor);
    });
    flood(executor, 's1', 96 * MIB);
    executor.data('s2', 'after the flood');
    await executor.sees('s1 reset harness_too_slow');
    // The kernel holds some MiB a connection; the rendezvous 1 MiB. Without a bound it would have been all 96.
    expect(takenAtTheEnd).toBeLessThan(64 * MIB);
    await other.sees('s2 data after the flood');
    stuck.socket.resume();
    await stuck.closesWith(4002);
    expect(stuck.seen.at(-1)).toBe('s1 reset harness_too_slow');
    expect(stuck.messages.length * 64 * KIB).toBeLessThan(64 * MIB);
    expect(executor.closed).toBeUndefined();
  });

  it('ends an executor that does not read, on both sides, and lets the next one serve', async () => {
    const rendezvous = await rendezvousForTest({ limits: { stuckAfterMs: 500 } });
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.resume('s1');
    await executor.sees('s1 resume');
    executor.socket.pause();
    flood(harness, 's1', 48 * MIB);
    await until(() => harness.messages.length > 0);
    expect(harness.seen[0]).toBe('s1 reset executor_too_slow');
    executor.socket.resume();
    await executor.closesWith(4002);
    expect(executor.seen.at(-1)).toBe('s1 reset executor_too_slow');
    const next = await rendezvous.executor();
    await until(() => harness.socket.bufferedAmount === 0);
    harness.resume('s2');
    await until(() => next.seen.includes('s2 resume'));
  });

  it('ends the harness, not the executor, when each waits for the other to be read', async () => {
    const rendezvous = await rendezvousForTest({ limits: { stuckAfterMs: 1000 } });
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.resume('s1');
    await executor.sees('s1 resume');
    executor.socket.pause();
    harness.socket.pause();
    flood(executor, 's1', 32 * MIB);
    flood(harness, 's1', 32 * MIB);
    // Its output flows again once the harness is out of the way.
    await until(() => executor.socket.bufferedAmount === 0);
    executor.socket.resume();
    harness.socket.resume();
    await harness.closesWith(4002);
    await until(() => executor.seen.at(-1) === 's1 reset harness_too_slow');
    expect(executor.closed).toBeUndefined();
  });

  it('bears with a slow reader of one large message, because it takes something all the time', async () => {
    const rendezvous = await rendezvousForTest({ limits: { stuckAfterMs: 1000, pingIntervalMs: 100 } });
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.resume('s1');
    await executor.sees('s1 resume');
    const tcp = tcpOf(harness);
    tcp.on('data', () => {
      tcp.pause();
      setTimeout(() => tcp.resume(), 2);
    });
    const payload = Buffer.alloc(40 * MIB, 0x2e);
    executor.data('s1', payload);
    await until(() => harness.messages.length === 1 || harness.closed !== undefined);
    expect(harness.closed).toBeUndefined();
    expect(harness.bytes).toBeGreaterThan(payload.length);
  });

  it('does not read on from a peer that provokes answers and does not read them', async () => {
    const rendezvous = await rendezvousForTest({
      limits: { stuckAfterMs: 1000, pauseAboveBytes: 64 * KIB, resumeBelowBytes: 16 * KIB },
    });
    const harness = await rendezvous.harness();
    harness.socket.pause();
    const longId = 'x'.repeat(1000);
    for (let count = 0; count < 60_000; count++) harness.resume(longId);
    await until(() => tcpOf(harness).destroyed || harness.socket.bufferedAmount === 0);
    harness.socket.resume();
    await harness.closesWith(4002);
    expect(harness.messages.length).toBeLessThan(40_000);
  });
});
