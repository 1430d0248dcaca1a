import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/executor/executor.js';
import { directSpawners } from '../../src/host/broker/spawners.js';
import { spawnChildProcess } from '../../src/host/child-process.js';
import type { ChildListener, HostChild, SpawnChild } from '../../src/host/host-child.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { base64, MemoryClient } from './memory-client.js';

const executor = createExecutor({ cwd: '/', env: { PATH: '/usr/bin:/bin', HOME: '/root', SECRET_TOKEN: 'x' } });
afterAll(() => executor.drain());

const MIB = 1024 * 1024;

/** Gone, or a zombie that nobody in this container reaps. */
function isDead(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe('processes', () => {
  it('run, and tell output, exit and end in seq order', async () => {
    const client = await MemoryClient.ready(executor);
    expect((await client.start('p', 'echo hi; echo err >&2; exit 7')).result).toEqual({
      processId: 'p',
      sandboxType: 'none',
    });
    expect(await client.closed('p')).toBe(7);
    expect(client.output('p', 'stdout').toString()).toBe('hi\n');
    expect(client.output('p', 'stderr').toString()).toBe('err\n');
    const told = client.messages.items.filter(({ method }) => method?.startsWith('process/'));
    expect(told.map(({ params }) => params?.seq)).toEqual(told.map((_, index) => index + 1));
    expect(told.at(-1)?.method).toBe('process/closed');
  });

  it.each([
    ['kill -9 $$', 137],
    ['kill -15 $$', 143],
    ['kill -2 $$; sleep 5', 130],
    ['exit 255', 255],
  ])('report %s as %i', async (script, code) => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', script);
    expect(await client.closed('p')).toBe(code);
  });

  it('have the answer to their start before their output', async () => {
    const client = await MemoryClient.ready(executor);
    const id = client.post('process/start', {
      processId: 'p',
      argv: ['/bin/echo', 'x'],
      cwd: '/',
      env: {},
      tty: false,
    });
    await client.closed('p');
    const reply = client.messages.items.findIndex((message) => message.id === id);
    const told = client.messages.items.findIndex(({ method }) => method?.startsWith('process/'));
    expect(reply).toBeGreaterThanOrEqual(0);
    expect(reply).toBeLessThan(told);
  });

  it('say what the operating system says when they cannot start, and leave their id free', async () => {
    const client = await MemoryClient.ready(executor);
    const start = (argv: string[], cwd = '/', tty = false) =>
      client.error('process/start', { processId: 'p', argv, cwd, env: { PATH: '/usr/bin' }, tty });
    for (const tty of [false, true]) {
      expect(await start(['/no/such'], '/', tty)).toEqual({
        code: -32603,
        message: 'No such file or directory (os error 2)',
      });
      expect((await start(['no-such'], '/', tty)).message).toBe('No such file or directory (os error 2)');
      expect((await start(['/etc/passwd'], '/', tty)).message).toBe('Permission denied (os error 13)');
      expect((await start(['/usr/bin'], '/', tty)).message).toBe('Permission denied (os error 13)');
      expect((await start(['true'], '/no/such', tty)).message).toBe('No such file or directory (os error 2)');
      expect((await start(['true'], '/etc/passwd', tty)).message).toBe('Not a directory (os error 20)');
    }
    expect((await start(['a\0b'])).message).toBe('nul byte found in provided data');
    expect((await start(['true'], '')).message).toBe('No such file or directory (os error 2)');
    expect((await client.start('p', 'exit 0')).error).toBeUndefined();
    await client.closed('p');
    expect((await client.start('p', 'exit 0')).error?.message).toBe('process p already exists');
  });

  it('free their id after the retention time', async () => {
    const clock = new StepClock();
    const server = createExecutor({ clock, retentionMs: 80_000 });
    const client = await MemoryClient.ready(server);
    await client.start('p', 'exit 0');
    await client.closed('p');
    clock.advance(80_000);
    expect((await client.error('process/read', { processId: 'p' })).message).toBe('unknown process id p');
    expect((await client.start('p', 'exit 0')).result).toBeDefined();
    await client.closed('p');
    await server.drain();
  });

  it('are ended with their whole group, and at once', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'trap "" TERM; sleep 100 & echo $!; wait');
    await client.sees('p', '\n');
    expect(await client.result('process/terminate', { processId: 'p' })).toEqual({ running: true });
    expect(await client.closed('p')).toBe(137);
    expect(await client.result('process/terminate', { processId: 'p' })).toEqual({ running: false });
    expect(await client.result('process/terminate', { processId: 'none' })).toEqual({ running: false });
    const grandchild = Number(client.output('p').toString());
    await until(() => isDead(grandchild));
  });

  it('close although a descendant that left the group holds their output', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'setsid sleep 5 & echo ready; sleep 100');
    await client.sees('p', 'ready');
    await client.result('process/terminate', { processId: 'p' });
    expect(await client.closed('p')).toBe(137);
  });

  it('stay open while a descendant holds their output', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'exec 3<&0; (read line <&3; echo late) & exit 4', { pipeStdin: true });
    await client.messages.first(({ method }) => method === 'process/exited');
    const page = await client.result('process/read', { processId: 'p' });
    expect([page.exited, page.exitCode, page.closed]).toEqual([true, 4, false]);
    await client.result('process/closeStdin', { processId: 'p' });
    await client.closed('p');
    expect(client.output('p').toString()).toBe('late\n');
  });

  it('are interrupted as a group', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'trap "echo got; exit 3" INT; echo ready; while :; do sleep 0.05; done');
    await client.sees('p', 'ready');
    expect(await client.result('process/signal', { processId: 'p', signal: 'interrupt' })).toEqual({});
    expect(await client.closed('p')).toBe(3);
    expect(await client.result('process/signal', { processId: 'p', signal: 'interrupt' })).toEqual({});
  });

  it('see argv[0], the environment and the working folder they were given', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('a', 'tr "\\0" "|" < /proc/$$/cmdline', { arg0: 'other' });
    await client.start('e', 'exec /usr/bin/env', { env: { A: '1' } });
    await client.start('c', 'pwd', { cwd: 'file:///usr/bin/..' });
    await client.start('r', 'pwd', { cwd: 'usr' });
    await Promise.all(['a', 'e', 'c', 'r'].map((id) => client.closed(id)));
    expect(client.output('a').toString()).toMatch(/^other\|-c\|/);
    expect(client.output('e').toString().split('\n')).toContain('A=1');
    expect(client.output('e').toString()).not.toContain('HOME');
    expect(client.output('c').toString()).toBe('/usr\n');
    expect(client.output('r').toString()).toBe('/usr\n');
  });
});

