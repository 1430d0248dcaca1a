/**
 * The daemon against a registry and a rendezvous in the test's hand: how it gets online and stays so, and what streams
 * on one socket may do to each other (nothing). Real sockets, real processes.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultConnectionTiming, LocateError } from '../../machines/connection-types.js';
import { plainFrame } from '../../proto/frame.js';
import { encodeFrame } from '../../proto/frame-codec.js';
import { defaultLimits } from '../../proto/limits.js';

import type { ExecutorRelayOptions } from '../../src/executor/executor-relay.js';
import { runExecutor, type ServeOptions } from '../../src/executor/run-executor.js';
import { isRunning } from '../harness/process-state.js';
import { CleartextStream } from '../stand-ins/cleartext-stream.js';
import { type FakeRegistry, type RegistryReply, startFakeRegistry } from '../stand-ins/fake-registry.js';
import { type FakeRendezvous, type PeerSocket, startFakeRendezvous } from '../stand-ins/fake-rendezvous.js';
import { StepClock } from '../stand-ins/step-clock.js';

type RelayedOptions = ExecutorRelayOptions & ServeOptions;

const TOKEN = 'sbx_executor_a-secret';
/** Tries again at once, and is in no hurry otherwise. */
const BRISK = { ...defaultConnectionTiming, firstMs: 10, longestMs: 40 };
/** Sizes by which the timers of a virtual clock are told apart: waits between tries are the only ones below 100 s. */
const FAR = { connectMs: 1e6, provingMs: 2e6, pingMs: 1e7, pongMs: 1e7 };
const LONGEST_BACKOFF_MS = 100_000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Scene {
  readonly registry: FakeRegistry;
  readonly rendezvous: FakeRendezvous;
  readonly ended: Promise<void>;
  abort(): void;
}

async function scene(options: Partial<RelayedOptions> = {}, planned: RegistryReply[] = []): Promise<Scene> {
  const rendezvous = await startFakeRendezvous();
  cleanups.push(() => rendezvous.close());
  const registry = await startFakeRegistry({ rendezvousUrl: `${rendezvous.url}/ws?role=executor&sig=1` });
  cleanups.push(() => registry.close());
  registry.next(...planned);
  const { ended, abort } = run({ remote: registry.url, ...options });
  return { registry, rendezvous, ended, abort };
}

function run(options: Partial<RelayedOptions> & { remote: string }): Pick<Scene, 'ended' | 'abort'> {
  const leaving = new AbortController();
  const ended = runExecutor({
    environmentId: 'box 1',
    bearerToken: TOKEN,
    // As the registry and the peers of these tests, which know nothing else.
    relay: 'cleartext' as const,
    timing: BRISK,
    signal: leaving.signal,
    ...options,
  });
  ended.catch(() => {});
  cleanups.push(async () => {
    leaving.abort();
    // With a clock of the test's own, nobody else lets the last delays pass.
    if (options.clock instanceof StepClock) await options.clock.advanceAsync(5000);
    await ended.catch(() => {});
  });
  return { ended, abort: () => leaving.abort() };
}

async function online(options: Partial<RelayedOptions> = {}): Promise<Scene & { readonly socket: PeerSocket }> {
  const it = await scene(options);
  return { ...it, socket: await it.rendezvous.sockets.first() };
}

async function openStream(socket: PeerSocket, streamId: string, params: Record<string, unknown> = {}) {
  const stream = new CleartextStream(socket, streamId);
  const sessionId = await stream.initialize(params);
  return { stream, sessionId };
}

/** Starts a shell script; its first line of output is its process id. */
async function startScript(stream: CleartextStream, processId: string, script: string): Promise<number> {
  const argv = ['sh', '-c', `echo $$; ${script}`];
  const env = { PATH: '/usr/bin:/bin' };
  const params = { processId, argv, cwd: 'file:///', env, tty: false, pipeStdin: true };
  const { error } = await stream.request('process/start', params);
  expect(error).toBeUndefined();
  await outputOf(stream, processId, '\n');
  return Number.parseInt(stream.outputOf(processId).toString(), 10);
}

