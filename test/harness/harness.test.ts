/**
 * The client library against our executor, by both ways that lead to one: through the relay, and straight to a
 * WebSocket that the executor listens on. Real processes, real files, real sockets.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { HarnessError } from '../../machines/harness.machine.js';
import { createExecutor } from '../../src/executor/executor.js';
import { listenWebSocket } from '../../src/executor/websocket-listener.js';
import { type ConnectOptions, connect } from '../../src/harness/connect.js';
import type { Harness } from '../../src/harness/harness.js';
import { RemoteError } from '../../src/harness/rpc-client.js';
import { type FaultyProxy, startFaultyProxy } from '../stand-ins/faulty-proxy.js';
import { isRunning } from './process-state.js';
import { startRelayedExecutor } from './relayed-executor.js';

interface Way {
  readonly url: string;
  /** Between harness and what it connects to. */
  readonly proxy: FaultyProxy;
  close(): Promise<void>;
}

async function relayWay(cwd: string): Promise<Way> {
  const relay = await startRelayedExecutor({ executor: { cwd } });
  return { url: relay.url, proxy: relay.harnessProxy, close: () => relay.close() };
}

async function plainWay(cwd: string): Promise<Way> {
  const executor = createExecutor({ cwd });
  const listener = await listenWebSocket({ host: '127.0.0.1', port: 0, server: executor.server });
  const proxy = await startFaultyProxy({ target: listener.url, seed: 1 });
  return {
    url: proxy.url,
    proxy,
    async close() {
      await proxy.close();
      await listener.close();
      await executor.drain();
    },
  };
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The next output, when it is no more than one line; what follows stays in the stream. */
async function line(stream: Readable): Promise<string> {
  for (;;) {
    const chunk: Buffer | null = stream.read();
    if (chunk !== null) return chunk.toString();
    await once(stream, 'readable');
  }
}

function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`it succeeded: ${String(value)}`);
    },
    (error: unknown) => error,
  );
}

