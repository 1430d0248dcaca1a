/**
 * Sessions that outlive their transport: our executor behind a proxy that cuts, on a plain WebSocket, where nothing but
 * the session is left of what was.
 */
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createExecutor, type Executor } from '../../src/executor/executor.js';
import { listenWebSocket, type WebSocketListener } from '../../src/executor/websocket-listener.js';
import { connect } from '../../src/harness/connect.js';
import type { Harness } from '../../src/harness/harness.js';
import { type FaultyProxy, startFaultyProxy } from '../stand-ins/faulty-proxy.js';

let folder: string;
let executor: Executor;
let listener: WebSocketListener;
let proxy: FaultyProxy;
let harness: Harness;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-recovery-'));
  executor = createExecutor({ cwd: folder });
  listener = await listenWebSocket({ host: '127.0.0.1', port: 0, server: executor.server });
  proxy = await startFaultyProxy({ target: listener.url, seed: 1 });
  harness = await connect({ url: proxy.url, clientName: 'test' });
});
afterEach(async () => {
  await harness.close();
  await proxy.close();
  await listener.close();
  await executor.drain();
  await rm(folder, { recursive: true, force: true });
});

const sh = (script: string, options: object = {}) => harness.startProcess({ argv: ['sh', '-c', script], ...options });
const lines = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, n) => `line ${first + n}\n`).join('');
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error as { code?: string; message: string },
  );

/** Goes on once the test has made the file. */
const AWAIT_GO = 'while [ ! -e go ]; do sleep 0.01; done';
const go = () => appendFile(join(folder, 'go'), '');

describe('R49: a session whose transport is cut', () => {
  it('goes on: output printed meanwhile is read back, and the exit is heard', async () => {
    const child = await sh(`for n in 1 2 3; do echo line $n; done; ${AWAIT_GO}; echo line 4; exit 3`);
    const reading = text(child.stdout);
    const before = harness.sessionId;
    proxy.refuse(true);
    proxy.cut();
    await go();
    proxy.refuse(false);
    expect(await child.closed).toEqual({ exitCode: 3 });
    expect(await reading).toBe(lines(1, 4));
    expect(harness.sessionId).toBe(before);
    expect(await failure(harness.request('environment/status'))).toBeUndefined();
  });

  it('goes on again and again, under a process that never stops printing', async () => {
    const child = await sh('for n in $(seq 1500); do echo line $n; test $((n % 10)) = 0 && sleep 0.01; done; exit 4');
    const reading = text(child.stdout);
    let over = false;
    void child.closed.then(() => {
      over = true;
    });
    let cuts = 0;
    for (; !over; cuts += 1) {
      const before = proxy.connections;
      proxy.cut();
      await vi.waitUntil(() => over || proxy.connections > before, { interval: 5, timeout: 10_000 });
      await failure(harness.request('environment/info'));
    }
    expect(cuts).toBeGreaterThan(2);
    expect(await child.closed).toEqual({ exitCode: 4 });
    expect(await reading).toBe(lines(1, 1500));
  }, 60_000);

  it('asks again what only reads, and what was not asked yet', async () => {
    const child = await sh(`${AWAIT_GO}; echo news; sleep 1000`);
    const waiting = harness.request('process/read', { processId: child.processId, afterSeq: 0, waitMs: 60_000 });
    proxy.cut();
    await vi.waitUntil(() => harness.isRecovering, { interval: 1, timeout: 10_000 });
    const later = harness.files.writeFile(join(folder, 'later'), 'done');
    await go();
    expect(await waiting).toMatchObject({ chunks: [{ seq: 1, chunk: Buffer.from('news\n').toString('base64') }] });
    await later;
    expect(await readFile(join(folder, 'later'), 'utf8')).toBe('done');
  });

  it('R50: reports what may have been done, and does not do it again', async () => {
    // Nothing comes back any more.
    proxy.setFaults({ toClient: { drop: 1 } });
    const marking = failure(harness.startProcess({ argv: ['sh', '-c', `echo ran >> ${join(folder, 'mark')}`] }));
    await vi.waitUntil(() => readFile(join(folder, 'mark'), 'utf8').catch(() => ''), { interval: 5, timeout: 10_000 });
    proxy.setFaults({ toClient: { drop: 0 } });
    proxy.cut();
    const error = await marking;
    expect(error).toMatchObject({ code: 'fate_unknown' });
    expect(error?.message).toContain('process/start');
    await harness.request('environment/info');
    expect(await readFile(join(folder, 'mark'), 'utf8')).toBe('ran\n');
  });

  it('writes input once, whatever was under way', async () => {
    const child = await sh('cat', { stdin: true });
    const reading = text(child.stdout);
    for (let n = 1; n <= 50; n += 1) {
      child.stdin.write(`line ${n}\n`);
      if (n % 10 === 0) proxy.cut();
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.stdin.end();
    expect(await child.closed).toEqual({ exitCode: 0 });
    expect(await reading).toBe(lines(1, 50));
  });

  it('says how many bytes of output could not be read back', async () => {
    const script = `echo first; ${AWAIT_GO}; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last; touch done`;
    const child = await sh(script, { retainBytes: 65_536 });
    let length = 0;
    let tail = '';
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      tail = (tail + chunk.toString()).slice(-10);
    });
    await vi.waitUntil(() => length === 6, { interval: 5, timeout: 10_000 });
    proxy.refuse(true);
    proxy.cut();
    await go();
    await vi.waitUntil(() => readFile(join(folder, 'done')).catch(() => false), { interval: 5, timeout: 10_000 });
    proxy.refuse(false);
    const error = await failure(child.closed);
    expect(error).toMatchObject({ code: 'output_lost' });
    const lost = Number(/^(\d+) bytes/.exec(error?.message ?? '')?.[1]);
    expect(lost).toBeGreaterThan(1_000_000);
    expect(length + lost).toBe(6 + 3_000_000 + 1 + 5);
    expect(tail.endsWith('\nlast\n')).toBe(true);
    expect(await child.exited).toEqual({ exitCode: 0 });
  });
});