/** For little output: it is put together again for every message. */
async function outputOf(stream: CleartextStream, processId: string, ending: string): Promise<string> {
  await stream.messages.first((message) => {
    const isNewest = message === stream.messages.items.at(-1);
    return isNewest && stream.outputOf(processId).toString().endsWith(ending);
  });
  return stream.outputOf(processId).toString();
}

function write(stream: CleartextStream, processId: string, text: string) {
  const chunk = Buffer.from(text).toString('base64');
  return stream.request('process/write', { processId, chunk, writeId: text });
}

async function expectServed(stream: CleartextStream): Promise<void> {
  expect(await stream.request('environment/status')).toMatchObject({ result: { status: 'ready' } });
}

describe('registering', () => {
  it('shows its token in a header, sends no body, and asks for the socket it is given without the token', async () => {
    const { registry, socket } = await online();
    expect(registry.requests.items).toHaveLength(1);
    expect(registry.requests.items[0]).toMatchObject({
      method: 'POST',
      path: '/cloud/environment/box%201/register',
      body: '',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-length': '0' },
    });
    expect(registry.requests.items[0]?.headers).not.toHaveProperty('content-type');
    expect(socket.path).toBe('/ws?role=executor&sig=1');
    expect(JSON.stringify(socket.request.headers)).not.toContain(TOKEN);
  });

  it('asks at the path of the first releases where that of today is unknown', async () => {
    const { registry, rendezvous } = await scene({}, [{ kind: 'status', status: 404 }]);
    await rendezvous.sockets.first();
    expect(registry.requests.items.map(({ path }) => path)).toEqual([
      '/cloud/environment/box%201/register',
      '/cloud/executor/box%201/register',
    ]);
  });

  it.each<[string, RegistryReply]>([
    ['ends the connection', { kind: 'drop' }],
    ['never answers', { kind: 'hang' }],
    ['answers 409', { kind: 'status', status: 409, body: { error: { code: 'environment_busy' } } }],
    ['answers 429 and asks for patience in words', { kind: 'status', status: 429, headers: { 'retry-after': 'soon' } }],
    ['answers 500 with a page', { kind: 'status', status: 500, body: '<html>' }],
    ['answers 503', { kind: 'status', status: 503, body: null }],
    ['points elsewhere', { kind: 'status', status: 307, headers: { location: 'http://127.0.0.1:1/' } }],
    ['answers bad JSON', { kind: 'text', text: '{"url":' }],
    ['answers nothing', { kind: 'text', text: '' }],
    ['answers no object', { kind: 'text', text: 'null' }],
    ['answers without a url', { kind: 'text', text: '{"environment_id":"box 1"}' }],
    ['answers a url of another kind', { kind: 'registered', url: 'http://127.0.0.1:1/' }],
    ['answers a url that is none', { kind: 'registered', url: 'ws://:' }],
    ['answers a url that no socket can be opened for', { kind: 'registered', url: 'ws://127.0.0.1:1/#part' }],
    ['answers without end', { kind: 'text', text: 'x'.repeat(4_000_000) }],
  ])('tries again when the registry %s', async (_, reply) => {
    const { registry, rendezvous } = await scene({ answerMs: 200 }, [reply, reply]);
    await rendezvous.sockets.first();
    expect(registry.requests.items).toHaveLength(3);
  });

  it('tries again when nobody listens there', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    const clock = new StepClock();
    const { ended, abort } = run({ remote: `http://127.0.0.1:${port}`, clock });
    for (let tries = 0; tries < 3; tries += 1) await waitForBackoff(clock, true);
    abort();
    await ended;
  });

  it('waits as long as a registry asks for', async () => {
    const clock = new StepClock();
    const { rendezvous } = await scene({ clock, timing: { ...BRISK, ...FAR } }, [
      { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
    ]);
    expect(await waitForBackoff(clock, true)).toBe(7000);
    await rendezvous.sockets.first();
  });

  it.each([401, 403])('ends when the registry answers %i, and says what to do', async (status) => {
    const body = { error: { code: 'unauthorized', message: 'this token is for another environment' } };
    const { registry, ended } = await scene({}, [{ kind: 'status', status, body }]);
    const error = await ended.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LocateError);
    expect(error).toMatchObject({ code: 'registration_unauthorized' });
    const { message } = error as Error;
    expect(message).toContain('this token is for another environment');
    expect(message).toContain('signalbox token create --role executor --env');
    expect(message).not.toContain(TOKEN);
    expect(registry.requests.items).toHaveLength(1);
  });

  it.each<[string, Partial<RelayedOptions> & { remote: string }]>([
    ['an address that is none', { remote: 'somewhere' }],
    ['an address of another kind', { remote: 'ws://127.0.0.1:1' }],
    ['a token that fits no header', { remote: 'http://127.0.0.1:1', bearerToken: 'line\nbreak' }],
  ])('ends on %s, which no later try can mend', async (_, options) => {
    const error = await run(options).ended.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LocateError);
    expect((error as Error).message).not.toContain('break');
  });
});