describe.each([
  ['through the relay', relayWay],
  ['straight to a WebSocket', plainWay],
] as const)('a harness %s', (_, open) => {
  let folder: string;
  let way: Way;
  let harness: Harness;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-harness-'));
    way = await open(folder);
  });
  afterAll(async () => {
    await way?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    harness = await connect({ url: way.url, clientName: 'test', graceMs: 1000, recoverMs: 500 });
  });
  afterEach(async () => {
    await harness.close();
  });

  const sh = (script: string, options: object = {}) => harness.startProcess({ argv: ['sh', '-c', script], ...options });

  describe('runs a process', () => {
    it('with its output on two streams and its exit code', async () => {
      const child = await sh('echo out; echo err >&2; exit 7');
      expect(await Promise.all([text(child.stdout), text(child.stderr), child.exited, child.closed])).toEqual([
        'out\n',
        'err\n',
        { exitCode: 7 },
        { exitCode: 7 },
      ]);
    });

    it('in the folder and with the environment it is told', async () => {
      const child = await sh('pwd; echo "$GREETING"', { cwd: '/', env: { GREETING: 'good day' } });
      expect(await text(child.stdout)).toBe('/\ngood day\n');
      expect(await text((await sh('pwd')).stdout)).toBe(`${folder}\n`);
    });

    it('without input, which then ends at once', async () => {
      const child = await harness.startProcess({ argv: ['cat'] });
      expect(await child.closed).toEqual({ exitCode: 0 });
      expect(await refusal(pipeline(Readable.from(['x']), child.stdin))).toBeInstanceOf(Error);
    });

    it('that reads what it is written, and sees the end of it', async () => {
      const child = await harness.startProcess({ argv: ['tr', 'a-z', 'A-Z'], stdin: true });
      child.stdin.write('hello ');
      child.stdin.end('there');
      expect(await text(child.stdout)).toBe('HELLO THERE');
      expect(await child.closed).toEqual({ exitCode: 0 });
    });

    it('that takes no more of what it is written', async () => {
      const child = await harness.startProcess({ argv: ['head', '-c', '3'], stdin: true });
      const fed = pipeline(Readable.from([Buffer.alloc(5_000_000, 'x')]), child.stdin).catch(() => {});
      expect(await text(child.stdout)).toBe('xxx');
      expect(await child.closed).toEqual({ exitCode: 0 });
      await fed;
    });

    it('that it interrupts', async () => {
      const child = await sh('trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.01; done');
      expect(await line(child.stdout)).toBe('ready\n');
      await child.signal('interrupt');
      expect([await text(child.stdout), await child.closed]).toEqual(['caught\n', { exitCode: 5 }]);
    });

    it('that it ends, with all its children', async () => {
      const child = await sh('trap "" TERM INT; sleep 1000 & echo $!; wait');
      const sleeper = Number(await line(child.stdout));
      expect(await child.terminate()).toBe(true);
      expect(await child.closed).toEqual({ exitCode: 137 });
      expect(await child.terminate()).toBe(false);
      await vi.waitUntil(() => !isRunning(sleeper), { interval: 2 });
    });

    it('on a terminal', async () => {
      const child = await sh('test -t 0 && test -t 1 && stty size; read line; echo "got $line"', { tty: true });
      child.stdin.write('a word\n');
      expect(await text(child.stdout)).toMatch(/24 80\r\n.*got a word\r\n/s);
      expect(await child.closed).toEqual({ exitCode: 0 });
    });

    it('that is killed by a signal', async () => {
      expect(await (await sh('kill -TERM $$')).closed).toEqual({ exitCode: 143 });
    });

    it('or says why it cannot, and goes on', async () => {
      const missing = await refusal(harness.startProcess({ argv: ['no-such-program'] }));
      expect(missing).toBeInstanceOf(RemoteError);
      expect(missing).toMatchObject({ rpcCode: -32603, method: 'process/start' });
      expect((missing as Error).message).toMatch(/No such file or directory \(os error 2\)/);
      expect(await refusal(harness.startProcess({ argv: [] }))).toMatchObject({ rpcCode: -32602 });
      expect(await refusal(sh('true', { cwd: join(folder, 'nowhere') }))).toMatchObject({ rpcCode: -32603 });
      expect(await refusal(harness.request('no/such'))).toMatchObject({ rpcCode: -32601 });
      expect(await (await sh('exit 3')).closed).toEqual({ exitCode: 3 });
    });
  });

  describe('runs many', () => {
    it('200 at once, each with its own output and exit code', async () => {
      const children = await Promise.all(
        Array.from({ length: 200 }, (_value, n) => sh(`read x; echo ${n}; exit ${n}`, { stdin: true })),
      );
      const outputs = children.map((child) => text(child.stdout));
      for (const child of children) child.stdin.end('go\n');
      expect(await Promise.all(outputs)).toEqual(children.map((_child, n) => `${n}\n`));
      expect(await Promise.all(children.map((child) => child.closed))).toEqual(
        children.map((_child, n) => ({ exitCode: n })),
      );
    }, 60_000);

    it('one whose output nobody wants, without holding up the others', async () => {
      const loud = await sh('exec yes');
      loud.stdout.destroy();
      const silent = await sh('exec yes >&2');
      silent.stderr.destroy();
      for (let n = 0; n < 20; n += 1) expect(await text((await sh(`echo ${n}`)).stdout)).toBe(`${n}\n`);
      await Promise.all([loud.terminate(), silent.terminate()]);
      await Promise.all([loud.closed, silent.closed]);
    });

    it('one whose output was never read, which can still be terminated', async () => {
      const loud = await sh('exec yes');
      await vi.waitUntil(() => loud.stdout.readableLength >= loud.stdout.readableHighWaterMark, { timeout: 10_000 });
      expect(await loud.terminate()).toBe(true);
      expect(await loud.exited).toEqual({ exitCode: 137 });
      expect(await text((await sh('echo next')).stdout)).toBe('next\n');
    });

    it('one after the other, which leaves nothing behind', async () => {
      for (let n = 0; n < 50; n += 1) expect(await (await sh(`exit ${n}`)).closed).toEqual({ exitCode: n });
    });
  });

  it('loses nothing to a reader that is slow, and is not flooded by what it does not read', async () => {
    const written = join(folder, 'written');
    // More than two sockets of a busy system hold by themselves: 28 MB were seen where each may have 32 MiB for reading.
    const bytes = 64_000_000;
    const child = await sh(`head -c ${bytes} /dev/urandom | tee '${written}'; echo done >&2`);
    // Nothing is read until the other end stands still: what was written no longer grows.
    let before = -1;
    await vi.waitUntil(
      async () => {
        const { size } = await stat(written).catch(() => ({ size: 0 }));
        const stands = size > 0 && size === before;
        before = size;
        return stands;
      },
      { interval: 300, timeout: 15_000 },
    );
    expect(before).toBeLessThan(bytes);
    expect(child.stdout.readableLength).toBeLessThan(8 * 1024 * 1024);
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of child.stdout) {
      length += (chunk as Buffer).length;
      hash.update(chunk as Buffer);
      if (length % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(length).toBe(bytes);
    expect(hash.digest('hex')).toBe(
      createHash('sha256')
        .update(await readFile(written))
        .digest('hex'),
    );
    expect(await text(child.stderr)).toBe('done\n');
  }, 60_000);

  it('works on files', async () => {
    const { files } = harness;
    const inside = (name: string) => join(folder, 'files', name);
    await files.createDirectory(inside('deep/er'));
    await files.writeFile(inside('a b#c%20?.txt'), 'grüße\n');
    expect(await readFile(inside('a b#c%20?.txt'), 'utf8')).toBe('grüße\n');
    const bytes = Buffer.alloc(12_000_000, Buffer.from([0, 255, 10, 13, 128]));
    await files.writeFile(inside('bytes'), bytes);
    expect(bytes.equals(await files.readFile(inside('bytes')))).toBe(true);
    expect(await files.getMetadata(inside('bytes'))).toMatchObject({
      isFile: true,
      isDirectory: false,
      size: 12_000_000,
    });
    const names = (await files.readDirectory(inside(''))).map(({ fileName }) => fileName).sort();
    expect(names).toEqual(['a b#c%20?.txt', 'bytes', 'deep']);
    expect(await files.canonicalize(inside('deep/../bytes'))).toBe(inside('bytes'));
    await files.remove(inside('deep'));
    expect(await refusal(files.readFile(inside('deep')))).toMatchObject({ rpcCode: -32004, method: 'fs/readFile' });
    await writeFile(join(folder, 'plain'), '');
    expect(await refusal(files.readDirectory(join(folder, 'plain')))).toBeInstanceOf(RemoteError);
    expect(await refusal(files.createDirectory(join(folder, 'plain'), { recursive: false }))).toMatchObject({
      rpcCode: -32603,
    });
  });

  it('is told when the connection is lost under it: everything fails, nothing hangs', async () => {
    const reading = await sh('echo first; exec sleep 1000', { stdin: true });
    await once(reading.stdout, 'readable');
    const read = refusal(text(reading.stdout));
    const unread = await sh('exec yes');
    const longRequest = refusal(
      harness.request('process/read', { processId: reading.processId, afterSeq: 9, waitMs: 1e6 }),
    );
    way.proxy.refuse(true);
    way.proxy.cut();
    const reason = await harness.over;
    expect(reason).toBeInstanceOf(HarnessError);
    expect(reason).toMatchObject({ code: 'transport_lost' });
    for (const error of [await read, await longRequest, await refusal(reading.exited), await refusal(reading.closed)]) {
      expect(error).toBeInstanceOf(Error);
    }
    expect(await refusal(unread.closed)).toMatchObject({ code: 'transport_lost' });
    expect(unread.stdout.destroyed && unread.stderr.destroyed && reading.stdin.destroyed).toBe(true);
    expect(await refusal(sh('true'))).toBeInstanceOf(HarnessError);
    expect(await refusal(reading.terminate())).toBeInstanceOf(HarnessError);
    await harness.close();
    way.proxy.refuse(false);
  });

  it('fails what is under way when it is closed', async () => {
    const child = await sh('exec sleep 1000');
    const closed = refusal(child.closed);
    await harness.close();
    expect(await closed).toMatchObject({ code: 'closed' });
    expect(await harness.over).toBeUndefined();
    expect(await refusal(sh('true'))).toMatchObject({ code: 'closed' });
    await harness.close();
  });
});

