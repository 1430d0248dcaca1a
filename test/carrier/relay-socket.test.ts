import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { plainFrame } from '../../proto/frame.js';
import type { CarrierListener } from '../../src/carrier/carrier.js';
import { RelaySocket } from '../../src/carrier/relay-socket.js';
import { type FakeRendezvous, startFakeRendezvous } from '../stand-ins/fake-rendezvous.js';

describe('the socket to a rendezvous', () => {
  let rendezvous: FakeRendezvous;
  const opened: RelaySocket[] = [];
  beforeEach(async () => {
    rendezvous = await startFakeRendezvous();
  });
  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.destroy();
    await rendezvous.close();
  });

  function connect(path = '', options: { longestMessage?: number } = {}) {
    const told: string[] = [];
    const listener: CarrierListener = {
      opened: () => told.push('opened'),
      message: (message) => told.push(`message of ${message.length}`),
      text: () => told.push('text'),
      ponged: () => told.push('ponged'),
      refused: (status, message) => told.push(`refused ${status} ${message}`),
      closed: (code, reason) => told.push(`closed ${code} ${reason}`),
    };
    const url = rendezvous.url + path;
    const socket = new RelaySocket({ url, connectMs: 5000, longestMessage: 1000, ...options }, listener);
    opened.push(socket);
    const hears = (what: string | RegExp) =>
      vi.waitUntil(() => told.some((line) => (typeof what === 'string' ? line === what : what.test(line))), {
        timeout: 10_000,
        interval: 2,
      });
    return { socket, told, hears };
  }

  async function connected() {
    const it = connect();
    await it.hears('opened');
    return { ...it, peer: await rendezvous.sockets.first() };
  }

  it('tells of messages, text and the end', async () => {
    const { told, hears, peer } = await connected();
    peer.sendBytes(new Uint8Array(5));
    peer.sendText('hello');
    peer.close(1012, 'restart');
    await hears(/closed/);
    expect(told).toEqual(['opened', 'message of 5', 'text', 'closed 1012 restart']);
  });

  it('ends at a message that is too long', async () => {
    const { told, hears, peer } = await connected();
    peer.sendBytes(new Uint8Array(1001));
    await hears(/closed/);
    expect((await peer.closed).code).toBe(1009);
    expect(told.at(-1)).toMatch(/^closed 1006 Max payload size exceeded/);
  });

  it('hears an answer to its ping, once', async () => {
    const { socket, told, hears, peer } = await connected();
    socket.ping();
    await hears('ponged');
    peer.sendBytes(new Uint8Array(5));
    await hears('message of 5');
    expect(told).toEqual(['opened', 'ponged', 'message of 5']);
  });

  it('takes whatever arrives for an answer to its ping, because the pong may wait behind it', async () => {
    const { socket, hears, peer } = await connected();
    peer.stopAnsweringPings();
    socket.ping();
    await peer.pings.first();
    peer.send(plainFrame('s1', { kind: 'heartbeat' }));
    await hears('ponged');
  });

  it('does not take its own silence for that of the peer', async () => {
    const { socket, told, hears, peer } = await connected();
    peer.stopAnsweringPings();
    socket.setReading(false);
    socket.ping();
    await hears('ponged');
    socket.setReading(true);
    socket.ping();
    await peer.pings.atLeast(2);
    expect(told.filter((line) => line === 'ponged')).toHaveLength(1);
    socket.setReading(false);
    await vi.waitUntil(() => told.filter((line) => line === 'ponged').length === 2, { interval: 2 });
  });

  it('tells the status and the words of a refusal', async () => {
    rendezvous.next({ kind: 'refuse', status: 418 });
    const { told, hears } = connect();
    await hears(/refused/);
    expect(told).toEqual(['refused 418 Refused']);
  });

  it('sends more than 8 MiB in pieces that a release takes, as one message', async () => {
    const { socket, peer } = await connected();
    const large = Buffer.alloc(20 * 1024 * 1024, 'x');
    socket.send(large);
    const [stray] = await peer.strays.atLeast(1);
    expect(large.equals(stray as Uint8Array)).toBe(true);
  });

  it('says nothing more once it is destroyed, and drops the connection', async () => {
    const { socket, told, peer } = await connected();
    socket.destroy();
    expect((await peer.closed).code).toBe(1006);
    socket.send(new Uint8Array(1));
    socket.ping();
    socket.close(1000, '');
    expect(told).toEqual(['opened']);
  });
});