/** The wait before the next try, once one is under way; passes it when told to. */
async function waitForBackoff(clock: StepClock, pass: boolean): Promise<number> {
  const waits = () => clock.pending().map((due) => due - clock.now());
  await vi.waitUntil(() => waits().some((wait) => wait < LONGEST_BACKOFF_MS), { timeout: 10_000, interval: 2 });
  const wait = waits().find((ms) => ms < LONGEST_BACKOFF_MS) as number;
  if (pass) clock.advance(wait);
  return wait;
}

describe('connecting', () => {
  it.each([400, 401, 404, 410, 429])('registers again when the socket is refused with %i', async (status) => {
    const { registry, rendezvous } = await scene();
    rendezvous.next({ kind: 'refuse', status });
    await rendezvous.sockets.first();
    expect(registry.requests.items).toHaveLength(2);
    expect(rendezvous.upgrades.items).toHaveLength(2);
  });

  it.each([500, 503])('tries the same address when the socket is refused with %i', async (status) => {
    const { registry, rendezvous } = await scene();
    rendezvous.next({ kind: 'refuse', status }, { kind: 'refuse', status });
    await rendezvous.sockets.first();
    expect(registry.requests.items).toHaveLength(1);
    expect(rendezvous.upgrades.items).toHaveLength(3);
  });

  it('tries again when the upgrade is never answered', async () => {
    const rendezvous = await startFakeRendezvous();
    cleanups.push(() => rendezvous.close());
    rendezvous.next({ kind: 'hang' });
    const registry = await startFakeRegistry({ rendezvousUrl: rendezvous.url });
    cleanups.push(() => registry.close());
    run({ remote: registry.url, timing: { ...BRISK, connectMs: 100 } });
    await rendezvous.sockets.first();
    expect(rendezvous.upgrades.items).toHaveLength(2);
  });

  it('waits longer after each connection that did not last, and little again after one that did', async () => {
    const clock = new StepClock();
    const timing = { ...defaultConnectionTiming, ...FAR, firstMs: 1000, longestMs: 30_000 };
    const { rendezvous } = await scene({ clock, timing });
    const drop = async (connection: number): Promise<number> => {
      const socket = (await rendezvous.sockets.atLeast(connection))[connection - 1];
      const isOnline = () => clock.pending().some((due) => due - clock.now() >= FAR.pingMs - FAR.provingMs);
      // The other side has seen the upgrade's answer, too.
      await vi.waitUntil(isOnline, { interval: 2 });
      if (connection === 9) clock.advance(FAR.provingMs);
      socket?.drop();
      await vi.waitUntil(() => !isOnline(), { interval: 2 });
      return waitForBackoff(clock, true);
    };
    for (const [index, most] of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000].entries()) {
      const wait = await drop(index + 1);
      expect(wait).toBeLessThanOrEqual(most);
      expect(wait).toBeGreaterThanOrEqual(most / 2);
    }
    expect(await drop(9)).toBeLessThanOrEqual(1000);
  });

  it('leaves a rendezvous that answers no more pings, and comes back', async () => {
    const { rendezvous } = await scene({ timing: { ...BRISK, pingMs: 20, pongMs: 100 } });
    const silent = await rendezvous.sockets.first();
    await silent.pings.atLeast(2);
    silent.stopAnsweringPings();
    await silent.closed;
    await rendezvous.sockets.atLeast(2);
  });

  it('serves new streams, and old sessions, on the socket after one that was lost', async () => {
    const { rendezvous, registry, socket } = await online();
    const { stream, sessionId } = await openStream(socket, 's1');
    const pid = await startScript(stream, 'p', 'cat');
    socket.drop();
    const next = (await rendezvous.sockets.atLeast(2))[1] as PeerSocket;
    await expectServed((await openStream(next, 's2')).stream);
    const { stream: again } = await openStream(next, 's3', { resumeSessionId: sessionId });
    await write(again, 'p', 'still there\n');
    expect(await outputOf(again, 'p', 'there\n')).toBe('still there\n');
    expect(isRunning(pid)).toBe(true);
    expect(registry.requests.items).toHaveLength(1);
  });
});

