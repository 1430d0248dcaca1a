import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type RecordedLine, RecordingReader } from '../../src/recordings/recording-reader.js';
import { replay } from '../../src/recordings/replay.js';
import { decodeMessage, encodeMessage, noWork } from './message.js';
import { recordAgain } from './recordings.js';
import { makeScenario } from './scenario.js';
import { type RunReport, simulate } from './simulate.js';

/** A slice of what `npm run sim` plays; the rest takes minutes. */
const SEEDS = 100;
const MOST_RECORDED = 5;

async function play(first: number, count: number, encrypted?: boolean): Promise<RunReport[]> {
  const reports: RunReport[] = [];
  for (let seed = first; seed < first + count; seed += 1) {
    reports.push(await simulate(seed, { scenario: makeScenario(seed, encrypted) }));
  }
  return reports;
}

/** Of each run that failed, how to play it and where it is recorded. */
async function told(failed: readonly RunReport[], encrypted?: boolean): Promise<string[]> {
  const lines: string[] = [];
  for (const { seed, violations } of failed.slice(0, MOST_RECORDED)) {
    const recordings = await recordAgain(makeScenario(seed, encrypted));
    const how = `npm run sim -- ${encrypted ? '--noise ' : ''}--seed ${seed}`;
    lines.push(`${how}: ${violations.join('; ')} (recorded: ${recordings.join(' ')})`);
  }
  return lines;
}

describe('simulated runs', () => {
  it(`lose nothing, run nothing twice and come to rest (${SEEDS} seeds)`, { timeout: 120_000 }, async () => {
    const reports = await play(1, SEEDS);
    const failed = reports.filter(({ violations }) => violations.length > 0);
    expect(await told(failed)).toEqual([]);
    const sum = (count: (report: RunReport) => number) => reports.reduce((total, report) => total + count(report), 0);
    // What is proved of nothing is not proved.
    expect(sum(({ answered }) => answered)).toBeGreaterThan(5 * SEEDS);
    expect(sum(({ unknown }) => unknown)).toBeGreaterThan(0);
    expect(sum(({ harmed }) => harmed)).toBeGreaterThan(5 * SEEDS);
  });

  it('do the same when every stream is encrypted (40 seeds)', { timeout: 120_000 }, async () => {
    const reports = await play(1, 40, true);
    const failed = reports.filter(({ violations }) => violations.length > 0);
    expect(await told(failed, true)).toEqual([]);
    expect(reports.reduce((total, { answered }) => total + answered, 0)).toBeGreaterThan(200);
  });

  it('are the same for the same seed, whatever ran before', { timeout: 60_000 }, async () => {
    const once = await play(1, 30);
    const again = await play(1, 30);
    expect(again).toEqual(once);
    expect(new Set(once.map(({ digest }) => digest)).size).toBeGreaterThan(25);
    expect(makeScenario(7)).toEqual(makeScenario(7));
  });

  it('are recorded when they failed, each machine in a file that runs again the same', {
    timeout: 60_000,
  }, async () => {
    const [path = '', ...others] = await recordAgain(makeScenario(7));
    onTestFinished(() => rm(dirname(path), { recursive: true, force: true }));
    expect([path, ...others].map((one) => basename(one))).toContain('seed-7.executor.jsonl');
    for (const one of [path, ...others]) {
      const lines: RecordedLine[] = [];
      for await (const line of new RecordingReader(one).records()) lines.push(line);
      expect(lines[0]?.record).toMatchObject({ type: 'observing.started', seed: 7, payloads: false });
      const { difference, transitions } = replay(lines);
      expect(difference, one).toBeUndefined();
      expect(transitions, one).toBeGreaterThan(10);
    }
  });
});

describe('a message of a simulated run', () => {
  const message = { kind: 'output', request: 3, order: 5, work: { ...noWork, outputs: 2 } } as const;

  it('is known again', () => {
    expect(decodeMessage(encodeMessage(message, 100_000))).toEqual(message);
    expect(decodeMessage(encodeMessage(message, 0))).toEqual(message);
  });

  it('is told from one that was altered, cut or made longer', () => {
    const bytes = encodeMessage(message, 1000);
    for (const at of [0, 4, 8, 28, 32, 500, 1031]) {
      const altered = Uint8Array.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ 0x55;
      const decoded = decodeMessage(altered);
      expect(decoded === undefined || decoded.request !== message.request || decoded.order !== message.order).toBe(
        true,
      );
    }
    expect(decodeMessage(bytes.subarray(0, 900))).toBeUndefined();
    expect(decodeMessage(bytes.subarray(0, 20))).toBeUndefined();
    expect(decodeMessage(Buffer.concat([bytes, bytes]))).toBeUndefined();
  });
});
