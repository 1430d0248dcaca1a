/**
 * The extensions (docs/extensions.md) where no client library comes near: terminals forked in the daemon itself,
 * sandboxes, processes that are still starting, the end of the daemon, params as arrays.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/executor/executor.js';
import { brokeredSpawners, directSpawners } from '../../src/host/broker/spawners.js';
import type { SpawnChild } from '../../src/host/host-child.js';
import { isRunning } from '../harness/process-state.js';
import { describeSandbox } from '../host/sandbox/describe-sandbox.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { base64, MemoryClient } from './memory-client.js';

const MIB = 1024 * 1024;
const PATH = process.env.PATH ?? '/usr/bin:/bin';
const executor = createExecutor({ cwd: '/', env: { PATH } });
afterAll(() => executor.drain());

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

const ANY_SANDBOX = {
  permissions: {
    type: 'managed',
    network: 'restricted',
    file_system: {
      type: 'restricted',
      entries: [{ path: { type: 'special', value: { kind: 'root' } }, access: 'read' }],
    },
  },
  windowsSandboxLevel: 'disabled',
};

describe.each([
  ['by the daemon itself', () => directSpawners],
  ['by its helper', brokeredSpawners],
] as const)('a terminal forked %s', (_, spawners) => {
  const owner = createExecutor({ cwd: '/', env: { PATH }, spawners: spawners() });
  afterAll(() => owner.drain());

  it('has the size it is given, and takes another one', async () => {
    const client = await MemoryClient.ready(owner);
    const script = 'stty size; trap "stty size" WINCH; echo ready; while :; do sleep 0.01; done';
    await client.start('p', script, { tty: true, size: { rows: 2, cols: 65_535 } });
    await client.sees('p', 'ready');
    expect(client.output('p').toString()).toBe('2 65535\r\nready\r\n');
    expect(await client.result('process/resize', { processId: 'p', rows: 33, cols: 44 })).toEqual({});
    await client.sees('p', '33 44\r\n');
    await client.result('process/terminate', { processId: 'p' });
    await client.closed('p');
    expect(await client.error('process/resize', { processId: 'p', rows: 1, cols: 1 })).toEqual({
      code: -32600,
      message: 'process p has ended',
    });
  });

  it('has ended for a client, although a descendant still holds it', async () => {
    const client = await MemoryClient.ready(owner);
    await client.start('p', 'trap "" HUP; (read -r line < /dev/tty) & exit 0', { tty: true });
    await client.messages.first(({ method }) => method === 'process/exited');
    expect((await client.error('process/resize', { processId: 'p', rows: 1, cols: 1 })).message).toMatch(/has ended$/);
    await client.result('process/terminate', { processId: 'p' });
    await client.closed('p');
  });
});

describe('a process that is asked to end', () => {
  it('is killed when the daemon ends in the middle of its grace', async () => {
    const owner = createExecutor({ cwd: '/', env: { PATH } });
    const client = await MemoryClient.ready(owner);
    await client.start('p', 'trap "" TERM; echo ready; while :; do sleep 0.01; done');
    await client.start('q', 'trap "" TERM; sleep 1000 > /dev/null 2>&1 & trap - TERM; echo "$!."; wait');
    await client.sees('p', 'ready');
    await client.sees('q', '.');
    for (const processId of ['p', 'q']) {
      expect(await client.result('process/terminate', { processId, graceMs: 600_000 })).toEqual({ running: true });
    }
    await client.messages.first(({ method, params }) => method === 'process/exited' && params?.processId === 'q');
    const { processes } = await client.result('process/list');
    const [p, q] = processes as { pid: number; running: boolean; closed: boolean }[];
    expect([p?.running, q?.running, q?.closed]).toEqual([true, false, false]);
    await owner.drain();
    const orphan = Number.parseInt(client.output('q').toString(), 10);
    await until(() => !isRunning(p?.pid ?? 0) && !isRunning(orphan));
  });

  it('is not signalled any more once it is closed', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'exit 0');
    await client.closed('p');
    expect(await client.result('process/terminate', { processId: 'p', graceMs: 10 })).toEqual({ running: false });
    expect(await client.result('process/signal', { processId: 'p', signal: 'SIGTERM' })).toEqual({});
  });
});

describeSandbox('in a sandbox', () => {
  const options = { sandbox: ANY_SANDBOX, env: { PATH } };

  it('a process may take its time to end', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.01; done', options);
    await client.sees('p', 'ready');
    await client.result('process/terminate', { processId: 'p', graceMs: 600_000 });
    expect(await client.closed('p')).toBe(3);
    // On the other stream the shell may tell how its sleep ended.
    expect(client.output('p', 'stdout').toString()).toBe('ready\nbye\n');
  });

  it('a terminal has a size, and can be told another', async () => {
    const client = await MemoryClient.ready(executor);
    const script = 'stty size; trap "stty size" WINCH; echo ready; while :; do sleep 0.01; done';
    await client.start('p', script, { ...options, tty: true, size: { rows: 5, cols: 6 } });
    await client.sees('p', '5 6\r\nready');
    await client.result('process/resize', { processId: 'p', rows: 7, cols: 8 });
    await client.sees('p', '7 8\r\n');
    await client.result('process/terminate', { processId: 'p' });
    await client.closed('p');
  });
});

describe('a process that is still starting', () => {
  it('is listed without pid, and cannot be resized', async () => {
    const release: (() => void)[] = [];
    const late: SpawnChild = (_spec, listener) => {
      release.push(() => listener.failed(new Error('never meant to run')));
      return {
        write: () => {},
        endInput: () => {},
        queuedInput: 0,
        pause: () => {},
        resume: () => {},
        signalGroup: () => {},
        abandonStreams: () => {},
      };
    };
    const owner = createExecutor({ spawners: { ...directSpawners, terminal: late }, concurrentRequests: 2 });
    const client = await MemoryClient.ready(owner);
    const start = client.start('p', 'true', { tty: true });
    expect(await client.result('process/list')).toEqual({
      processes: [
        {
          processId: 'p',
          pid: null,
          command: '/bin/sh',
          tty: true,
          running: false,
          exitCode: null,
          closed: false,
          startedAt: null,
          outputBytes: 0,
          retainedBytes: 0,
          nextSeq: 1,
        },
      ],
    });
    expect((await client.error('process/resize', { processId: 'p', rows: 1, cols: 1 })).message).toBe(
      'process id p is starting',
    );
    release[0]?.();
    expect((await start).error).toBeDefined();
    expect(await client.result('process/list', {})).toEqual({ processes: [] });
    await owner.drain();
  });
});

describe('output that is promised', () => {
  it('is promised again when the process is forgotten', async () => {
    const clock = new StepClock();
    const owner = createExecutor({ clock, retentionMs: 1_000 });
    const client = await MemoryClient.ready(owner);
    const most = { retainBytes: 64 * MIB };
    for (const id of ['a', 'b', 'c']) {
      await client.start(id, 'exit 0', most);
      await client.closed(id);
    }
    expect((await client.start('d', 'exit 0', most)).error).toEqual({
      code: -32600,
      message: 'retainBytes is too much: this session can promise 0 more bytes, until other processes are gone',
    });
    clock.advance(1_000);
    expect((await client.start('d', 'exit 0', most)).result).toBeDefined();
    await client.closed('d');
    await owner.drain();
  });

  it('can be read by who was away, with a count of what is gone', async () => {
    const first = await MemoryClient.ready(executor);
    await first.start('p', `read -r line; head -c ${MIB} /dev/zero; echo end`, {
      pipeStdin: true,
      retainBytes: 64 * 1024,
    });
    first.disconnect();
    const second = await MemoryClient.ready(executor, first.sessionId);
    await second.result('process/write', { processId: 'p', chunk: base64('go\n'), writeId: '1' });
    await second.closed('p');
    const { chunks, missedBytes } = await second.result('process/read', { processId: 'p' });
    const read = Buffer.concat((chunks as { chunk: string }[]).map(({ chunk }) => Buffer.from(chunk, 'base64')));
    expect(read.toString()).toMatch(/end\n$/);
    expect(Number(missedBytes)).toBeGreaterThan(0);
    expect(read.byteLength + Number(missedBytes)).toBe(MIB + 4);
  });
});

it('leaves params given as an array as they were', async () => {
  const client = await MemoryClient.ready(executor);
  await client.start('p', 'exec sleep 1000');
  expect(await client.result('process/terminate', ['p'])).toEqual({ running: true });
  await client.closed('p');
  expect((await client.error('process/terminate', ['p', 5])).code).toBe(-32602);
  for (const graceMs of [null, undefined]) {
    expect(await client.result('process/terminate', { processId: 'p', graceMs })).toEqual({ running: false });
  }
  for (const graceMs of ['5', 1.5, true]) {
    expect((await client.error('process/terminate', { processId: 'p', graceMs })).code).toBe(-32602);
  }
  expect((await client.error('process/start', { retainBytes: 'x' })).message).toBe(
    'invalid type: string "x", expected u64',
  );
});