describe('a process whose start takes time', () => {
  /** Forks only when the test says so, as a broker in another process would. */
  function lateSpawner() {
    const releases: (() => void)[] = [];
    const spawn: SpawnChild = (spec, listener) => {
      let child: HostChild | undefined;
      releases.push(() => {
        child = spawnChildProcess(spec, { ...forward(listener), spawned: () => {} });
        listener.spawned(0);
      });
      return {
        write: (bytes) => child?.write(bytes),
        endInput: () => child?.endInput(),
        queuedInput: 0,
        pause: () => child?.pause(),
        resume: () => child?.resume(),
        signalGroup: (signal) => child?.signalGroup(signal),
        abandonStreams: () => child?.abandonStreams(),
      };
    };
    return { spawn, releases };
  }

  function forward(listener: ChildListener): ChildListener {
    return {
      spawned: (pid) => listener.spawned(pid),
      failed: (error) => listener.failed(error),
      output: (stream, bytes) => listener.output(stream, bytes),
      exited: (code) => listener.exited(code),
      streamsEnded: () => listener.streamsEnded(),
      inputTaken: () => listener.inputTaken(),
    };
  }

  it('is told to be starting, and is killed as soon as it is there when it was terminated', async () => {
    const { spawn, releases } = lateSpawner();
    const server = createExecutor({ spawners: { ...directSpawners, piped: spawn }, concurrentRequests: 2 });
    const client = await MemoryClient.ready(server);
    const params = { processId: 'p', argv: ['/bin/sleep', '100'], cwd: '/', env: {}, tty: false, pipeStdin: true };
    const start = client.post('process/start', params);
    expect((await client.error('process/read', { processId: 'p' })).message).toBe('process id p is starting');
    expect(await client.result('process/write', { processId: 'p', chunk: '', writeId: 'w' })).toEqual({
      status: 'starting',
    });
    expect(await client.result('process/terminate', { processId: 'p' })).toEqual({ running: true });
    expect(client.replied(start)).toBe(false);
    releases[0]?.();
    expect((await client.reply(start)).result).toEqual({ processId: 'p', sandboxType: 'none' });
    expect(await client.closed('p')).toBe(137);
    await server.drain();
  });
});

