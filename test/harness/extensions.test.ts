/**
 * What our executor offers beyond the releases' API (docs/extensions.md), asked for by the client library, through the
 * relay and straight to a WebSocket. Real processes, real terminals, real sockets.
 */
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { createExecutor } from '../../src/executor/executor.js';
import { listenWebSocket } from '../../src/executor/websocket-listener.js';
import { UnsupportedError } from '../../src/harness/capability.js';
import { connect } from '../../src/harness/connect.js';
import type { Harness } from '../../src/harness/harness.js';
import type { RemoteProcess } from '../../src/harness/remote-process.js';
import { isRunning } from './process-state.js';
import { startRelayedExecutor } from './relayed-executor.js';

interface Way {
  readonly url: string;
  close(): Promise<void>;
}

async function plainWay(): Promise<Way> {
  const executor = createExecutor();
  const listener = await listenWebSocket({ host: '127.0.0.1', port: 0, server: executor.server });
  return {
    url: listener.url,
    async close() {
      await listener.close();
      await executor.drain();
    },
  };
}

const ALL_CAPABILITIES = [
  'signalboxCloseStdin',
  'signalboxProcessList',
  'signalboxResize',
  'signalboxKeptSessions',
  'signalboxRetainBytes',
  'signalboxSignals',
  'signalboxTellsSignals',
  'signalboxTerminateGrace',
];

/** Reads until the text is there; what was read before is in the result. */
async function readTo(stream: Readable, wanted: string): Promise<string> {
  let seen = '';
  while (!seen.includes(wanted)) {
    const chunk: Buffer | null = stream.read();
    if (chunk === null) await once(stream, 'readable');
    else seen += chunk.toString();
  }
  return seen;
}

async function rest(stream: Readable): Promise<string> {
  let seen = '';
  for await (const chunk of stream) seen += String(chunk);
  return seen;
}