describe('two streams on one socket', () => {
  async function twoStreams(options: Partial<RelayedOptions> = {}) {
    const it = await online(options);
    const [one, other] = await Promise.all([openStream(it.socket, 'one'), openStream(it.socket, 'other')]);
    return { ...it, one, other };
  }

  it('run by turns and hear nothing of each other, even with processes of the same name', async () => {
    const { socket, one, other } = await twoStreams();
    const echo = (name: string) => `while read line; do echo "${name} $line"; done; exit 3`;
    const pids = [await startScript(one.stream, 'p', echo('one')), await startScript(other.stream, 'p', echo('other'))];
    expect(one.sessionId).not.toBe(other.sessionId);
    let expectedOne = `${pids[0]}\n`;
    let expectedOther = `${pids[1]}\n`;
    for (let n = 0; n < 20; n += 1) {
      await Promise.all([write(one.stream, 'p', `${n}\n`), write(other.stream, 'p', `${n}\n`)]);
      expectedOne += `one ${n}\n`;
      expectedOther += `other ${n}\n`;
      expect(await outputOf(one.stream, 'p', `one ${n}\n`)).toBe(expectedOne);
      expect(await outputOf(other.stream, 'p', `other ${n}\n`)).toBe(expectedOther);
    }
    await Promise.all(
      [one.stream, other.stream].map((stream) => stream.request('process/terminate', { processId: 'p' })),
    );
    await Promise.all([one.stream, other.stream].map((stream) => stream.notification('process/closed', 'p')));
    const frames = socket.frames.items;
    expect(new Set(frames.map(({ frame }) => frame.streamId))).toEqual(new Set(['one', 'other']));
    // Not first all of one and then all of the other.
    const turns = frames.filter(({ frame }, index) => frame.streamId !== frames[index - 1]?.frame.streamId);
    expect(turns.length).toBeGreaterThan(20);
  });

  it('bring bulk output at the same time, each its own', async () => {
    const { one, other } = await twoStreams();
    for (const { stream } of [one, other]) {
      const argv = ['sh', '-c', `head -c 3000000 /dev/zero | tr '\\0' ${stream.streamId[1]}`];
      const params = { processId: 'p', argv, cwd: 'file:///', env: { PATH: '/usr/bin:/bin' }, tty: false };
      stream.sendMessage({ id: 'start', method: 'process/start', params });
    }
    for (const { stream } of [one, other]) {
      await stream.notification('process/closed', 'p');
      const letter = stream.streamId[1] as string;
      expect(stream.outputOf('p').equals(Buffer.alloc(3_000_000, letter))).toBe(true);
    }
  });

  it('speak to a release as a release does: nothing twice, nothing in pieces, no acknowledgements', async () => {
    const { socket, one, other } = await twoStreams();
    await Promise.all([startScript(one.stream, 'p', 'seq 50000'), startScript(other.stream, 'p', 'seq 50000')]);
    await Promise.all([one.stream, other.stream].map((stream) => stream.notification('process/closed', 'p')));
    for (const id of ['one', 'other']) {
      const frames = socket.framesOf(id);
      expect(frames.length).toBeGreaterThan(5);
      for (const [index, frame] of frames.entries()) {
        expect(frame).toMatchObject({ ack: 0, ackBits: 0, reliability: 0 });
        expect(frame.body).toMatchObject({ kind: 'data', seq: index, segmentIndex: 0, segmentCount: 1 });
      }
    }
    expect(socket.strays.items).toEqual([]);
  });

  it('are one less when one is reset: the other goes on, and the process of the first is taken up again', async () => {
    const { socket, one, other } = await twoStreams();
    const script = 'while read line; do echo "$line"; done';
    const pid = await startScript(one.stream, 'p', script);
    await startScript(other.stream, 'p', script);
    one.stream.reset('gone');
    await write(other.stream, 'p', 'on and on\n');
    await outputOf(other.stream, 'p', 'on and on\n');
    expect(isRunning(pid)).toBe(true);
    const { stream: again, sessionId } = await openStream(socket, 'third', { resumeSessionId: one.sessionId });
    expect(sessionId).toBe(one.sessionId);
    await write(again, 'p', 'welcome back\n');
    expect(await outputOf(again, 'p', 'back\n')).toBe('welcome back\n');
    const { result } = await again.request('process/read', { processId: 'p', afterSeq: 0 });
    const { chunks } = result as { chunks: { chunk: string }[] };
    const retained = chunks.map(({ chunk }) => Buffer.from(chunk, 'base64').toString()).join('');
    expect(retained).toBe(`${pid}\nwelcome back\n`);
    expect(socket.framesOf('one').some(({ body }) => body.kind === 'reset')).toBe(false);
  });

  it('keep what a process printed while nobody listened', async () => {
    const { socket, one } = await twoStreams();
    const pid = await startScript(one.stream, 'p', 'read line; echo "$line"; echo done >&2');
    await write(one.stream, 'p', 'the end\n');
    one.stream.reset('gone');
    const { stream: again } = await openStream(socket, 'third', { resumeSessionId: one.sessionId });
    const read = async () => (await again.request('process/read', { processId: 'p', afterSeq: 0, waitMs: 0 })).result;
    await vi.waitUntil(async () => (await read())?.closed === true, { interval: 5, timeout: 10_000 });
    const { chunks, exitCode } = (await read()) as { chunks: { chunk: string; stream: string }[]; exitCode: number };
    const text = (stream: string) =>
      chunks.map((chunk) => (chunk.stream === stream ? Buffer.from(chunk.chunk, 'base64').toString() : '')).join('');
    expect([text('stdout'), text('stderr'), exitCode]).toEqual([`${pid}\nthe end\n`, 'done\n', 0]);
  });

  it('end the processes of a reset stream when nobody comes back for them in time', async () => {
    const { socket, one, other } = await twoStreams({ detachedMs: 50 });
    const pid = await startScript(one.stream, 'p', 'exec sleep 1000');
    const kept = await startScript(other.stream, 'p', 'exec sleep 1000');
    one.stream.reset('gone');
    await vi.waitUntil(() => !isRunning(pid), { interval: 5, timeout: 10_000 });
    const late = new CleartextStream(socket, 'late');
    const reply = await late.request('initialize', { clientName: 'test', resumeSessionId: one.sessionId });
    expect(reply.error).toEqual({ code: -32600, message: `unknown session id ${one.sessionId}` });
    expect(isRunning(kept)).toBe(true);
    await expectServed(other.stream);
  });

  it('cannot take each other over while both are there', async () => {
    const { socket, one } = await twoStreams();
    const thief = new CleartextStream(socket, 'thief');
    const reply = await thief.request('initialize', { clientName: 'test', resumeSessionId: one.sessionId });
    expect(reply.error?.code).toBe(-32010);
    await expectServed(one.stream);
  });

  it('are both served while one of them floods', async () => {
    const { one, other } = await twoStreams();
    const pid = await startScript(one.stream, 'p', 'exec yes');
    for (let n = 0; n < 20; n += 1) await expectServed(other.stream);
    expect(isRunning(pid)).toBe(true);
    await one.stream.request('process/terminate', { processId: 'p' });
    await one.stream.notification('process/closed', 'p');
  });

  it('are both served while one of them asks a thousand things at once', async () => {
    const { one, other } = await twoStreams();
    const asked = Array.from({ length: 1000 }, () => one.stream.request('environment/info'));
    await expectServed(other.stream);
    expect((await Promise.all(asked)).every(({ result }) => result !== undefined)).toBe(true);
  });
});

