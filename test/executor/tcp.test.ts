/**
 * tcp/* (docs/extensions.md) against real servers on loopback.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createExecutor } from '../../src/executor/executor.js';
import { serve } from '../stand-ins/tcp-server.js';
import { base64, MemoryClient } from './memory-client.js';

const executor = createExecutor({ cwd: '/' });
afterAll(() => executor.drain());

const KIB = 1024;
let client: MemoryClient;
beforeEach(async () => {
  client = await MemoryClient.ready(executor);
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const connect = (port: number, connectionId = 'c') =>
  client.request('tcp/connect', { connectionId, host: '127.0.0.1', port });
const write = (text: string | Uint8Array, connectionId = 'c') =>
  client.request('tcp/write', { connectionId, chunk: base64(text) });
const read = (params: object = {}) => client.result('tcp/read', { connectionId: 'c', ...params });

/** All that comes until the end. */
async function readAll(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const { chunk, eof } = await read();
    if (eof) return Buffer.concat(chunks);
    chunks.push(Buffer.from(String(chunk), 'base64'));
  }
}

describe('a TCP connection', () => {
  it('brings bytes there and back, and ends half by half', async () => {
    const bytes = randomBytes(3_000_000);
    const port = await serve((socket) => {
      const sum = createHash('sha256');
      socket.on('data', (chunk) => sum.update(chunk));
      // Only the end of what it is sent makes it answer.
      socket.on('end', () => socket.end(sum.digest('hex')));
    });
    expect((await connect(port)).result).toEqual({ address: '127.0.0.1', port });
    for (let at = 0; at < bytes.length; at += 100 * KIB) {
      expect((await write(bytes.subarray(at, at + 100 * KIB))).result).toEqual({});
    }
    expect(await client.result('tcp/end', { connectionId: 'c' })).toEqual({});
    expect((await readAll()).toString()).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(await read()).toEqual({ chunk: '', eof: true });
    expect(await client.result('tcp/close', { connectionId: 'c' })).toEqual({});
    expect(await client.error('tcp/read', { connectionId: 'c' })).toEqual({
      code: -32004,
      message: 'unknown connection `c`',
    });
  });

  it('gives at most what is asked for, in the order of asking', async () => {
    const port = await serve((socket) => socket.end('abcdefgh'));
    await connect(port);
    const answers = await Promise.all([3, 1, 4, 9].map((maxBytes) => read({ maxBytes })));
    expect(answers.map(({ chunk }) => Buffer.from(String(chunk), 'base64').toString())).toEqual([
      'abc',
      'd',
      'efgh',
      '',
    ]);
    expect(answers[3]).toMatchObject({ eof: true });
  });

  it('holds up no other request while it waits', async () => {
    const port = await serve(() => {});
    await connect(port);
    const waiting = client.post('tcp/read', { connectionId: 'c' });
    expect(await client.result('environment/status')).toEqual({ status: 'ready' });
    expect(client.replied(waiting)).toBe(false);
    await client.result('tcp/close', { connectionId: 'c' });
    expect((await client.reply(waiting)).error).toMatchObject({ message: 'the connection was closed' });
  });

  it('says why it cannot be had, and its id is free again', async () => {
    const port = await freePort();
    expect((await connect(port)).error).toEqual({ code: -32603, message: 'Connection refused (os error 111)' });
    expect((await connect(port)).error).toMatchObject({ code: -32603 });
    const nowhere = await client.error('tcp/connect', { connectionId: 'c', host: 'no-such-host.invalid', port: 1 });
    expect(nowhere).toMatchObject({ code: -32603 });
    expect(nowhere.message).toMatch(/^no address of no-such-host\.invalid is known/);
  });

  it('is told of a reset', async () => {
    const port = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await connect(port);
    const waiting = client.post('tcp/read', { connectionId: 'c' });
    await write('x');
    expect((await client.reply(waiting)).error).toEqual({
      code: -32603,
      message: 'Connection reset by peer (os error 104)',
    });
    expect((await write('y')).error).toMatchObject({ code: -32603 });
  });

  it('resets the far end when it is closed before its time, or with the connection of its client', async () => {
    const faults: string[] = [];
    const port = await serve((socket) => socket.on('error', (error) => faults.push((error as Error).message)));
    await connect(port, 'a');
    await connect(port, 'b');
    await client.result('tcp/close', { connectionId: 'a' });
    await vi.waitUntil(() => faults.length === 1);
    client.disconnect();
    await vi.waitUntil(() => faults.length === 2);
    expect(faults).toEqual(['read ECONNRESET', 'read ECONNRESET']);
  });
});

