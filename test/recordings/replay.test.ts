/**
 * Recordings that are run again: the production charts do what was recorded, to the last number, and one altered number
 * is found where it stands.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RelayKind } from '../../src/executor/executor-relay.js';
import { runExecutor } from '../../src/executor/run-executor.js';
import { Observation } from '../../src/observe/observation.js';
import type { ObservationRecord } from '../../src/observe/record.js';
import { record } from '../../src/observe/recorder.js';
import { RecordingError } from '../../src/recordings/recording-error.js';
import type { RecordedLine } from '../../src/recordings/recording-reader.js';
import { type ReplayReport, replay } from '../../src/recordings/replay.js';
import { Recordings } from '../sim/recordings.js';
import { makeScenario } from '../sim/scenario.js';
import { simulate } from '../sim/simulate.js';
import { CleartextStream } from '../stand-ins/cleartext-stream.js';
import { startFakeRegistry } from '../stand-ins/fake-registry.js';
import { startFakeRendezvous } from '../stand-ins/fake-rendezvous.js';
import { smallRun } from './small-run.js';

/** As they come out of a file. */
function linesOf(text: string): RecordedLine[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, index) => ({ line: index + 1, record: JSON.parse(line) as ObservationRecord }));
}

function again(records: readonly ObservationRecord[]): ReplayReport {
  return replay(linesOf(records.map((one) => JSON.stringify(one)).join('\n')));
}

const changesOf = (lines: readonly RecordedLine[]) =>
  lines.flatMap(({ line, record: one }) => (one.type === 'actor.changed' ? [{ line, one }] : []));
const frames = (records: readonly ObservationRecord[]) => records.flatMap((one) => (one.type === 'frame' ? [one] : []));

async function simulated(seed: number, encrypted: boolean) {
  const recordings = new Recordings(seed);
  await simulate(seed, { scenario: makeScenario(seed, encrypted), recordings });
  return [...recordings.all];
}

describe('a replay', () => {
  it('of a reliable stream in the clear, with losses, gaps and a cut carrier, is the same at both ends', async () => {
    const run = await smallRun();
    for (const role of ['harness', 'executor'] as const) {
      const lines = linesOf(run[role]);
      const { difference, ...counts } = replay(lines);
      expect(difference).toBeUndefined();
      expect(counts).toMatchObject({ connections: 1, streams: 1, unknownPast: 0 });
      const out = frames(lines.map((line) => line.record)).filter(({ dir }) => dir === 'out');
      expect(counts.frames).toBe(out.length);
      // What is proved of a calm run is not proved.
      expect(out.some(({ cause }) => cause !== undefined)).toBe(true);
      expect(out.some(({ ackBits }) => ackBits !== 0)).toBe(true);
    }
    const inputs = linesOf(run.harness).flatMap(({ record: one }) =>
      one.type === 'actor.received' ? [one.event] : [],
    );
    expect(inputs).toContain('carrier.lost');
    expect(inputs).toContain('carrier.back');
  });

  it('of simulated runs under every fault is the same (30 seeds, clear and encrypted)', {
    timeout: 120_000,
  }, async () => {
    const kinds = new Set<string>();
    let transitions = 0;
    for (let seed = 1; seed <= 30; seed += 1) {
      for (const [name, records] of await simulated(seed, seed % 2 === 0)) {
        const { difference, ...counts } = again(records);
        expect(difference, `seed ${seed}, ${name}`).toBeUndefined();
        transitions += counts.transitions;
        for (const { kind, cause } of frames(records)) kinds.add(cause ?? kind);
      }
    }
    expect(transitions).toBeGreaterThan(3000);
    expect([...kinds].sort()).toEqual(
      ['ack', 'data', 'handshake', 'heartbeat', 'late', 'passed', 'probe', 'reset', 'resume', 'resumed'].sort(),
    );
  });

  it('of a stream of a release is the same', async () => {
    const rendezvous = await startFakeRendezvous();
    onTestFinished(() => rendezvous.close());
    const registry = await startFakeRegistry({ rendezvousUrl: `${rendezvous.url}/ws?role=executor&sig=1` });
    onTestFinished(() => registry.close());
    const observation = new Observation();
    const records: ObservationRecord[] = [];
    record(observation, { write: (one) => records.push(one) });
    const leaving = new AbortController();
    const relay: RelayKind = 'cleartext';
    const address = { relay, remote: registry.url, environmentId: 'box1', bearerToken: 'sbx_executor_secret' };
    const ended = runExecutor({ ...address, signal: leaving.signal, observation });
    const socket = await rendezvous.sockets.first();
    const stream = new CleartextStream(socket, 'a-release');
    await stream.initialize();
    const params = { argv: ['seq', '1', '200'], cwd: 'file:///', env: { PATH: '/usr/bin:/bin' }, tty: false };
    await stream.request('process/start', { processId: 'p1', ...params });
    await stream.notification('process/closed', 'p1');
    stream.reset('done with it');
    leaving.abort();
    await ended;
    const { difference, ...counts } = again(records);
    expect(difference).toBeUndefined();
    expect(counts).toMatchObject({ connections: 1, streams: 1 });
    expect(counts.frames).toBeGreaterThan(4);
    const changes = records.flatMap((one) => (one.type === 'actor.changed' ? one.states : []));
    expect(changes).toContain('stream.cleartext.complete');
    expect(JSON.stringify(records)).not.toMatch(/sbx_executor_secret|done with it/);
  });

  it('of a recording that began late runs the streams that began later, and says what it left out', async () => {
    const lines = linesOf((await smallRun()).executor);
    // As a recorder that attached when the connection was there has it.
    const primed = lines.map(({ line, record: one }) =>
      one.type === 'actor.appeared' && one.chart === 'connection'
        ? { line, record: { ...one, primed: true as const } }
        : { line, record: one },
    );
    const { difference, ...counts } = replay(primed);
    expect(difference).toBeUndefined();
    expect(counts).toMatchObject({ connections: 0, streams: 1, unknownPast: 1 });
    expect(counts.transitions).toBeGreaterThan(20);
  });
});