describe('bad input on one stream', () => {
  const data = { kind: 'data', seq: 0, segmentIndex: 0, segmentCount: 1, payload: Buffer.from('{}') } as const;
  const valid = (streamId: string) => Buffer.from(encodeFrame(plainFrame(streamId, data)));
  /** Protobuf by hand: what our own encoder refuses to make. */
  const frame = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

  it.each<[string, (socket: PeerSocket) => void]>([
    ['a message that does not decode', (socket) => socket.sendBytes(Buffer.from('ffffffffff', 'hex'))],
    ['a cut frame', (socket) => socket.sendBytes(valid('bad').subarray(0, 9))],
    ['a text message', (socket) => socket.sendText('{"id":1,"method":"initialize"}')],
    ['an empty message', (socket) => socket.sendBytes(new Uint8Array())],
    ['an unknown version', (socket) => socket.sendBytes(frame('0802 1203626164 2a07 1801 2203616263'))],
    ['no version', (socket) => socket.sendBytes(frame('1203626164 2a07 1801 2203616263'))],
    ['a blank stream id', (socket) => socket.sendBytes(frame('0801 12022020 2a07 1801 2203616263'))],
    ['no stream id', (socket) => socket.sendBytes(frame('0801 2a07 1801 2203616263'))],
    [
      'a huge stream id',
      (socket) => socket.sendBytes(frame(`0801 12a08d06${'78'.repeat(100_000)} 2a07 1801 2203616263`)),
    ],
    ['no body', (socket) => socket.sendBytes(frame('0801 1203626164'))],
    ['no payload', (socket) => socket.sendBytes(frame('0801 1203626164 2a02 1801'))],
    ['no segment count', (socket) => socket.sendBytes(frame('0801 1203626164 2a05 2203616263'))],
    ['two segments', (socket) => socket.sendBytes(frame('0801 1203626164 2a07 1802 2203616263'))],
    ['a segment beyond its message', (socket) => socket.sendBytes(frame('0801 1203626164 2a09 1001 1801 2203616263'))],
    ['a reset without reason', (socket) => socket.sendBytes(frame('0801 1203626164 4200'))],
    ['a reset of an unknown stream', (socket) => socket.reset('bad', 'never seen')],
    ['an acknowledgement of an unknown stream', (socket) => socket.send(plainFrame('bad', { kind: 'ack' }))],
    ['a heartbeat of an unknown stream', (socket) => socket.send(plainFrame('bad', { kind: 'heartbeat' }))],
    ['a resume of an unknown stream', (socket) => socket.send(plainFrame('bad', { kind: 'resume', nextSeq: 9 }))],
  ])('%s changes nothing and is not answered', async (_, send) => {
    const { socket, rendezvous } = await online();
    const { stream } = await openStream(socket, 'good');
    send(socket);
    await expectServed(stream);
    // Whatever came of it would have come before the answer to a later ping.
    await socket.ping('after it');
    expect(socket.frames.items.every(({ frame: { streamId } }) => streamId === 'good')).toBe(true);
    expect(rendezvous.sockets.items).toHaveLength(1);
  });

  it('a Noise handshake is answered with reset, and only its stream ends', async () => {
    const { socket } = await online();
    const { stream } = await openStream(socket, 'good');
    socket.send(plainFrame('noisy', { kind: 'handshake', payload: Buffer.alloc(3586, 1) }));
    await socket.frames.first(({ frame: { streamId } }) => streamId === 'noisy');
    expect(socket.framesOf('noisy')).toMatchObject([{ body: { kind: 'reset', reason: 'noise_relay_protocol_error' } }]);
    await expectServed(stream);
  });

  it.each([
    ['bytes that are no text', Buffer.from([0xff, 0xfe])],
    ['text that is no JSON', Buffer.from('{"id":')],
    ['a number', Buffer.from('42')],
    ['a list', Buffer.from('[{"id":1,"method":"environment/info"}]')],
    ['an object that says nothing', Buffer.from('{}')],
    ['an id that is none', Buffer.from('{"id":null,"method":"environment/info"}')],
    ['nesting without end', Buffer.from('['.repeat(200_000))],
  ])('%s in place of a request is answered as an error, and the stream lives', async (_, payload) => {
    const { socket } = await online();
    const { stream } = await openStream(socket, 'bad');
    const { stream: good } = await openStream(socket, 'good');
    stream.sendPayload(payload);
    const answer = await stream.messages.first(({ id }) => id === -1);
    expect(answer.error?.code).toBe(-32600);
    await expectServed(stream);
    await expectServed(good);
  });

  it.each([
    ['an answer to nothing', '{"id":7,"result":{}}'],
    ['a request without id', '{"method":"environment/info"}'],
    ['an unknown notification', '{"method":"whatever"}'],
  ])('%s ends its stream with a reset, and no other', async (_, text) => {
    const { socket } = await online();
    const { stream } = await openStream(socket, 'bad');
    const { stream: good } = await openStream(socket, 'good');
    stream.sendPayload(Buffer.from(text));
    const reset = await socket.frames.first(
      ({ frame: { streamId, body } }) => streamId === 'bad' && body.kind === 'reset',
    );
    expect(reset.frame.body).toMatchObject({ reason: expect.stringMatching(/^unexpected_(response|notification)$/) });
    await expectServed(good);
  });

  it('a message larger than any allowed costs the socket, which is opened again', async () => {
    const limits = { ...defaultLimits, websocketMessageBytes: 1024 * 1024 };
    const { socket, rendezvous } = await online({ limits });
    const { stream, sessionId } = await openStream(socket, 's1');
    await startScript(stream, 'p', 'cat');
    socket.sendBytes(Buffer.alloc(1024 * 1024 + 1));
    expect((await socket.closed).code).toBe(1009);
    const next = (await rendezvous.sockets.atLeast(2))[1] as PeerSocket;
    await expectServed((await openStream(next, 's2', { resumeSessionId: sessionId })).stream);
  });

  it('one stream too many is refused by name, until there is room again', async () => {
    const { socket } = await online({ limits: { ...defaultLimits, streams: 2 } });
    const { stream: one } = await openStream(socket, 'one');
    const { stream: two } = await openStream(socket, 'two');
    new CleartextStream(socket, 'three').notify('initialize', {});
    await socket.frames.first(({ frame: { streamId } }) => streamId === 'three');
    expect(socket.framesOf('three')).toMatchObject([{ body: { kind: 'reset', reason: 'too_many_streams' } }]);
    await expectServed(one);
    two.reset('room');
    const { stream: four } = await openStream(socket, 'four');
    await expectServed(four);
  });

  it('more requests than may wait end the stream that sent them', async () => {
    const { socket } = await online({ limits: { ...defaultLimits, queuedMessages: 8 } });
    const { stream } = await openStream(socket, 'bad');
    const { stream: good } = await openStream(socket, 'good');
    await startScript(stream, 'p', 'exec sleep 1000');
    for (let n = 0; n < 10; n += 1)
      stream.sendMessage({ id: `r${n}`, method: 'process/read', params: { processId: 'p', afterSeq: 1, waitMs: 1e6 } });
    const reset = await socket.frames.first(
      ({ frame: { streamId, body } }) => streamId === 'bad' && body.kind === 'reset',
    );
    expect(reset.frame.body).toMatchObject({ reason: 'queue_full' });
    await expectServed(good);
  });

  it('a late frame of a stream that is over runs nothing', async () => {
    const { socket } = await online();
    const { stream } = await openStream(socket, 'old');
    const { stream: good } = await openStream(socket, 'good');
    stream.reset('over');
    await expectServed(good);
    const before = socket.framesOf('old').length;
    stream.sendMessage({ id: 'late', method: 'environment/info' });
    await socket.frames.first(() => socket.framesOf('old').length > before);
    expect(socket.framesOf('old').at(-1)?.body).toEqual({ kind: 'reset', reason: 'stream_retired' });
    // The same id from the start is a new stream, as releases may do (relay.md §4.2.5).
    const { stream: again } = await openStream(socket, 'old');
    await expectServed(again);
  });

  it('a late frame of a reliable stream that is over runs nothing, wherever it starts', async () => {
    const { socket } = await online();
    const reliable = (seq: number) => ({
      ...plainFrame('old', { ...data, seq, payload: Buffer.from('{"id":1,"method":"environment/info"}') }),
      reliability: 1,
    });
    socket.send({ ...plainFrame('old', { kind: 'resume', nextSeq: 1 }), reliability: 1 });
    socket.send(reliable(1));
    await socket.frames.first(({ frame: { streamId, body } }) => streamId === 'old' && body.kind === 'data');
    socket.reset('old', 'over');
    socket.send(reliable(1));
    const reset = await socket.frames.first(({ frame: { body } }) => body.kind === 'reset');
    expect(reset.frame).toMatchObject({ streamId: 'old', body: { reason: 'stream_retired' } });
    expect(socket.framesOf('old').filter(({ body }) => body.kind === 'data')).toHaveLength(1);
  });
});

