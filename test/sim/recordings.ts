/**
 * Recordings of a simulated run: one of each machine, because each has a clock of its own, as a program on it would
 * have written it.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observation } from '../../src/observe/observation.js';
import type { ObservationRecord } from '../../src/observe/record.js';
import { record } from '../../src/observe/recorder.js';
import type { Scenario } from './scenario.js';
import { simulate } from './simulate.js';

export class Recordings {
  readonly #seed: number;
  readonly #byMachine = new Map<string, ObservationRecord[]>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** For a machine of that name; another one in its place has another recording. */
  of(name: string): (observation: Observation) => void {
    return (observation) => {
      const records: ObservationRecord[] = [];
      const others = [...this.#byMachine.keys()].filter((other) => other === name || other.startsWith(`${name}.`));
      this.#byMachine.set(others.length === 0 ? name : `${name}.${others.length + 1}`, records);
      record(observation, { write: (one) => records.push(one), seed: this.#seed });
    };
  }

  get all(): ReadonlyMap<string, readonly ObservationRecord[]> {
    return this.#byMachine;
  }

  /** Beside each other: `run.jsonl` becomes `run.executor.jsonl`, `run.harness-0.jsonl`. Answers with their paths. */
  write(path: string): string[] {
    const [, stem = path, end = ''] = /^(.*?)(\.[^./]*)?$/.exec(path) ?? [];
    return [...this.#byMachine].map(([name, records]) => {
      const own = `${stem}.${name}${end}`;
      writeFileSync(own, records.map((one) => `${JSON.stringify(one)}\n`).join(''), { mode: 0o600 });
      return own;
    });
  }
}

/** Plays a run that failed once more, recorded, which is the same run. Answers with where the recordings are. */
export async function recordAgain(scenario: Scenario): Promise<string[]> {
  const { seed } = scenario;
  const recordings = new Recordings(seed);
  await simulate(seed, { scenario, recordings });
  return recordings.write(join(mkdtempSync(join(tmpdir(), 'signalbox-sim-')), `seed-${seed}.jsonl`));
}
