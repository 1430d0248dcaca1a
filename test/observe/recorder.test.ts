/**
 * What is observed of two real ends of ours on a virtual clock: every frame and transition once, late listeners primed,
 * nothing looked at while nobody listens, and nothing in a record that was in a payload.
 */

import { describe, expect, it } from 'vitest';
import { assign, createActor, enqueueActions, setup } from 'xstate';
import type { Frame } from '../../proto/frame.js';
import { Observation, type ObservationListener } from '../../src/observe/observation.js';
import type { FrameRecord, ObservationRecord } from '../../src/observe/record.js';
import { record } from '../../src/observe/recorder.js';
import { bytes, type PairOptions, relayPair } from '../carrier/relay-pair.js';

const SECRET = 'sesame-7f3a';

async function observedPair(options: PairOptions = {}) {
  let observation: Observation | undefined;
  const pair = await relayPair({
    answer: (message, channel) => channel.send(message),
    ...options,
    observe: (clock) => {
      observation = new Observation({ clock });
      return observation;
    },
  });
  if (observation === undefined) throw new Error('the pair observes nothing');
  const records: ObservationRecord[] = [];
  const watched = observation;
  return { pair, observation: watched, records, start: () => record(watched, { write: (one) => records.push(one) }) };
}

function ofType<T extends ObservationRecord['type']>(records: readonly ObservationRecord[], type: T) {
  return records.filter((one): one is Extract<ObservationRecord, { type: T }> => one.type === type);
}

const brief = ({ body, ack, ackBits }: Frame) => [body.kind, body.kind === 'data' ? body.seq : undefined, ack, ackBits];
const briefRecord = ({ kind, seq, ack, ackBits }: FrameRecord) => [kind, seq, ack, ackBits];

describe('a listener from the start', () => {
  it('is told each frame that leaves and arrives, in order, with its numbers', async () => {
    const { pair, records, start } = await observedPair({ toExecutor: { latencyMs: 5 }, toHarness: { latencyMs: 5 } });
    start();
    const side = pair.open('s1');
    side.channel.send(bytes('x'.repeat(150_000)));
    await pair.clock.runUntilAsync(() => side.received.length === 1, 10_000);
    await pair.clock.advanceAsync(100);
    const frames = ofType(records, 'frame');
    expect(frames.filter(({ dir }) => dir === 'out').map(briefRecord)).toEqual(pair.sent.executor.map(brief));
    expect(frames.filter(({ dir }) => dir === 'in').map(briefRecord)).toEqual(pair.sent.harness.map(brief));
    const segments = frames.filter(({ dir, count }) => dir === 'out' && count === 3);
    expect(segments.map(({ index, bytes: size }) => [index, size])).toEqual([
      [0, 61_440],
      [1, 61_440],
      [2, 27_120],
    ]);
  });

  it('is told why a frame was sent again', async () => {
    const { pair, records, start } = await observedPair({
      seed: 3,
      toExecutor: { latencyMs: 5, drop: 0.1 },
      toHarness: { latencyMs: 5, drop: 0.1 },
    });
    start();
    const side = pair.open('s1');
    // Eight at a time, then one at a time: after a lone one nothing follows that could show its loss.
    for (let n = 0; n < 200; n += 1) {
      side.channel.send(bytes(String(n)));
      const behind = n < 150 ? 8 : 0;
      await pair.clock.runUntilAsync(() => side.received.length + behind > n, 60_000);
    }
    expect(side.received).toHaveLength(200);
    const causes = new Set(ofType(records, 'frame').flatMap(({ cause }) => cause ?? []));
    expect([...causes].sort()).toEqual(['late', 'passed', 'probe']);
    const again = ofType(records, 'frame').filter(({ cause }) => cause !== undefined);
    const seqs = pair.sent.executor.flatMap(({ body }) => (body.kind === 'data' ? [body.seq] : []));
    expect(again).toHaveLength(seqs.length - new Set(seqs).size);
    // Each draw of chance is an input, and is there.
    expect(ofType(records, 'chance.drawn').length).toBeGreaterThan(0);
  });

  it('sees a stream from its opening to its end, with the edges it took', async () => {
    const { pair, records, start } = await observedPair({ toExecutor: { latencyMs: 5 }, toHarness: { latencyMs: 5 } });
    start();
    const side = pair.open('s1');
    side.channel.send(bytes('hello'));
    await pair.clock.runUntilAsync(() => side.received.length === 1, 10_000);
    side.channel.close();
    await pair.clock.advanceAsync(5000);
    const [appeared] = ofType(records, 'actor.appeared').filter(({ id }) => id === 'stream:s1');
    expect(appeared).toMatchObject({ chart: 'stream' });
    const own = records.filter((one) => 'actor' in one && one.actor === appeared?.actor);
    const changes = ofType(own, 'actor.changed');
    const edges = changes.flatMap((one) => one.edges);
    expect(edges).toContain('stream.reliable.sending.idle||0');
    expect(edges).toContain('stream|peer.reset|0');
    expect(changes.some(({ states }) => states.includes('stream.reliable.sending.inFlight.flowing'))).toBe(true);
    const inputs = ofType(own, 'actor.received').filter(({ source }) => source === undefined);
    expect(inputs.map(({ event }) => event)).toContain('flush');
    expect(inputs.find(({ event }) => event === 'flush')?.facts).toEqual({ messages: 1, bytes: 5, sizes: '5' });
    expect(own.at(-1)).toMatchObject({ type: 'actor.ended', status: 'done', states: ['stream.reset'] });
  });

  it('is shown sizes and numbers, never what was sent', async () => {
    const { pair, records, start } = await observedPair();
    start();
    const side = pair.open('s1');
    side.channel.send(bytes(SECRET));
    await pair.clock.runUntilAsync(() => side.received.length === 1, 10_000);
    side.channel.end(`free text with ${SECRET}`);
    await pair.clock.advanceAsync(100);
    expect(side.received).toEqual([SECRET]);
    const text = JSON.stringify(records);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(Buffer.from(SECRET).toString('base64').slice(0, 8));
    expect(ofType(records, 'frame').find(({ kind }) => kind === 'reset')?.reason).toMatch(/^\d+ characters/);
  });

  it('may ask for payloads', async () => {
    const { pair, observation } = await observedPair();
    const records: ObservationRecord[] = [];
    record(observation, { write: (one) => records.push(one), payloads: true });
    const side = pair.open('s1');
    side.channel.send(bytes('hello'));
    await pair.clock.runUntilAsync(() => side.received.length === 1, 10_000);
    const payloads = ofType(records, 'frame').flatMap(({ payload }) => payload ?? []);
    expect(payloads.map((text) => Buffer.from(text, 'base64').toString())).toEqual(['hello', 'hello']);
  });
});