describe.each([
  ['through the relay', startRelayedExecutor],
  ['straight to a WebSocket', plainWay],
] as const)('the extensions, %s', (_, open) => {
  let way: Way;
  let harness: Harness;

  beforeAll(async () => {
    way = await open();
  });
  afterAll(() => way?.close());
  beforeEach(async () => {
    harness = await connect({ url: way.url, clientName: 'test' });
  });
  afterEach(() => harness.close());

  const sh = (script: string, options: object = {}) => harness.startProcess({ argv: ['sh', '-c', script], ...options });

  it('are announced', () => {
    expect(ALL_CAPABILITIES.filter((name) => !harness.environment.capabilities.has(name))).toEqual([]);
  });

  describe('a terminal', () => {
    const TELLS = 'trap "stty size" WINCH; stty size; while :; do read -r line && echo "read $line"; done';

    it('changes its size, and its program is told', async () => {
      const child = await sh(TELLS, { tty: true });
      await readTo(child.stdout, '24 80\r\n');
      await child.resize({ rows: 50, cols: 132 });
      await readTo(child.stdout, '50 132\r\n');
      await child.resize({ rows: 65_535, cols: 1 });
      await readTo(child.stdout, '65535 1\r\n');
      await child.terminate();
    });

    it('starts with the size it is given', async () => {
      const child = await sh('stty size', { tty: true, size: { rows: 7, cols: 300 } });
      expect(await rest(child.stdout)).toBe('7 300\r\n');
    });

    it('has no size out of bounds', async () => {
      const child = await sh('exec sleep 1000', { tty: true });
      for (const size of [
        { rows: 0, cols: 80 },
        { rows: 24, cols: 65_536 },
        { rows: -1, cols: 80 },
        { rows: 24.5, cols: 80 },
      ]) {
        await expect(child.resize(size)).rejects.toMatchObject({ rpcCode: -32602 });
        await expect(sh('true', { tty: true, size })).rejects.toMatchObject({ rpcCode: -32602 });
      }
      await expect(child.resize({ rows: 0, cols: 1 })).rejects.toThrow('rows must be between 1 and 65535');
      await child.terminate();
    });

    it('must be there', async () => {
      const piped = await sh('exec sleep 1000');
      const size = { rows: 24, cols: 80 };
      await expect(piped.resize(size)).rejects.toMatchObject({
        rpcCode: -32600,
        message: `process ${piped.processId} has no terminal`,
      });
      await piped.terminate();
      const ended = await sh('true', { tty: true });
      await ended.closed;
      await expect(ended.resize(size)).rejects.toMatchObject({
        rpcCode: -32600,
        message: `process ${ended.processId} has ended`,
      });
      await expect(harness.request('process/resize', { processId: 'none', ...size })).rejects.toMatchObject({
        rpcCode: -32600,
        message: 'unknown process id none',
      });
      await expect(sh('true', { size })).rejects.toThrow('size is for a terminal');
    });
  });

  describe('a signal', () => {
    it.each(['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGINT', 'SIGALRM'] as const)('%s arrives', async (signal) => {
      const name = signal.slice(3);
      const child = await sh(`trap 'echo got; exit 9' ${name}; echo ready; while :; do sleep 0.01; done`);
      await readTo(child.stdout, 'ready');
      await child.signal(signal);
      expect([await rest(child.stdout), await child.closed]).toEqual(['got\n', { exitCode: 9 }]);
    });

    it('SIGKILL ends the whole group', async () => {
      const child = await sh('sleep 1000 & echo $!; wait');
      const sleeper = Number(await readTo(child.stdout, '\n'));
      await child.signal('SIGKILL');
      expect(await child.closed).toEqual({ exitCode: 128 + constants.signals.SIGKILL });
      await vi.waitUntil(() => !isRunning(sleeper), { interval: 2 });
    });

    it('stops a process and lets it go on', async () => {
      const child = await sh('trap "echo continued" CONT; echo ready; while :; do sleep 0.01; done');
      await readTo(child.stdout, 'ready');
      await child.signal('SIGSTOP');
      await child.signal('SIGCONT');
      await readTo(child.stdout, 'continued');
      await child.terminate();
    });

    it('must be one, and the error is the releases', async () => {
      const child = await sh('exec sleep 1000');
      for (const signal of ['kill', 'SIGNONE', 'sigterm', 'TERM', '15', '', 'toString']) {
        await expect(harness.request('process/signal', { processId: child.processId, signal })).rejects.toMatchObject({
          rpcCode: -32602,
          message: `unknown variant \`${signal}\`, expected \`interrupt\``,
        });
      }
      await child.terminate();
      await child.closed;
      await child.signal('SIGTERM');
    });
  });

  describe('a list', () => {
    it('tells how every process of the session stands, and nothing secret', async () => {
      const other = await connect({ url: way.url, clientName: 'other' });
      const before = Date.now();
      const running = await sh('printf 12345; read -r line', { stdin: true, env: { SECRET: 'hidden' } });
      const ended = await sh('printf 1234567; exit 3');
      await ended.closed;
      await readTo(running.stdout, '12345');
      const list = await harness.listProcesses();
      expect(list).toMatchObject([
        {
          processId: running.processId,
          command: 'sh',
          tty: false,
          running: true,
          exitCode: null,
          closed: false,
          outputBytes: 5,
          retainedBytes: 5,
          nextSeq: 2,
        },
        { processId: ended.processId, running: false, exitCode: 3, closed: true, outputBytes: 7, nextSeq: 4 },
      ]);
      expect(isRunning(list[0]?.pid ?? 0)).toBe(true);
      for (const { startedAt } of list) {
        expect(startedAt).toBeGreaterThanOrEqual(before);
        expect(startedAt).toBeLessThanOrEqual(Date.now());
      }
      expect(JSON.stringify(list)).not.toMatch(/SECRET|hidden|printf/);
      expect(await other.listProcesses()).toEqual([]);
      await expect(harness.request('process/list', [])).rejects.toMatchObject({ rpcCode: -32602 });
      await running.terminate();
      await other.close();
    });

    it('has 300 processes that were started at once, and all of them are terminated', async () => {
      const began = performance.now();
      const children = await Promise.all(
        Array.from({ length: 300 }, () => harness.startProcess({ argv: ['sleep', '1000'] })),
      );
      const list = await harness.listProcesses();
      expect(list.map(({ processId }) => processId)).toEqual(children.map(({ processId }) => processId));
      expect(list.every(({ running }) => running)).toBe(true);
      expect(new Set(list.map(({ pid }) => pid)).size).toBe(300);
      expect(await Promise.all(children.map((child) => child.terminate()))).not.toContain(false);
      const ends = await Promise.all(children.map((child) => child.closed));
      expect(ends.filter(({ exitCode }) => exitCode !== 137)).toEqual([]);
      expect((await harness.listProcesses()).filter(({ running }) => running)).toEqual([]);
      const took = Math.round(performance.now() - began);
      process.stdout.write(`300 processes started, listed and terminated in ${took} ms\n`);
    }, 60_000);
  });

  describe('a process that is given time to end', () => {
    const stubborn = 'trap "" TERM; (trap "" TERM; exec sleep 1000) & echo $!; wait; while :; do sleep 1000; done';
    const started = async (script: string, options = {}): Promise<[RemoteProcess, number]> => {
      const child = await sh(script, options);
      return [child, Number(await readTo(child.stdout, '\n'))];
    };

    it('ends by itself, with its own exit code', async () => {
      const [child] = await started('trap "echo bye; exit 4" TERM; echo 0; while :; do sleep 0.01; done');
      expect(await child.terminate({ graceMs: 600_000 })).toBe(true);
      expect([await rest(child.stdout), await child.closed]).toEqual(['bye\n', { exitCode: 4 }]);
      expect(await child.terminate({ graceMs: 600_000 })).toBe(false);
    });

    it('is waited for with its whole group', async () => {
      const [child, sleeper] = await started('sleep 1000 > /dev/null 2>&1 & echo $!; wait');
      await child.terminate({ graceMs: 600_000 });
      expect(await child.closed).toEqual({ exitCode: 143 });
      expect(isRunning(sleeper)).toBe(false);
    });

    it('is killed with its group when it does not', async () => {
      const [child, sleeper] = await started(stubborn);
      expect(await child.terminate({ graceMs: 100 })).toBe(true);
      expect(await child.closed).toEqual({ exitCode: 137 });
      await vi.waitUntil(() => !isRunning(sleeper), { interval: 2 });
    });

    it('has those killed that outlive it', async () => {
      const deaf = 'trap "" TERM; sleep 1000 > /dev/null 2>&1 & trap - TERM; echo $!; wait';
      const [child, sleeper] = await started(deaf);
      await child.terminate({ graceMs: 500 });
      expect(await child.exited).toEqual({ exitCode: 143 });
      expect(isRunning(sleeper)).toBe(true);
      await child.closed;
      await vi.waitUntil(() => !isRunning(sleeper), { interval: 2 });
    });

    it('is killed at once by a second termination without', async () => {
      const [child, sleeper] = await started(stubborn);
      await child.terminate({ graceMs: 600_000 });
      expect(await child.terminate()).toBe(true);
      expect(await child.closed).toEqual({ exitCode: 137 });
      await vi.waitUntil(() => !isRunning(sleeper), { interval: 2 });
    });

    it('is told so even when it stands still', async () => {
      const [child] = await started('echo 0; exec sleep 1000');
      await child.signal('SIGSTOP');
      await child.terminate({ graceMs: 600_000 });
      expect(await child.closed).toEqual({ exitCode: 143 });
    });

    it('need not have had its output read', async () => {
      const child = await sh('trap "exit 5" TERM; while :; do printf %10000d 1; done');
      await vi.waitUntil(() => child.stdout.readableLength >= child.stdout.readableHighWaterMark, { timeout: 10_000 });
      expect(await child.terminate({ graceMs: 600_000 })).toBe(true);
      child.stdout.resume();
      expect(await child.closed).toEqual({ exitCode: 5 });
    });

    it('gets no more than ten minutes', async () => {
      const [child] = await started('echo 0; exec sleep 1000');
      for (const graceMs of [600_001, -1, 0.5]) {
        await expect(child.terminate({ graceMs })).rejects.toMatchObject({ rpcCode: -32602 });
      }
      expect(await child.terminate({ graceMs: 0 })).toBe(true);
      await child.closed;
    });
  });

  describe('output', () => {
    const MIB = 1024 * 1024;
    interface Page {
      readonly chunks: readonly { readonly seq: number; readonly chunk: string }[];
      readonly nextSeq: number;
      readonly missedBytes?: number | null;
    }
    const read = (child: RemoteProcess, afterSeq = 0) =>
      harness.request('process/read', { processId: child.processId, afterSeq }) as Promise<Page>;
    const bytesOf = ({ chunks }: Page) =>
      chunks.reduce((sum, { chunk }) => sum + Buffer.byteLength(chunk, 'base64'), 0);

    it('is kept as far as was asked for, and what is gone is counted to the byte', async () => {
      const total = 3 * MIB + 7;
      const child = await sh(`head -c ${total} /dev/zero`, { retainBytes: 2 * MIB });
      child.stdout.resume();
      await child.closed;
      const page = await read(child);
      expect(bytesOf(page)).toBeGreaterThanOrEqual(2 * MIB);
      expect(bytesOf(page) + (page.missedBytes ?? 0)).toBe(total);
      const first = page.chunks[0]?.seq ?? 0;
      expect((await read(child, first - 1)).missedBytes).toBeUndefined();
      const later = await read(child, 3);
      expect(later.missedBytes).toBeLessThan(page.missedBytes ?? 0);
      expect(later.missedBytes).toBeGreaterThan(0);
    });

    it('of a process without the option tells nothing more than it did', async () => {
      const child = await sh(`head -c ${3 * MIB} /dev/zero`);
      child.stdout.resume();
      await child.closed;
      const page = await read(child);
      expect(page).not.toHaveProperty('missedBytes');
      expect(bytesOf(page)).toBeLessThanOrEqual(MIB);
    });

    it('is promised within bounds, and to no more processes than memory allows', async () => {
      for (const retainBytes of [64 * 1024 - 1, 64 * MIB + 1, -1]) {
        await expect(sh('true', { retainBytes })).rejects.toMatchObject({ rpcCode: -32602 });
      }
      const children = await Promise.all([1, 2, 3].map(() => sh('exec sleep 1000', { retainBytes: 64 * MIB })));
      await expect(sh('true', { retainBytes: 64 * 1024 })).rejects.toMatchObject({ rpcCode: -32600 });
      expect(await (await sh('exit 6')).closed).toEqual({ exitCode: 6 });
      await Promise.all(children.map((child) => child.terminate()));
    });
  });

  it('let standard input be closed', async () => {
    const child = await harness.startProcess({ argv: ['cat'], stdin: true });
    child.stdin.end('all of it');
    expect(await rest(child.stdout)).toBe('all of it');
    const none = harness.request('process/closeStdin', { processId: 'none' });
    await expect(none).rejects.toMatchObject({ rpcCode: -32600, message: 'unknown process id none' });
  });
});

