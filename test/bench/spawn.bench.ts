/**
 * What a child costs the daemon: forked by the spawn broker against forked by the daemon itself, while the daemon is
 * small and while it holds much memory. Run after a build: `tsx test/bench/spawn.bench.ts [rounds]`.
 */
import { existsSync } from 'node:fs';
import type { ChildSpec, SpawnChild } from '../../src/host/host-child.js';

type SpawnersModule = typeof import('../../src/host/broker/spawners.js');

const BUILT = new URL('../../dist/src/host/broker/spawners.js', import.meta.url);
const MIB = 1024 * 1024;
/** Memory held beside the program's own. */
const BALLAST_MIB = [0, 300, 1_000];
const ALONE = 40;
const TOGETHER = 160;
const WAYS = 16;

const spec: ChildSpec = { program: '/bin/true', args: [], cwd: '/', env: { PATH: '/usr/bin:/bin' }, stdin: 'null' };

interface Figures {
  /** Milliseconds the spawning call took. */
  readonly call: number[];
  /** Milliseconds from the call to the exit code. */
  readonly exited: number[];
  /** Milliseconds the loop was busy, a child. */
  readonly busy: number[];
  /** Children a second, 16 at a time. */
  readonly rate: number[];
}

/** Resolves when exit and end of output are known. */
function runOne(spawn: SpawnChild, figures: Figures): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = 2;
    const done = () => {
      left--;
      if (left === 0) resolve();
    };
    const began = performance.now();
    spawn(spec, {
      spawned: () => {},
      failed: reject,
      output: () => {},
      exited: () => {
        figures.exited.push(performance.now() - began);
        done();
      },
      streamsEnded: done,
      inputTaken: () => {},
    });
    figures.call.push(performance.now() - began);
  });
}

async function measure(spawn: SpawnChild, figures: Figures): Promise<void> {
  const before = performance.eventLoopUtilization();
  for (let i = 0; i < ALONE; i++) await runOne(spawn, figures);
  figures.busy.push(performance.eventLoopUtilization(before).active / ALONE);
  const ignored: Figures = { call: [], exited: [], busy: [], rate: [] };
  const began = performance.now();
  let started = 0;
  const lane = async () => {
    while (started < TOGETHER) {
      started++;
      await runOne(spawn, ignored);
    }
  };
  await Promise.all(Array.from({ length: WAYS }, lane));
  figures.rate.push((TOGETHER * 1000) / (performance.now() - began));
}

function quantile(values: readonly number[], q: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.min(Math.floor(sorted.length * q), sorted.length - 1)] ?? 0).toFixed(2);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  if (!existsSync(BUILT)) throw new Error('nothing is built: run "npm run build" first');
  const { brokeredSpawners, directSpawners } = (await import(BUILT.href)) as SpawnersModule;
  const rounds = Number(process.argv[2] ?? 5);
  const broker = brokeredSpawners();
  const sides = [
    ['broker', broker.piped],
    ['direct', directSpawners.piped],
  ] as const;
  const first: Figures = { call: [], exited: [], busy: [], rate: [] };
  await runOne(broker.piped, first);
  say(`first start, with the start of the helper: ${quantile(first.exited, 0.5)} ms`);
  const ballast: Buffer[] = [];
  for (const size of BALLAST_MIB) {
    while (ballast.length < size) ballast.push(Buffer.alloc(MIB, 1));
    const figures = sides.map((): Figures => ({ call: [], exited: [], busy: [], rate: [] }));
    for (let round = 0; round < rounds; round++) {
      for (const [index, [, spawn]] of sides.entries()) {
        const side = figures[index];
        if (side !== undefined) await measure(spawn, side);
      }
    }
    const rss = Math.round(process.memoryUsage.rss() / MIB);
    for (const [index, [name]] of sides.entries()) {
      const { call, exited, busy, rate } = figures[index] ?? first;
      say(
        `rss ${rss} MiB  ${name}  call p50 ${quantile(call, 0.5)} p99 ${quantile(call, 0.99)} ms  ` +
          `loop busy ${quantile(busy, 0.5)} ms  exited p50 ${quantile(exited, 0.5)} p95 ${quantile(exited, 0.95)} ms  ` +
          `${WAYS} at a time ${Math.round(Number(quantile(rate, 0.5)))} /s`,
      );
    }
  }
  broker.close();
}

await main();
