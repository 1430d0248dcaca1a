/**
 * `npm run sim -- --seeds 10000`: as many simulated runs, on all cores; prints what failed and how to play it again.
 * `npm run sim -- --seed 4711 --frames` plays one, with its plan and everything that was on the wires.
 */
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import { Recordings, recordAgain } from './recordings.js';
import { makeScenario, type Scenario } from './scenario.js';
import { type RunReport, simulate } from './simulate.js';

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly plan?: string;
  readonly save?: string;
  readonly frames?: true;
  readonly trace?: string;
  readonly noise?: true;
  readonly workers: number;
}

/** Seeds a worker is given at a time: few enough that all end together. */
const CHUNK = 50;
/** A world is garbage when its run is over: the more room, the less of it is copied before. */
const WORKER_FLAGS = ['--max-semi-space-size=64'];
const PROGRESS_MS = 10_000;
/** Failed runs that are recorded, of many. */
const MOST_RECORDED = 10;

const print = (line: string) => process.stdout.write(`${line}\n`);

const options = new Command('sim')
  .description('simulated runs of real endpoints under seeded faults')
  .option('--seeds <count>', 'how many runs', wholeNumber, 1000)
  .option('--from <seed>', 'the first seed', wholeNumber, 1)
  .option('--seed <seed>', 'play one run, with its plan', wholeNumber)
  .option('--plan <file>', 'play a run whose plan was saved')
  .option('--save <file>', 'with --seed: write its plan to a file, for a test that outlives changes of the plans')
  .option('--frames', 'with --seed or --plan: print every frame')
  .option('--trace <file>', 'with --seed or --plan: record each machine, beside this file')
  .option('--noise', 'every run with encryption; otherwise three of ten have it')
  .option('--workers <count>', 'processes at work', wholeNumber, availableParallelism())
  .parse()
  .opts<Options>();

if (options.plan !== undefined) await playOne(JSON.parse(readFileSync(options.plan, 'utf8')), options);
else if (options.seed !== undefined) await playOne(makeScenario(options.seed, options.noise), options);
else await playMany(options);

async function playOne(scenario: Scenario, { save, frames, trace }: Options): Promise<void> {
  const { seed } = scenario;
  if (save !== undefined) writeFileSync(save, `${JSON.stringify(scenario)}\n`);
  print(inspect(scenario, { depth: 6, compact: 6, breakLength: 120 }));
  const recordings = trace === undefined ? undefined : new Recordings(seed);
  const recorded = recordings === undefined ? {} : { recordings };
  const report = await simulate(seed, { scenario, ...recorded, ...(frames === true ? { trace: print } : {}) });
  print(inspect(report));
  if (trace !== undefined) print(`    recorded: ${recordings?.write(trace).join(' ')}`);
  if (report.violations.length === 0) return;
  process.exitCode = 1;
  if (trace === undefined) print(`    recorded: ${(await recordAgain(scenario)).join(' ')}`);
}

async function playMany({ seeds, from, workers, noise }: Options): Promise<void> {
  const started = performance.now();
  const reports = { runs: 0, failed: 0, answered: 0, unknown: 0, frames: 0, virtualMs: 0 };
  const rate = () => Math.round(reports.runs / ((performance.now() - started) / 1000));
  const progress = setInterval(() => print(`${reports.runs} of ${seeds} runs, ${rate()} a second`), PROGRESS_MS);
  let next = from;
  const take = () => {
    const first = next;
    next = Math.min(next + CHUNK, from + seeds);
    return { first, count: next - first, noise };
  };
  const failed: RunReport[] = [];
  const note = (report: RunReport) => {
    reports.runs += 1;
    reports.answered += report.answered;
    reports.unknown += report.unknown;
    reports.frames += report.frames;
    reports.virtualMs += report.elapsedMs;
    if (report.violations.length === 0) return;
    reports.failed += 1;
    failed.push(report);
    print(`seed ${report.seed} FAILED: ${report.violations.join('\n    ')}`);
    print(`    play it again: npm run sim -- --seed ${report.seed} --frames${noise ? ' --noise' : ''}`);
  };
  await Promise.all(Array.from({ length: Math.max(1, workers) }, () => work(take, note)));
  clearInterval(progress);
  for (const { seed } of failed.slice(0, MOST_RECORDED)) {
    const paths = await recordAgain(makeScenario(seed, noise));
    print(`seed ${seed} recorded: ${paths.join(' ')}`);
  }
  const hours = Math.round(reports.virtualMs / 3_600_000);
  print(
    `${reports.runs} runs (seeds ${from} to ${from + seeds - 1}), ${reports.failed} failed; ${reports.answered} requests ` +
      `answered, ${reports.unknown} reported unknown, ${reports.frames} frames, ${hours} simulated hours; ` +
      `${rate()} runs a second with ${workers} processes`,
  );
  if (reports.failed > 0 || reports.runs !== seeds) process.exitCode = 1;
}

/** One process that plays chunks of seeds until there are none. */
async function work(
  take: () => { readonly first: number; readonly count: number; readonly noise: true | undefined },
  note: (report: RunReport) => void,
): Promise<void> {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
    execArgv: [...process.execArgv, ...WORKER_FLAGS],
  });
  await new Promise<void>((resolve, reject) => {
    const give = () => {
      const chunk = take();
      if (chunk.count > 0) child.send(chunk);
      else child.disconnect();
    };
    child.on('message', (chunkReports: RunReport[]) => {
      for (const report of chunkReports) note(report);
      give();
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`a simulating process ended with code ${code}`)),
    );
    give();
  });
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('expected a whole number');
  return number;
}