describe('an executor that announces nothing', () => {
  it('is asked for nothing it would not understand', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const asked: string[] = [];
    server.on('connection', (socket) => {
      socket.on('message', (data) => {
        const { id, method, params } = JSON.parse(String(data)) as { id?: number; method: string; params: object };
        asked.push(`${method} ${JSON.stringify(params)}`);
        if (id === undefined) return;
        const environmentInfo = { executorVersion: '0.169.0', capabilities: {} };
        socket.send(JSON.stringify({ id, result: { sessionId: 's', environmentInfo, running: true } }));
      });
    });
    const { port } = server.address() as { port: number };
    const harness = await connect({ url: `ws://127.0.0.1:${port}/` });
    const child = await harness.startProcess({ argv: ['x'], tty: true });
    asked.length = 0;
    const argv = ['x'];
    for (const refused of [
      () => child.resize({ rows: 1, cols: 1 }),
      () => child.signal('SIGTERM'),
      () => child.terminate({ graceMs: 1 }),
      () => harness.listProcesses(),
      () => harness.startProcess({ argv, tty: true, size: { rows: 1, cols: 1 } }),
      () => harness.startProcess({ argv, retainBytes: 1_000_000 }),
    ]) {
      const error: unknown = await refused().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(UnsupportedError);
      expect((error as Error).message).toMatch(
        /^the executor \(release 0\.169\.0\) cannot .*: it needs one of signalbox/,
      );
    }
    expect(asked).toEqual([]);
    await child.signal('SIGINT');
    expect(await child.terminate()).toBe(true);
    expect(asked.map((line) => line.split(' ')[0])).toEqual(['process/signal', 'process/terminate']);
    expect(asked[0]).toContain('"signal":"interrupt"');
    await harness.close();
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
});
