/**
 * The contract with the Stately inspector: its own receiver takes every record of ours, a late one is told everything, the
 * definitions are whole, and nothing goes there that came from outside this program.
 */
import { createInspector, createWebSocketReceiver } from '@statelyai/inspect';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { streamMachine } from '../../machines/stream.machine.js';
import { inspectedExecutor } from './inspected-executor.js';

/** What `createWebSocketReceiver` hands on. */
interface StatelyRecord {
  readonly type: string;
  readonly _version: string;
  readonly rootId: string;
  readonly sessionId: string;
  readonly createdAt: string;
  readonly name?: string;
  readonly parentId?: string;
  readonly definition?: string;
  readonly event?: { readonly type: string };
  readonly snapshot?: { readonly status: string; readonly value?: unknown; readonly context?: object };
}

const SECRET = 'sesame-7f3a';
const waits = { timeout: 10_000 };

let records: StatelyRecord[] = [];
beforeEach(() => {
  records = [];
});

/** As the bridge page would connect, but with the receiver of the package. */
function receive(url: string | undefined): void {
  const server = `${url?.replace('http:', 'ws:')}records`;
  const receiver = createWebSocketReceiver({ server });
  const subscription = receiver.subscribe((record: unknown) => {
    records.push(record as StatelyRecord);
  });
  onTestFinished(() => subscription.unsubscribe());
}

const named = (name: string) => records.filter((record) => record.name?.startsWith(`${name} `));

describe('a receiver of the Stately inspector', () => {
  it('that joins late is told every actor that is there, with its whole definition and state', async () => {
    const { inspector, connect } = await inspectedExecutor({ stately: true });
    const harness = await connect();
    await harness.startProcess({ argv: ['sleep', '60'] });
    receive(inspector.statelyUrl);
    await vi.waitUntil(() => named('process').length > 0, waits);
    for (const name of ['executor', 'connection', 'stream', 'session', 'process']) {
      const [actor] = named(name);
      expect(actor, name).toMatchObject({ type: '@xstate.actor', snapshot: { status: 'active' } });
      const definition = JSON.parse(actor?.definition ?? '{}');
      expect(definition.id).toBe(name);
      expect(Object.keys(definition.states).length).toBeGreaterThan(1);
    }
    const [stream] = named('stream');
    expect(JSON.parse(stream?.definition ?? '')).toEqual(JSON.parse(JSON.stringify(streamMachine.config)));
    expect(stream?.snapshot?.value).toMatchObject({ reliable: { sending: expect.anything() } });
    expect(stream?.parentId).toBe(named('connection')[0]?.sessionId);
  });

  it('is told what happens, in the shape the package itself gives it', async () => {
    const { inspector, connect, observation } = await inspectedExecutor({ stately: true });
    receive(inspector.statelyUrl);
    await vi.waitUntil(() => observation.isWatched, waits);
    const harness = await connect();
    await harness.request('environment/info');
    await harness.close();
    await vi.waitUntil(() => records.some(({ snapshot }) => snapshot?.status === 'done'), waits);
    const theirs: StatelyRecord[] = [];
    const official = createInspector({ send: (record) => theirs.push(record as unknown as StatelyRecord) });
    official.actor('one', { status: 'active', context: {} });
    official.event('one', { type: 'go' });
    official.snapshot('one', { status: 'active', context: {} }, { event: { type: 'go' } });
    await vi.waitUntil(() => theirs.length === 3, waits);
    expect(new Set(records.map(({ type }) => type))).toEqual(new Set(theirs.map(({ type }) => type)));
    for (const record of records) {
      const like = theirs.find(({ type }) => type === record.type);
      expect(record._version).toBe(like?._version);
      expect(record.createdAt).toMatch(/^\d+$/);
      expect(record.sessionId).toMatch(/^x:\d+$/);
      // Nothing that their page reads is missing; `sourceId` and `parentId` are undefined for a root.
      const own = new Set(Object.keys(record));
      for (const field of Object.keys(like ?? {})) {
        if (!['sourceId', 'parentId'].includes(field)) expect(own, record.type).toContain(field);
      }
    }
  });

  it('gets no payload, no secret, and no word from outside', async () => {
    const { inspector, connect, tokens, observation } = await inspectedExecutor({ stately: true });
    receive(inspector.statelyUrl);
    await vi.waitUntil(() => observation.isWatched, waits);
    const harness = await connect();
    const child = await harness.startProcess({ argv: ['cat', '-'], stdin: true, env: { HIDDEN: SECRET } });
    child.stdin.end(SECRET);
    child.stdout.resume();
    await child.closed;
    await harness.close();
    await vi.waitUntil(() => records.some(({ snapshot }) => snapshot?.status === 'done'), waits);
    const text = JSON.stringify(records);
    const words = [SECRET, Buffer.from(SECRET).toString('base64').slice(0, 10), harness.sessionId.slice(0, 8)];
    for (const word of [...words, tokens.harness, tokens.executor, 'box1', process.cwd(), 'ticket']) {
      expect(text, word).not.toContain(word);
    }
    // Ids of streams, sessions and processes are random: none of them is there.
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });

  it('is told of a crash', async () => {
    const { inspector, connect, streams, observation } = await inspectedExecutor({ stately: true });
    receive(inspector.statelyUrl);
    await vi.waitUntil(() => observation.isWatched, waits);
    await connect();
    streams()[0]?.send({ type: 'frames', frames: undefined });
    await vi.waitUntil(() => records.some(({ snapshot }) => snapshot?.status === 'error'), waits);
  });
});

describe('the bridge', () => {
  it('is there only when it was asked for, and may show one page of a third party', async () => {
    const { inspector } = await inspectedExecutor({ stately: true });
    const page = await fetch(inspector.statelyUrl ?? '');
    expect(page.headers.get('content-security-policy')).toContain('frame-src https://stately.ai;');
    expect(await page.text()).toContain('third party');
    expect((await fetch(new URL('stately.js', inspector.statelyUrl))).status).toBe(200);
    const { inspector: plain } = await inspectedExecutor();
    expect(plain.statelyUrl).toBeUndefined();
    expect((await fetch(new URL('stately/', plain.url))).status).toBe(404);
  });
});
