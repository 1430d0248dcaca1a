import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { plainFrame } from '../../proto/frame.js';
import { encodeFrame } from '../../proto/frame-codec.js';
import { type FakeRendezvous, startFakeRendezvous } from './fake-rendezvous.js';
import { type FaultyProxy, type FaultyProxyOptions, startFaultyProxy } from './faulty-proxy.js';

function dataFrame(streamId: string, seq: number, payload = Buffer.from(`message ${seq}`)): Uint8Array {
  return encodeFrame(plainFrame(streamId, { kind: 'data', seq, segmentIndex: 0, segmentCount: 1, payload }));
}

describe('faulty proxy', () => {
  let server: FakeRendezvous;
  let proxy: FaultyProxy;
  const clients: WebSocket[] = [];

  beforeEach(async () => {
    server = await startFakeRendezvous();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await proxy?.close();
    await server.close();
  });

  async function start(options: Omit<FaultyProxyOptions, 'target' | 'seed'> = {}): Promise<void> {
    proxy = await startFaultyProxy({ target: server.url, seed: 1, ...options });
  }

  function connect(path = '/', headers: Record<string, string> = {}): WebSocket {
    const client = new WebSocket(proxy.through(server.url + path), { headers });
    clients.push(client);
    client.on('error', () => {});
    return client;
  }

  it('passes path, query, authorization and every byte through when it has no faults', async () => {
    await start({ keepPayloads: true });
    const client = connect('/ws/environment/box1?role=harness&sig=a%2Fb', { authorization: 'Bearer abc' });
    await once(client, 'open');
    const socket = await server.sockets.first();
    expect(socket.path).toBe('/ws/environment/box1?role=harness&sig=a%2Fb');
    expect(socket.request.headers.authorization).toBe('Bearer abc');
    // An unknown field must survive, so the bytes are not those of a codec.
    const bytes = Buffer.concat([dataFrame('s1', 0), Buffer.from([0x78, 0x01])]);
    client.send(bytes);
    client.send('some text');
    const received = await socket.frames.first();
    expect(Buffer.from(received.bytes).equals(bytes)).toBe(true);
    expect(await socket.strays.first()).toBe('some text');
    const echoed = once(client, 'message');
    socket.sendBytes(bytes);
    const [echo, isBinary] = (await echoed) as [Buffer, boolean];
    expect([echo.equals(bytes), isBinary]).toEqual([true, true]);
    expect(proxy.seen).toMatchObject([
      { direction: 'toServer', connection: 0, streamId: 's1', kind: 'data', seq: 0, segmentCount: 1, size: 9 },
      { direction: 'toClient', connection: 0, streamId: 's1', kind: 'data', seq: 0 },
    ]);
    expect(Buffer.from(proxy.seen[0]?.payload ?? []).toString()).toBe('message 0');
    expect(proxy.strays).toEqual({ toServer: 1, toClient: 0 });
  });

  it('mistreats messages as told and accounts for each of them', async () => {
    await start({ toServer: { drop: 0.1, duplicate: 0.1, swap: 0.2, delay: 0.1, delayMs: 5 } });
    const client = connect();
    await once(client, 'open');
    for (let seq = 0; seq < 2000; seq++) client.send(dataFrame('s1', seq));
    const socket = await server.sockets.first();
    await expect.poll(() => proxy.counts.toServer.offered).toBe(2000);
    const { dropped, duplicated, swapped, delayed } = proxy.counts.toServer;
    for (const count of [dropped, duplicated, swapped, delayed]) expect(count).toBeGreaterThan(100);
    const received = (await socket.frames.atLeast(2000 - dropped + duplicated)).map(({ frame }) => frame.body);
    expect(proxy.counts.toServer.delivered).toBe(received.length);
    const numbers = received.map((body) => (body.kind === 'data' ? body.seq : -1));
    expect(new Set(numbers).size).toBe(2000 - dropped);
    expect(numbers).not.toEqual(numbers.toSorted((one, other) => one - other));
    // What the proxy did is not what the sender did.
    expect(proxy.sentTwice()).toEqual([]);
    client.send(dataFrame('s1', 7));
    client.send(dataFrame('s2', 7));
    await expect.poll(() => proxy.seen.length).toBe(2002);
    expect(proxy.sentTwice()).toMatchObject([{ streamId: 's1', seq: 7 }]);
  });

  it('carries bulk in order to a reader that is slow', async () => {
    await start();
    const client = connect();
    await once(client, 'open');
    const socket = await server.sockets.first();
    socket.stall();
    const payload = Buffer.alloc(60_000, 7);
    for (let seq = 0; seq < 400; seq++) client.send(dataFrame('s1', seq, payload));
    await expect.poll(() => proxy.seen.length).toBeGreaterThan(10);
    socket.resume();
    const received = await socket.frames.atLeast(400);
    expect(received.map(({ frame }) => (frame.body.kind === 'data' ? frame.body.seq : -1))).toEqual(
      Array.from({ length: 400 }, (_, seq) => seq),
    );
  });

  it('cuts both sides without a goodbye, and lets them connect again unless told to refuse', async () => {
    await start();
    const client = connect();
    await once(client, 'open');
    const socket = await server.sockets.first();
    const closed = once(client, 'close');
    proxy.cut();
    expect([(await closed)[0], (await socket.closed).code]).toEqual([1006, 1006]);
    proxy.refuse(true);
    const [, response] = await once(connect(), 'unexpected-response');
    expect((response as { statusCode: number }).statusCode).toBe(503);
    proxy.refuse(false);
    await once(connect(), 'open');
    expect(proxy.connections).toBe(2);
  });

  it('passes a goodbye and a refusal on', async () => {
    await start();
    const client = connect();
    await once(client, 'open');
    const closed = once(client, 'close');
    (await server.sockets.first()).close(1012, 'restarting');
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1012, 'restarting']);
    server.next({ kind: 'refuse', status: 410 });
    const [, response] = await once(connect(), 'unexpected-response');
    expect((response as { statusCode: number }).statusCode).toBe(410);
  });

  it('answers 502 for a server that is not there', async () => {
    await start();
    await server.close();
    const [, response] = await once(connect(), 'unexpected-response');
    expect((response as { statusCode: number }).statusCode).toBe(502);
  });
});

describe('faulty proxy before a registry', () => {
  it('hands out URLs that lead through it', async () => {
    const registry: Server = createServer((request, response) => {
      const { port } = registry.address() as AddressInfo;
      response.writeHead(201, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ path: request.url, url: `ws://127.0.0.1:${port}/ws` }));
    });
    registry.listen(0, '127.0.0.1');
    await once(registry, 'listening');
    const { port } = registry.address() as AddressInfo;
    const proxy = await startFaultyProxy({ target: `http://127.0.0.1:${port}`, seed: 1 });
    try {
      const reply = await fetch(proxy.through(`http://127.0.0.1:${port}/cloud/x?y=1`), { method: 'POST', body: 'abc' });
      expect(reply.status).toBe(201);
      expect(await reply.json()).toEqual({ path: '/cloud/x?y=1', url: `${proxy.url}/ws` });
    } finally {
      await proxy.close();
      registry.closeAllConnections();
      registry.close();
    }
  });
});
