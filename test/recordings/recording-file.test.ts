/**
 * Recordings as files: who may read them, what a slow disk costs, and what is said of a file that is none.
 */
import { appendFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createActor, fromTransition } from 'xstate';
import { Observation } from '../../src/observe/observation.js';
import type { ObservationRecord } from '../../src/observe/record.js';
import { record } from '../../src/observe/recorder.js';
import { recordToFile } from '../../src/recordings/recording.js';
import { RecordingError } from '../../src/recordings/recording-error.js';
import { RecordingReader } from '../../src/recordings/recording-reader.js';
import { Tape } from '../../src/recordings/tape.js';
import { smallRun } from './small-run.js';

const HEAD = '{"type":"observing.started","at":0,"version":1,"program":"signalbox","wallTime":0,"payloads":false}\n';

let path = '';
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-recording-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  path = join(folder, 'run.jsonl');
});

async function read(
  text: string,
): Promise<{ readonly records: ObservationRecord[]; readonly reader: RecordingReader }> {
  await writeFile(path, text);
  const reader = new RecordingReader(path);
  const records: ObservationRecord[] = [];
  for await (const line of reader.records()) records.push(line.record);
  return { records, reader };
}

async function refused(text: string): Promise<RecordingError> {
  const error = await read(text).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RecordingError) return error;
  throw new Error(`it was read: ${String(error)}`);
}

describe('a file', () => {
  it('is its owner’s alone, also when it was there before', async () => {
    await writeFile(path, 'anything', { mode: 0o644 });
    const recording = await recordToFile(new Observation(), path, { failed: () => {} });
    await recording.close();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const reader = new RecordingReader(path);
    for await (const { record: one } of reader.records()) expect(one.type).toBe('observing.started');
    expect(reader.header).toMatchObject({ version: 1, payloads: false });
  });

  it('that cannot be made is said to be so', async () => {
    const nowhere = join(path, 'below', 'a-file');
    await expect(recordToFile(new Observation(), nowhere, { failed: () => {} })).rejects.toThrow(
      /cannot write the recording .*ENOENT/,
    );
  });

  it('whose disk is full is said to be so, once, and harms nothing', async () => {
    const failures: string[] = [];
    const observation = new Observation();
    const recording = await recordToFile(observation, '/dev/full', { failed: ({ message }) => failures.push(message) });
    await recording.close();
    expect(failures).toEqual([expect.stringMatching(/cannot write the recording \/dev\/full: .*ENOSPC/)]);
  });
});

describe('a slow taker', () => {
  it('is not waited for: what it missed is counted, and it is told again what is there', () => {
    const observation = new Observation();
    const actor = createActor(fromTransition((count: number) => count + 1, 0)).start();
    observation.addRoot(actor);
    const taken: string[] = [];
    const sink = { waitingBytes: 0, write: (lines: string) => taken.push(lines) };
    const tape = new Tape((write) => record(observation, { write }), sink, observation.clock);
    sink.waitingBytes = 100 * 1024 * 1024;
    for (let n = 0; n < 10; n += 1) actor.send({ type: 'step' });
    sink.waitingBytes = 0;
    tape.close();
    const records = taken.flatMap((lines) => lines.trim().split('\n')).map((line) => JSON.parse(line));
    expect(records.map(({ type }) => type)).toEqual(['observing.started', 'actor.appeared', 'records.dropped']);
    expect(records.at(-1)).toMatchObject({ why: 'slow', count: 20 });
  });
});

describe('a reader', () => {
  it('reads what was written, and checks every line of it', async () => {
    const { harness } = await smallRun();
    const { records, reader } = await read(harness);
    expect(records).toHaveLength(harness.trim().split('\n').length);
    expect(reader.notices).toEqual([]);
  });

  it('leaves out a last line that was cut off, and says so', async () => {
    const { harness } = await smallRun();
    const { records, reader } = await read(harness.slice(0, -20));
    expect(records).toHaveLength(harness.trim().split('\n').length - 1);
    expect(reader.notices).toEqual([expect.stringMatching(/the last line \(\d+\) is cut off/)]);
  });

  it('takes a last line without its end that is whole', async () => {
    const { records, reader } = await read(HEAD.trimEnd());
    expect([records.length, reader.notices]).toEqual([1, []]);
  });

  it('skips what a newer program added, and counts it', async () => {
    const { records, reader } = await read(`${HEAD}{"type":"weather.changed","at":1,"sun":true}\n`);
    expect(records).toHaveLength(1);
    expect(reader.notices).toEqual(['1 records of kinds that this version does not know were skipped']);
  });

  it.each([
    ['', 'recording_foreign', /it is empty/],
    ['hello\nworld\n', 'recording_foreign', /is not a recording of signalbox: its first line is not JSON/],
    ['{"log":"line"}\n', 'recording_foreign', /its first line is no record/],
    ['{"type":"frame","at":1}\n', 'recording_foreign', /its first line is not the head/],
    [
      HEAD.replace('"version":1', '"version":2'),
      'recording_version_unknown',
      /of version 2; this signalbox reads version 1/,
    ],
  ])('refuses %j as a whole', async (text, code, message) => {
    const error = await refused(text);
    expect([error.code, error.line]).toEqual([code, 1]);
    expect(error.message).toMatch(message);
  });

  it.each([
    ['{"type":"chance.drawn",\n', /line 2: it is not JSON/],
    ['[1,2]\n', /line 2: it is no record/],
    ['{"type":"chance.drawn","at":1,"endpoint":1,"value":7}\n', /line 2: chance.drawn: value: /],
    ['{"type":"frame","at":1,"endpoint":1,"stream":"s","dir":"up"}\n', /line 2: frame: dir: /],
    [
      '{"type":"actor.changed","at":1,"actor":"x:1","event":"e","states":["s"],"edges":[],"facts":{"deep":{}}}\n',
      /facts/,
    ],
  ])('names the line of %j', async (line, message) => {
    const error = await refused(`${HEAD}${line}${HEAD}`);
    expect([error.code, error.line]).toEqual(['recording_malformed', 2]);
    expect(error.message).toMatch(message);
  });

  it('refuses a folder, and a file that is not there', async () => {
    for (const [where, why] of [
      [join(path, '..'), /it is a folder/],
      [`${path}.not`, /ENOENT/],
    ] as const) {
      const records = new RecordingReader(where).records();
      await expect(records.next()).rejects.toThrow(why);
    }
  });

  it('puts lines together that are longer than what it reads at a time', async () => {
    await writeFile(path, HEAD);
    const payload = 'A'.repeat(700_000);
    const frame = { type: 'frame', at: 1, endpoint: 1, stream: 's', dir: 'in', kind: 'data', reliable: true, ack: 0 };
    await appendFile(path, `${JSON.stringify({ ...frame, ackBits: 0, seq: 1, payload })}\n`);
    const reader = new RecordingReader(path);
    const lengths: number[] = [];
    for await (const { record: one } of reader.records())
      if (one.type === 'frame') lengths.push(one.payload?.length ?? 0);
    expect(lengths).toEqual([payload.length]);
  });
});