describe('what is bounded', () => {
  it('writes that the far end does not read: none is answered, and then no more are taken', async () => {
    const sockets: Socket[] = [];
    const port = await serve((socket) => sockets.push(socket.pause()));
    await connect(port);
    const block = base64(Buffer.alloc(256 * KIB));
    const ids: number[] = [];
    let refusal: string | undefined;
    for (let n = 0; n < 1000 && refusal === undefined; n += 1) {
      ids.push(client.post('tcp/write', { connectionId: 'c', chunk: block }));
      await new Promise((resolve) => setImmediate(resolve));
      refusal = client.messages.items.find(({ error }) => error !== undefined)?.error?.message;
    }
    expect(refusal).toBe('at most 1048576 bytes of one connection may wait');
    expect(ids.filter((id) => !client.replied(id)).length).toBeGreaterThan(0);
    // Read at last, all that was taken arrives.
    let received = 0;
    sockets[0]?.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    sockets[0]?.resume();
    await vi.waitUntil(() => received === (ids.length - 1) * 256 * KIB, { timeout: 10_000 });
  });

  it('what arrives and nobody asks for stays where it is', async () => {
    let sent = 0;
    const port = await serve((socket) => {
      const more = () => {
        while (socket.write(Buffer.alloc(64 * KIB))) sent += 64 * KIB;
      };
      socket.on('drain', more);
      more();
    });
    await connect(port);
    let before = -1;
    await vi.waitUntil(
      () => {
        const stands = sent === before;
        before = sent;
        return stands;
      },
      { interval: 300, timeout: 15_000 },
    );
    // The kernel's buffers, and no more of ours than is read ahead.
    expect(sent).toBeLessThan(32 * KIB * KIB);
  });

  it('a client that takes no answers gets none', async () => {
    const port = await serve((socket) => socket.end('late'));
    await connect(port);
    const waiting = client.post('tcp/read', { connectionId: 'c' });
    await client.reply(waiting);
    client.transport.block();
    const held = client.post('tcp/read', { connectionId: 'c' });
    await client.result('environment/status');
    expect(client.replied(held)).toBe(false);
    client.transport.unblock();
    expect((await client.reply(held)).result).toEqual({ chunk: '', eof: true });
  });

  it('ids, reads and connections', async () => {
    const port = await serve(() => {});
    await connect(port);
    expect((await connect(port)).error).toEqual({ code: -32600, message: 'connection `c` already exists' });
    expect((await connect(port, 'x'.repeat(65))).error).toMatchObject({ code: -32600 });
    for (let n = 0; n < 16; n += 1) client.post('tcp/read', { connectionId: 'c' });
    expect(await client.error('tcp/read', { connectionId: 'c' })).toEqual({
      code: -32600,
      message: 'at most 16 reads of one connection may wait',
    });
    const more = await Promise.all(Array.from({ length: 255 }, (_, n) => connect(port, `n${n}`)));
    expect(more.every(({ error }) => error === undefined)).toBe(true);
    expect((await connect(port, 'one more')).error).toEqual({
      code: -32600,
      message: 'at most 256 TCP connections may be open per connection',
    });
  });

  it('params', async () => {
    const faults: readonly [string, object][] = [
      ['tcp/connect', { connectionId: 'c', host: '127.0.0.1', port: 0 }],
      ['tcp/connect', { connectionId: 'c', host: '127.0.0.1', port: 65_536 }],
      ['tcp/connect', { connectionId: 'c', host: '', port: 1 }],
      ['tcp/connect', { connectionId: 'c', host: 'a b', port: 1 }],
      ['tcp/connect', { connectionId: 'c', host: 'a', port: 1, timeoutMs: 0 }],
      ['tcp/read', { connectionId: 'c', maxBytes: 0 }],
      ['tcp/write', { connectionId: 'c', chunk: '*' }],
      ['tcp/write', { connectionId: 'c', chunk: base64(Buffer.alloc(256 * KIB + 1)) }],
    ];
    for (const [method, params] of faults) {
      expect(await client.error(method, params), JSON.stringify(params).slice(0, 80)).toMatchObject({ code: -32602 });
    }
  });
});