describe('input', () => {
  it('is written in order, once per write id, until it is closed', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'cat', { pipeStdin: true });
    const write = (text: string, writeId?: string) =>
      client.result('process/write', { processId: 'p', chunk: base64(text), ...(writeId && { writeId }) });
    expect(await write('a', '1')).toEqual({ status: 'accepted' });
    expect(await write('b', '2')).toEqual({ status: 'accepted' });
    expect(await write('again', '2')).toEqual({ status: 'accepted' });
    expect(await write('c')).toEqual({ status: 'accepted' });
    expect(await client.result('process/closeStdin', { processId: 'p' })).toEqual({});
    expect(await write('d', '3')).toEqual({ status: 'stdinClosed' });
    expect(await client.closed('p')).toBe(0);
    expect(client.output('p').toString()).toBe('abc');
  });

  it('is refused where there is none', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'sleep 100');
    const write = (processId: string) => client.result('process/write', { processId, chunk: '', writeId: 'w' });
    expect(await write('p')).toEqual({ status: 'stdinClosed' });
    expect(await write('none')).toEqual({ status: 'unknownProcess' });
    expect((await client.error('process/closeStdin', { processId: 'none' })).message).toBe('unknown process id none');
    await client.result('process/terminate', { processId: 'p' });
  });

  it('that a child does not take delays the answer, not the other requests, and stays in order', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'trap "exec sha256sum" INT; echo ready; while :; do sleep 0.05; done', { pipeStdin: true });
    await client.sees('p', 'ready');
    const blocks = Array.from({ length: 12 }, (_, index) => Buffer.alloc(MIB / 2, 65 + index));
    const ids = blocks.map((block, index) =>
      client.post('process/write', { processId: 'p', chunk: base64(block), writeId: `w${index}` }),
    );
    expect(client.replied(ids[0])).toBe(true);
    expect(client.replied(ids.at(-1))).toBe(false);
    await client.result('process/signal', { processId: 'p', signal: 'interrupt' });
    client.post('process/closeStdin', { processId: 'p' });
    for (const id of ids) expect((await client.reply(id)).result).toEqual({ status: 'accepted' });
    expect(await client.closed('p')).toBe(0);
    const sum = createHash('sha256').update(Buffer.concat(blocks)).digest('hex');
    expect(client.output('p').toString()).toContain(sum);
  });

  it('arrives byte for byte when it is larger than every queue', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'wc -c', { pipeStdin: true });
    const block = base64(Buffer.alloc(MIB, 1));
    for (let i = 0; i < 20; i++) {
      await client.result('process/write', { processId: 'p', chunk: block, writeId: `w${i}` });
    }
    await client.result('process/closeStdin', { processId: 'p' });
    await client.closed('p');
    expect(Number(client.output('p').toString())).toBe(20 * MIB);
  });

  it('is bounded: too many writes nobody reads are refused', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'sleep 100', { pipeStdin: true });
    const block = base64(Buffer.alloc(MIB, 1));
    const ids = Array.from({ length: 24 }, () => client.post('process/write', { processId: 'p', chunk: block }));
    expect((await client.reply(ids.at(-1))).error?.message).toContain('does not read its stdin');
    await client.result('process/terminate', { processId: 'p' });
    await client.closed('p');
    // What waited counts as accepted, as for every write to a process that is gone.
    expect((await client.reply(ids[5])).result).toEqual({ status: 'accepted' });
  });
});

describe('reading output', () => {
  it('waits for news, and gives up after waitMs', async () => {
    const clock = new StepClock();
    const server = createExecutor({ clock });
    const client = await MemoryClient.ready(server);
    await client.start('p', 'read go; printf news; read more', { pipeStdin: true });
    const poll = client.post('process/read', { processId: 'p', waitMs: 5_000 });
    await clock.advanceAsync(4_999);
    expect(client.replied(poll)).toBe(false);
    await clock.advanceAsync(1);
    expect((await client.reply(poll)).result?.chunks).toEqual([]);
    const next = client.post('process/read', { processId: 'p', waitMs: 5_000 });
    // Strictly one at a time: the poll holds back what comes after it.
    const behind = client.post('process/write', { processId: 'p', chunk: base64('\n') });
    expect(client.replied(behind)).toBe(false);
    await clock.advanceAsync(5_000);
    await client.reply(next);
    await client.reply(behind);
    expect(await client.retained('p', 5_000)).toBe('news');
    client.post('process/terminate', { processId: 'p' });
    await client.messages.first(({ method }) => method === 'process/exited');
    await server.drain();
  });

  it('serves several requests at a time when told to', async () => {
    const server = createExecutor({ concurrentRequests: 2 });
    const client = await MemoryClient.ready(server);
    await client.start('p', 'sleep 100');
    const poll = client.post('process/read', { processId: 'p', waitMs: 60_000 });
    expect(await client.result('process/terminate', { processId: 'p' })).toEqual({ running: true });
    await client.reply(poll);
    await server.drain();
  });
});