describe('a listener that comes late', () => {
  it('is told of every actor that is there, parents first, with its state', async () => {
    const { pair, records, start } = await observedPair();
    const side = pair.open('s1');
    side.channel.send(bytes('hello'));
    await pair.clock.runUntilAsync(() => side.received.length === 1, 10_000);
    start();
    expect(records[0]).toMatchObject({ type: 'observing.started', version: 1, payloads: false });
    expect(records[1]).toMatchObject({ type: 'endpoint.opened', endpoint: 1, role: 'executor' });
    const actors = ofType(records, 'actor.appeared');
    expect(actors.every(({ primed }) => primed === true)).toBe(true);
    const seen = new Set<string>();
    for (const { actor, parent } of actors) {
      expect(parent === undefined || seen.has(parent)).toBe(true);
      seen.add(actor);
    }
    const stream = actors.find(({ id }) => id === 'stream:s1');
    expect(stream?.states).toContain('stream.reliable.receiving.inOrder');
    expect(stream?.facts).toMatchObject({ profile: 'reliable', 'send.peerAck': expect.any(Number) });
  });

  it('leaves nothing behind', async () => {
    const { pair, observation, records, start } = await observedPair();
    const leave = start();
    const second = record(observation, { write: () => {} });
    leave();
    expect(observation.isWatched).toBe(true);
    second();
    expect(observation.isWatched).toBe(false);
    const { length } = records;
    const side = pair.open('s1');
    side.channel.send(bytes('hello'));
    await pair.clock.runUntilAsync(() => side.received.length === 1, 10_000);
    expect(records).toHaveLength(length);
  });

  it('and fails itself harms nothing', async () => {
    const { pair, observation, start, records } = await observedPair();
    start();
    const broken = new Proxy({} as ObservationListener, {
      get: () => () => {
        throw new Error('a defect');
      },
    });
    observation.listen(broken);
    const side = pair.open('s1');
    side.channel.send(bytes('hello'));
    expect(await pair.clock.runUntilAsync(() => side.received.length === 1, 10_000)).toBe(true);
    expect(ofType(records, 'frame').length).toBeGreaterThan(0);
  });
});

describe('a crash', () => {
  const fragile = setup({
    actions: {
      fail: () => {
        throw new TypeError(`cannot open wss://me:${SECRET}@host.example/ws?ticket=${SECRET}#x`);
      },
    },
  }).createMachine({ id: 'fragile', on: { fail: { actions: 'fail' } } });
  const keeper = setup({
    actors: { fragile },
    actions: {
      keep: enqueueActions(({ enqueue }) => enqueue.spawnChild('fragile', { id: 'session:0123456789abcdef' })),
      fail: ({ self }) => self.getSnapshot().children['session:0123456789abcdef']?.send({ type: 'fail' }),
      forget: enqueueActions(({ enqueue }) => {
        enqueue.stopChild('session:0123456789abcdef');
        enqueue(assign({}));
      }),
    },
  }).createMachine({
    id: 'keeper',
    entry: 'keep',
    on: { fail: { actions: 'fail' }, 'xstate.error.actor.*': { actions: 'forget' } },
  });

  it('is told once, with an error that gives away neither address nor session', () => {
    const root = createActor(keeper).start();
    const observation = new Observation();
    observation.addRoot(root);
    const records: ObservationRecord[] = [];
    record(observation, { write: (one) => records.push(one) });
    root.send({ type: 'fail' });
    expect(root.getSnapshot().status).toBe('active');
    const [child] = ofType(records, 'actor.appeared').filter(({ chart }) => chart === 'fragile');
    expect(child?.id).toBe('session:01234567');
    expect(ofType(records, 'actor.ended')).toEqual([
      expect.objectContaining({
        actor: child?.actor,
        status: 'error',
        error: { name: 'TypeError', message: 'cannot open wss://host.example/…' },
      }),
    ]);
    expect(ofType(records, 'actor.received').map(({ event }) => event)).toContain(
      'xstate.error.actor.session:01234567',
    );
    expect(JSON.stringify(records)).not.toMatch(new RegExp(`${SECRET}|89abcdef`));
  });
});