describe('a recording that was altered', () => {
  it('is caught at the line of a state', async () => {
    const lines = linesOf((await smallRun()).harness);
    const [, , , target] = changesOf(lines).filter(({ one }) => one.states.length > 2);
    if (target === undefined) throw new Error('a run without changes');
    const altered = lines.map((line) =>
      line.line === target.line ? { line: line.line, record: { ...target.one, states: ['stream.reset'] } } : line,
    );
    expect(replay(altered).difference).toMatchObject({
      line: target.line,
      recorded: expect.stringContaining('stream.reset'),
    });
  });

  it.each([
    ['the size of a frame that left', 'bytes', 1],
    ['an acknowledgement that left', 'ack', 1],
  ])('is caught at the line of %s', async (_, field, by) => {
    const lines = linesOf((await smallRun()).executor);
    const target = lines.find(({ record: one }) => one.type === 'frame' && one.dir === 'out' && one.kind === 'data');
    if (target?.record.type !== 'frame') throw new Error('a run without frames');
    const own = target.record;
    const value = Number(own[field as 'bytes' | 'ack']) + by;
    const altered = lines.map((line) => (line === target ? { ...line, record: { ...own, [field]: value } } : line));
    const { difference } = replay(altered);
    expect(difference?.line).toBe(target.line);
    expect(difference?.recorded).not.toBe(difference?.replayed);
  });

  it('is caught where a frame that arrived is missing', async () => {
    const lines = linesOf((await smallRun()).harness);
    const at = lines.findIndex(({ record: one }) => one.type === 'frame' && one.dir === 'in' && one.kind === 'ack');
    expect(() => replay(lines.toSpliced(at, 1))).toThrow(RecordingError);
    expect(() => replay(lines.toSpliced(at, 1))).toThrow(/line \d+: an event brings 1 frames, and 0 arrived/);
  });

  it('is caught where time was moved', async () => {
    const lines = linesOf((await smallRun()).harness);
    const timer = lines.findIndex(
      ({ record: one }) => one.type === 'actor.received' && one.event.startsWith('xstate.after.untilDeadline'),
    );
    const own = lines[timer];
    if (own === undefined) throw new Error('a run without timers');
    const altered = lines.with(timer, { ...own, record: { ...own.record, at: own.record.at - 20 } });
    const { difference } = replay(altered);
    expect(difference).toMatchObject({ line: own.line, replayed: 'that timer is due 20.000 ms later' });
  });

  it('is caught where the end of it is missing', async () => {
    const lines = linesOf((await smallRun()).harness);
    const last = lines.findLastIndex(({ record: one }) => one.type === 'actor.changed');
    const cut = lines.slice(0, last);
    expect(replay(cut).difference).toMatchObject({ recorded: 'nothing more' });
    // Whoever knows that the file was cut off does not wonder.
    expect(replay(cut, true).difference).toBeUndefined();
  });
});