describe('output and a slow client', () => {
  it('stops the child instead of growing, and loses nothing', async () => {
    const client = await MemoryClient.ready(executor);
    const total = 50_000_000;
    let held = 0;
    let received = 0;
    let most = 0;
    const parse = client.transport.onMessage;
    client.transport.onMessage = (bytes) => {
      const message = JSON.parse(Buffer.from(bytes).toString());
      if (message.method !== 'process/output') return parse(bytes);
      expect(bytes.byteLength).toBeLessThanOrEqual(60 * 1024);
      held += bytes.byteLength;
      received += Buffer.from(message.params.chunk, 'base64').byteLength;
      most = Math.max(most, held);
      if (held < MIB || !client.transport.writable) return;
      client.transport.block();
      setImmediate(() => {
        held = 0;
        client.transport.unblock();
      });
    };
    await client.start('p', `head -c ${total} /dev/zero`);
    expect(await client.closed('p')).toBe(0);
    expect(received).toBe(total);
    expect(most).toBeLessThan(2 * MIB);
  });

  it('does not stop for a client that is away', async () => {
    const server = createExecutor();
    const first = await MemoryClient.ready(server);
    await first.start('p', 'read go; head -c 3000000 /dev/zero; echo END', { pipeStdin: true });
    first.post('process/write', { processId: 'p', chunk: base64('\n') });
    first.transport.block();
    first.disconnect();
    const second = await MemoryClient.ready(server, first.sessionId);
    let page = await second.result('process/read', { processId: 'p', waitMs: 10_000 });
    while (page.closed !== true) {
      const afterSeq = Number(page.nextSeq) - 1;
      page = await second.result('process/read', { processId: 'p', afterSeq, waitMs: 10_000 });
    }
    const retained = await second.retained('p');
    expect(retained.length).toBeLessThanOrEqual(MIB);
    expect(retained.endsWith('END\n')).toBe(true);
    await server.drain();
  });
});

describe('terminals', () => {
  it('lose no output of programs that end at once', async () => {
    const client = await MemoryClient.ready(executor);
    for (let run = 0; run < 100; run++) {
      const id = `p${run}`;
      await client.start(id, 'seq 1 2000; echo END', { tty: true });
      expect(await client.closed(id)).toBe(0);
      const lines = client.output(id).toString().split('\r\n');
      expect(lines.length, `run ${run}`).toBe(2002);
      expect(lines.at(-2)).toBe('END');
    }
  });

  it('are 24 by 80, have SHELL and no TERM', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'test -t 0 && test -t 2 && stty size; echo "[$TERM]"; echo "$SHELL" >&2', { tty: true });
    await client.closed('p');
    const [size, term, shell] = client.output('p', 'pty').toString().split('\r\n');
    expect([size, term]).toEqual(['24 80', '[]']);
    expect(shell).toMatch(/^\//);
  });

  it('take input and Ctrl-C, and report death by signal as 1', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'stty -echo; echo ready; read a; echo "got:$a"; exec sleep 100', { tty: true });
    await client.sees('p', 'ready');
    await client.result('process/write', { processId: 'p', chunk: base64('hey\n'), writeId: '1' });
    await client.sees('p', 'got:hey');
    await client.result('process/write', { processId: 'p', chunk: base64('\x03'), writeId: '2' });
    expect(await client.closed('p')).toBe(1);
  });

  it('see argv[0]', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'tr "\\0" "|" < /proc/$$/cmdline', { tty: true, arg0: 'other' });
    expect(await client.closed('p')).toBe(0);
    expect(client.output('p').toString()).toMatch(/^other\|-c\|/);
  });

  it('end at once when terminated, whoever holds them', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'setsid sleep 5 & echo ready; sleep 100', { tty: true });
    await client.sees('p', 'ready');
    await client.result('process/terminate', { processId: 'p' });
    expect(await client.closed('p')).toBe(1);
  });

  it('do not block the executor when nobody reads their input', async () => {
    const client = await MemoryClient.ready(executor);
    await client.start('p', 'stty raw -echo; echo ready; sleep 100', { tty: true });
    await client.sees('p', 'ready');
    client.post('process/write', { processId: 'p', chunk: base64(Buffer.alloc(MIB, 65)) });
    expect(await client.result('process/terminate', { processId: 'p' })).toEqual({ running: true });
    expect(await client.closed('p')).toBe(1);
  });

  it('stop and go on with a slow client, without loss at the end', async () => {
    const client = await MemoryClient.ready(executor);
    const parse = client.transport.onMessage;
    client.transport.onMessage = (bytes) => {
      parse(bytes);
      if (!client.transport.writable) return;
      client.transport.block();
      setImmediate(() => client.transport.unblock());
    };
    await client.start('p', 'seq 1 20000; echo END', { tty: true });
    expect(await client.closed('p')).toBe(0);
    expect(client.output('p').toString().split('\r\n').length).toBe(20_002);
  });
});
