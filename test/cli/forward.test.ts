/**
 * `signalbox forward` as a process: real TCP servers on the executor's side, real clients here.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type FaultyProxy, startFaultyProxy } from '../stand-ins/faulty-proxy.js';
import { serve } from '../stand-ins/tcp-server.js';
import { printed, type Running, runProgram, scratchFolder, startProgram, startUp } from './program.js';
import { startExecutor, startRelay } from './relay.js';

const echo = () => serve((socket) => socket.pipe(socket));

/** The port here on its first line. */
async function localPort(run: Running): Promise<number> {
  return Number(await printed(run, /^127\.0\.0\.1:(\d+) -> \S+\n/));
}

function dial(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  return socket;
}

const failure = (socket: Socket) => once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('signalbox forward', () => {
  let state: string;
  let up: Running;
  beforeEach(async () => {
    ({ up, state } = await startUp({ lasting: true }));
  });
  afterEach(async () => {
    up.child.kill('SIGTERM');
    await up.ended;
  });
  const forward = (...args: string[]) => startProgram({ state }, 'forward', ...args);

  it('says where it listens, and carries 20 MB there and back', async () => {
    const port = await echo();
    const run = forward(`0:${port}`);
    const local = await localPort(run);
    expect(run.stdout().toString()).toBe(`127.0.0.1:${local} -> 127.0.0.1:${port}\n`);
    const bytes = randomBytes(20_000_000);
    const socket = dial(local);
    socket.end(bytes);
    expect(sha256(await buffer(socket))).toBe(sha256(bytes));
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);

  it('carries the end of one half, and what comes back after it', async () => {
    const port = await serve((socket) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('end', () => socket.end(`got ${Buffer.concat(chunks).length}`));
    });
    const local = await localPort(forward(`0:127.0.0.1:${port}`));
    const socket = dial(local);
    socket.write('abc');
    socket.end('defgh');
    expect(await text(socket)).toBe('got 8');
    // And the other way round: the far end is silent first.
    const silent = await serve((far) => {
      far.end('bye');
      far.on('data', (chunk) => received.push(chunk));
      far.on('end', () => received.push(Buffer.from('.')));
    });
    const received: Buffer[] = [];
    const other = dial(await localPort(forward(`0:127.0.0.1:${silent}`)));
    const said = new Promise<string>((resolve) => {
      let all = '';
      other.on('data', (chunk) => {
        all += chunk;
      });
      other.on('end', () => resolve(all));
    });
    expect(await said).toBe('bye');
    other.end('still here');
    await vi.waitUntil(() => Buffer.concat(received).toString() === 'still here.');
  });

  it('resets what is refused over there, says so, and goes on', async () => {
    const port = await echo();
    const run = forward('0:1', `0:${port}`);
    const refused = dial(await localPort(run));
    expect(await failure(refused)).toBe('ECONNRESET');
    await printed(run, /a connection to 127\.0\.0\.1:1 was reset: Connection refused/, 'stderr');
    const other = Number(await printed(run, /\n127\.0\.0\.1:(\d+) -> /));
    const socket = dial(other);
    socket.end('hello');
    expect(await text(socket)).toBe('hello');
  });

  it('carries a reset of the far end, and one from here', async () => {
    const faults: (string | undefined)[] = [];
    const port = await serve((socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => faults.push(error.code));
      socket.once('data', (chunk) => {
        if (chunk.toString() === 'x') socket.resetAndDestroy();
        else socket.write('go on');
      });
    });
    const local = await localPort(forward('-q', `0:${port}`));
    const one = dial(local);
    one.write('x');
    expect(await failure(one)).toBe('ECONNRESET');
    const other = dial(local);
    other.write('y');
    await once(other, 'data');
    other.resetAndDestroy();
    await vi.waitUntil(() => faults.length > 0, { timeout: 10_000 });
    expect(faults).toEqual(['ECONNRESET']);
  });

  it('holds a sender back while nobody reads, and delays no other connection', async () => {
    let sent = 0;
    const port = await serve((socket) => {
      const more = () => {
        while (socket.write(Buffer.alloc(64 * 1024))) sent += 64 * 1024;
      };
      socket.on('drain', more);
      more();
    });
    const echoing = await echo();
    const run = forward(`0:${port}`, `0:${echoing}`);
    const slow = dial(await localPort(run));
    slow.pause();
    let before = -1;
    await vi.waitUntil(
      () => {
        const stands = sent > 0 && sent === before;
        before = sent;
        return stands;
      },
      { interval: 500, timeout: 30_000 },
    );
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    const socket = dial(Number(await printed(run, /\n127\.0\.0\.1:(\d+) -> /)));
    socket.end('not delayed');
    expect(await text(socket)).toBe('not delayed');
  }, 60_000);

  it('carries 100 connections at once', async () => {
    const local = await localPort(forward(`0:${await echo()}`));
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const socket = dial(local);
        socket.end(`${n} `.repeat(10_000));
        return text(socket);
      }),
    );
    expect(answers.every((answer, n) => answer === `${n} `.repeat(10_000))).toBe(true);
  }, 60_000);

  it('tells a program where it listens', async () => {
    const run = forward('--json', '0:localhost:80');
    const told = JSON.parse(await printed(run, /^(\{.*\})\n/)) as object;
    expect(told).toEqual({ local: expect.stringMatching(/^127\.0\.0\.1:\d+$/), remote: 'localhost:80' });
  });

  it('says what is wrong', async () => {
    const fails = async (...args: string[]) => {
      const { code, stderr } = await runProgram({ state }, ['forward', ...args]);
      expect(stderr).toMatch(/^signalbox: [^\n]+\n$/);
      return [code, stderr];
    };
    for (const bad of ['x', '1:2:3:4:5', '70000', '0:0', '::', '1:', '8080:a b:1']) {
      expect(await fails(bad)).toEqual([2, expect.stringContaining('not a forwarding')]);
    }
    const taken = await echo();
    expect(await fails(`${taken}:80`)).toEqual([1, expect.stringContaining('the port is in use')]);
    expect(await fails('--url', 'ws://127.0.0.1:1/', '0:80')).toEqual([255, expect.stringContaining('ECONNREFUSED')]);
  }, 30_000);
});