describe('told to end', () => {
  it('resets its streams, ends its children, closes its socket, without waiting for anything', async () => {
    // Nobody moves this clock: whatever needs a delay would hang.
    const { socket, ended, abort } = await online({ clock: new StepClock() });
    const { stream } = await openStream(socket, 's1');
    const { stream: other } = await openStream(socket, 's2');
    const pids = [
      await startScript(stream, 'p', 'trap "" TERM INT HUP; while :; do sleep 1000; done'),
      await startScript(other, 'p', 'exec sleep 1000'),
    ];
    abort();
    await ended;
    expect(pids.filter(isRunning)).toEqual([]);
    expect((await socket.closed).code).toBe(1001);
    for (const id of ['s1', 's2']) {
      expect(socket.framesOf(id).at(-1)?.body).toEqual({ kind: 'reset', reason: 'executor_draining' });
    }
  });

  it('ends its children also when their session is detached', async () => {
    const { socket, ended, abort } = await online();
    const { stream } = await openStream(socket, 's1');
    const pid = await startScript(stream, 'p', 'exec sleep 1000');
    stream.reset('gone');
    abort();
    await ended;
    expect(isRunning(pid)).toBe(false);
  });

  it('needs no more than two seconds when the rendezvous does not take its goodbye', async () => {
    const clock = new StepClock();
    const { socket, ended, abort } = await online({ clock });
    const { stream } = await openStream(socket, 's1');
    // A descendant in a session of its own holds the pipe; it may live, but must not be waited for.
    const pid = await startScript(stream, 'p', 'setsid sleep 3 & exec sleep 1000');
    socket.stall();
    let over = false;
    void ended.then(() => {
      over = true;
    });
    const start = clock.now();
    abort();
    await vi.waitUntil(
      () => {
        if (!over && clock.now() - start < 2000) clock.advance(10);
        return over;
      },
      { interval: 5, timeout: 10_000 },
    );
    expect(isRunning(pid)).toBe(false);
  });

  it.each<[string, RegistryReply[]]>([
    ['registering', [{ kind: 'hang' }]],
    ['connecting', []],
    ['waiting for the next try', [{ kind: 'status', status: 503 }]],
  ])('ends while it is %s', async (what, planned) => {
    const { registry, rendezvous, ended, abort } = await scene({ timing: defaultConnectionTiming }, planned);
    if (what === 'connecting') {
      rendezvous.next({ kind: 'hang' });
      await rendezvous.upgrades.first();
    } else await registry.requests.first();
    abort();
    await ended;
  });

  it('ends when it was told before it began', async () => {
    const registry = await startFakeRegistry({ rendezvousUrl: 'ws://127.0.0.1:1' });
    cleanups.push(() => registry.close());
    await run({ remote: registry.url, signal: AbortSignal.abort() }).ended;
  });
});