describe('connecting', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  /** A TCP server that takes connections and says nothing. */
  async function silentServer(): Promise<{ url: string; server: Server }> {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      cleanups.push(() => socket.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    return { url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/`, server };
  }

  const failure = async (options: ConnectOptions) => {
    const error = await refusal(connect(options));
    expect(error).toBeInstanceOf(HarnessError);
    return error as HarnessError;
  };

  it('fails when nobody listens there', async () => {
    const { url, server } = await silentServer();
    server.close();
    await once(server, 'close');
    for (const query of ['', '?role=harness']) {
      const error = await failure({ url: url + query });
      expect(error.code).toBe('unreachable');
      expect(error.message).toMatch(/ECONNREFUSED/);
    }
  });

  it('fails on an address that is none', async () => {
    for (const url of ['somewhere', 'http://127.0.0.1:1', ''])
      expect((await failure({ url })).code).toBe('unreachable');
    expect((await failure({ url: 'ws://127.0.0.1:1/#part?role=harness' })).code).toBe('unreachable');
  });

  it('fails with what the rendezvous says of a wrong or missing token, or of another environment', async () => {
    const relay = await startRelayedExecutor();
    cleanups.push(() => relay.close());
    for (const [url, token] of [
      [relay.openUrl, undefined],
      [relay.openUrl, 'sbx_harness_wrong'],
      [relay.openUrl, relay.executorToken],
      [relay.openUrl.replace('box1', 'box2'), relay.harnessToken],
    ] as const) {
      const error = await failure({ url, ...(token === undefined ? {} : { token }) });
      expect(error.code).toBe('unreachable');
      expect(error.message).toMatch(/\(40[13]\)/);
      expect(error.message).not.toContain('sbx_');
    }
    const harness = await connect({ url: relay.openUrl, token: relay.harnessToken });
    await harness.close();
  });

  it('fails at once when no executor is there', async () => {
    const relay = await startRelayedExecutor();
    cleanups.push(() => relay.close());
    await relay.stopExecutor();
    expect((await failure({ url: relay.url })).message).toMatch(/no executor is online for this environment/);
  });

  it('fails when the other side takes the connection and never answers', async () => {
    const { url } = await silentServer();
    const giveUp = new AbortController();
    const errors = ['', '?role=harness'].map((query) => failure({ url: url + query, signal: giveUp.signal }));
    giveUp.abort();
    for (const error of await Promise.all(errors)) expect(error.code).toBe('closed');
  });

  it('fails when nobody answers initialize', async () => {
    const relay = await startRelayedExecutor();
    cleanups.push(() => relay.close());
    relay.executorProxy.setFaults({ toServer: { drop: 1 } });
    const error = await failure({ url: relay.url, initializeMs: 200 });
    expect(error.code).toBe('initialize_timeout');
    expect(error.message).toMatch(/is one running for this environment/);
  });

  it('fails when told to give up, before and while', async () => {
    const relay = await startRelayedExecutor();
    cleanups.push(() => relay.close());
    expect((await failure({ url: relay.url, signal: AbortSignal.abort() })).code).toBe('closed');
    relay.executorProxy.setFaults({ toServer: { drop: 1 } });
    const giveUp = new AbortController();
    const failing = failure({ url: relay.url, signal: giveUp.signal });
    await vi.waitUntil(() => relay.harnessProxy.seen.length > 0, { interval: 2 });
    giveUp.abort();
    expect((await failing).code).toBe('closed');
  });

  it('closes a session when told to', async () => {
    const relay = await startRelayedExecutor();
    cleanups.push(() => relay.close());
    const end = new AbortController();
    const harness = await connect({ url: relay.url, signal: end.signal });
    end.abort();
    expect(await harness.over).toBeUndefined();
  });

  it("goes on when its connection is cut, and its executor's, again and again", async () => {
    const relay = await startRelayedExecutor();
    cleanups.push(() => relay.close());
    const harness = await connect({ url: relay.url });
    const script = 'for n in $(seq 3000); do echo line $n; test $((n % 10)) = 0 && sleep 0.02; done; exit 3';
    const child = await harness.startProcess({ argv: ['sh', '-c', script] });
    const printing = text(child.stdout);
    let over = false;
    void child.closed.then(() => {
      over = true;
    });
    let cuts = 0;
    while (!over) {
      const proxy = cuts % 2 === 0 ? relay.harnessProxy : relay.executorProxy;
      const before = proxy.connections;
      proxy.cut();
      cuts += 1;
      await vi.waitUntil(() => over || proxy.connections > before, { interval: 5, timeout: 10_000 });
      const heard = relay.harnessProxy.seen.length;
      await vi.waitUntil(() => over || relay.harnessProxy.seen.length > heard + 10, { interval: 5, timeout: 10_000 });
    }
    expect(cuts).toBeGreaterThan(5);
    expect(await printing).toBe(Array.from({ length: 3000 }, (_, n) => `line ${n + 1}\n`).join(''));
    expect(await child.closed).toEqual({ exitCode: 3 });
    await harness.close();
  }, 60_000);

  it('says why it was lost, when its connection cannot be had again', async () => {
    const relay = await startRelayedExecutor();
    cleanups.push(() => relay.close());
    const harness = await connect({ url: relay.url, graceMs: 300, recoverMs: 300 });
    relay.harnessProxy.refuse(true);
    relay.harnessProxy.cut();
    expect((await harness.over)?.message).toMatch(
      /interrupted for too long to go on: the rendezvous refused the socket/,
    );
  });

  it('is told when the executor leaves', async () => {
    const relay = await startRelayedExecutor();
    cleanups.push(() => relay.close());
    const harness = await connect({ url: relay.url });
    const child = await harness.startProcess({ argv: ['sleep', '1000'] });
    await relay.stopExecutor();
    expect(await harness.over).toMatchObject({
      code: 'transport_lost',
      message: expect.stringContaining('the executor is shutting down'),
    });
    expect(await refusal(child.closed)).toMatchObject({ code: 'transport_lost' });
  });
});
