/**
 * `npm run bench -- [--road relay|plain] [--rounds N] [--only REGEX] [--profile FOLDER]`: our executor and a real one side by side, in
 * turns, each workload `rounds` times; prints medians and ratios. Absolute figures are this machine's of this minute;
 * the ratios are what counts. `--profile FOLDER` writes CPU profiles of our executor there instead of comparing.
 */
import { parseArgs } from 'node:util';
import { type BenchTarget, RIVALS, type Road, startOurs, startReal } from './bench-target.js';
import { median, type Workload, workloads } from './workloads.js';

const { values } = parseArgs({
  options: {
    road: { type: 'string', multiple: true, default: ['relay', 'plain'] },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    profile: { type: 'string' },
  },
});
/** Runs before the one that counts: a daemon runs for days, and a virtual machine needs a while to know what is hot. */
const WARM_UPS = 3;
const rounds = Number(values.rounds);
const only = new RegExp(values.only);
const print = (line: string) => process.stdout.write(`${line}\n`);

for (const road of values.road as Road[]) {
  if (values.profile !== undefined) {
    for (const workload of workloads.filter(({ name }) => only.test(name)))
      await profile(road, workload, values.profile);
    continue;
  }
  print(`\n${road}: ours against ${RIVALS[road]}, ${rounds} rounds in turns, medians (lowest to highest)`);
  print(`${'workload'.padEnd(44)}${'ours'.padStart(26)}${RIVALS[road].padStart(26)}${'ratio'.padStart(8)}`);
  for (const workload of workloads.filter(({ name }) => only.test(name))) await compare(road, workload);
}

async function profile(road: Road, workload: Workload, folder: string): Promise<void> {
  const target = await startOurs(road, ['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  try {
    for (let round = 0; round < rounds; round += 1) {
      print(`${road}: ${workload.name}: ${number(await workload.run(target))} ${workload.unit}`);
    }
  } finally {
    await target.stop();
  }
}

async function compare(road: Road, workload: Workload): Promise<void> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // Who goes first changes, so that neither always meets the warmer machine.
    const turns = [
      { start: startOurs, into: ours },
      { start: startReal, into: theirs },
    ];
    for (const { start, into } of round % 2 === 0 ? turns : turns.reverse()) {
      const target: BenchTarget = await start(road);
      try {
        // Programs that are measured from the start are measured cold.
        for (let run = 0; run < WARM_UPS && !workload.fresh; run += 1) await workload.run(target);
        into.push(await workload.run(target));
      } finally {
        await target.stop();
      }
    }
  }
  const ratio = median(ours) / median(theirs);
  const show = (all: readonly number[]) =>
    `${number(median(all))} (${number(Math.min(...all))} to ${number(Math.max(...all))})`.padStart(26);
  print(
    `${`${workload.name}, ${workload.unit}`.padEnd(44)}${show(ours)}${show(theirs)}${ratio.toFixed(2).padStart(8)}`,
  );
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