describe('a session that cannot be had again', () => {
  it('is over when its time is: everything fails with the reason', async () => {
    await harness.close();
    harness = await connect({ url: proxy.url, recoverMs: 300 });
    const child = await sh('exec sleep 1000');
    const waiting = failure(harness.request('process/read', { processId: child.processId, waitMs: 60_000 }));
    proxy.refuse(true);
    proxy.cut();
    const reason = await harness.over;
    expect(reason).toMatchObject({
      code: 'transport_lost',
      message: expect.stringContaining('could not be had again'),
    });
    expect(await waiting).toMatchObject({ code: 'transport_lost' });
    expect(await failure(child.closed)).toMatchObject({ code: 'transport_lost' });
    expect(await failure(harness.request('environment/info'))).toMatchObject({ code: 'transport_lost' });
  });

  it('is over at once when the executor does not know it', async () => {
    const child = await sh('exec sleep 1000');
    proxy.refuse(true);
    proxy.cut();
    const { port } = new URL(listener.url);
    await listener.close();
    await executor.drain();
    executor = createExecutor({ cwd: folder });
    listener = await listenWebSocket({ host: '127.0.0.1', port: Number(port), server: executor.server });
    proxy.refuse(false);
    expect(await harness.over).toMatchObject({ code: 'session_lost' });
    expect(await failure(child.closed)).toMatchObject({ code: 'session_lost' });
  });

  it('may be closed while it is tried', async () => {
    proxy.refuse(true);
    proxy.cut();
    await vi.waitUntil(() => harness.isRecovering, { interval: 1, timeout: 10_000 });
    const waiting = failure(harness.request('environment/info'));
    await harness.close();
    expect(await waiting).toMatchObject({ code: 'closed' });
    expect(await harness.over).toBeUndefined();
  });
});