describe('a forwarded connection whose carrier is cut', () => {
  /** Numbers, one a line, both ways at once, until the client ends. */
  it('loses and doubles no byte over the relay', async () => {
    const relay = await startRelay();
    const [harnessProxy, executorProxy] = (await Promise.all(
      [1, 2].map((seed) => startFaultyProxy({ target: relay.url, seed })),
    )) as [FaultyProxy, FaultyProxy];
    await startExecutor(relay, executorProxy.through(relay.url), relay.state);
    const env = { SIGNALBOX_TOKEN: relay.harnessToken };
    const address = ['--url', harnessProxy.through(relay.url), '--env', 'box'];
    const run = startProgram({ state: relay.state, env }, 'forward', ...address, `0:${await echo()}`);
    const socket = dial(await localPort(run));
    const bytes = randomBytes(20_000_000);
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    const all = buffer(socket);
    socket.end(bytes);
    for (const share of [0.2, 0.5, 0.8]) {
      await vi.waitUntil(() => received > bytes.length * share, { interval: 2, timeout: 60_000 });
      harnessProxy.cut();
      executorProxy.cut();
    }
    expect(sha256(await all)).toBe(sha256(bytes));
    expect(run.stderr()).toBe('');
    await Promise.all([harnessProxy.close(), executorProxy.close()]);
  }, 90_000);

  it('is reset when nothing carries it on, and later ones work again', async () => {
    const state = await scratchFolder();
    const start = async (listen: string) => {
      const executor = startProgram({ state }, 'executor', '--listen', listen);
      return { executor, url: await printed(executor, /(ws:\/\/127\.0\.0\.1:\d+)/) };
    };
    const { executor, url } = await start('ws://127.0.0.1:0');
    const proxy = await startFaultyProxy({ target: url, seed: 1 });
    const port = await echo();
    const run = startProgram({ state }, 'forward', '--url', proxy.url, `0:${port}`);
    const local = await localPort(run);
    const works = async () => {
      const socket = dial(local);
      socket.end('hello');
      return await text(socket).catch(() => 'reset');
    };
    const lasting = dial(local);
    lasting.write('x');
    await once(lasting, 'data');
    const reset = failure(lasting);
    proxy.cut();
    expect(await reset).toBe('ECONNRESET');
    expect(await works()).toBe('hello');
    // The executor itself is another one: the session is lost for good.
    const again = dial(local);
    again.write('x');
    await once(again, 'data');
    const lost = failure(again);
    executor.child.kill('SIGKILL');
    await executor.ended;
    await start(url);
    expect(await lost).toBe('ECONNRESET');
    await vi.waitUntil(async () => (await works()) === 'hello', { interval: 100, timeout: 30_000 });
    await proxy.close();
  }, 90_000);
});
