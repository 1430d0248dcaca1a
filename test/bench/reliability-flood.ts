/**
 * What one stream that floods adds to the small requests of 99 quiet ones at the same executor: rendezvous, executor,
 * the flooding harness and the quiet ones are processes of their own. Measured in turns: without a flood, with one that
 * takes as much of the machine but shares nothing with the quiet streams, and with one through their own executor.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import { cleanEnvironment, type RunningProgram, startProgram } from '../peers/process-tree.js';
import { type Experiment, type Figure, quantile } from './reliability-figure.js';

const MAIN = fileURLToPath(new URL('../../dist/bin/main.js', import.meta.url));
const QUIET = fileURLToPath(new URL('./reliability-quiet.ts', import.meta.url));
const ENVIRONMENT_ID = 'box';
const STREAMS = 99;
/** Each quiet stream asks so often. */
const EVERY_MS = 500;
const ROUNDS = 5;
const ROUND_MS = 5000;
/** The flood, and what is warmed up by it, is under way after so long. */
const SETTLE_MS = 1000;
const MOST_ADDED_MS = 5;

/** How long requests took, in milliseconds. */
type Round = Readonly<Record<'calm' | 'elsewhere' | 'shared', readonly number[]>>;

interface Relay {
  readonly url: string;
  readonly executor: RunningProgram;
}

async function printed(run: RunningProgram, pattern: RegExp, from: 'stdout' | 'stderr'): Promise<string> {
  for (;;) {
    const found = pattern.exec(run.output[from]);
    if (found) return found[1] ?? '';
    if (run.child.exitCode !== null) throw new Error(`it ended: ${run.output.stdout}${run.output.stderr}`);
    await pause(10);
  }
}

async function flooding(): Promise<Figure[]> {
  const state = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
  const running: RunningProgram[] = [];
  const signalbox = async (env: Record<string, string>, ...args: string[]): Promise<RunningProgram> => {
    const environment = cleanEnvironment({ ...env, XDG_STATE_HOME: state });
    const run = await startProgram(process.execPath, [MAIN, ...args], { cwd: '/', env: environment });
    running.push(run);
    return run;
  };
  const token = async (role: string): Promise<string> => {
    const made = await signalbox({}, 'token', 'create', '--role', role, '--env', ENVIRONMENT_ID);
    await made.ended;
    return made.output.stdout.trim();
  };
  try {
    const tokens = { harness: await token('harness'), executor: await token('executor') };
    const startRelay = async (): Promise<Relay> => {
      const listen = ['rendezvous', '--listen', 'http://127.0.0.1:0', '--log-level', 'silent'];
      const url = await printed(await signalbox({}, ...listen), /listens on (http:\/\/127\.0\.0\.1:\d+);/, 'stdout');
      const remote = ['executor', '--remote', url, '--environment-id', ENVIRONMENT_ID];
      const executor = await signalbox({ SIGNALBOX_TOKEN: tokens.executor }, ...remote);
      await printed(executor, /"online"/, 'stderr');
      return { url, executor };
    };
    const [shared, apart] = [await startRelay(), await startRelay()];

    const quiet = spawn(process.execPath, ['--import', 'tsx', QUIET, String(STREAMS), String(EVERY_MS)], {
      env: cleanEnvironment({ QUIET_URL: harnessUrl(shared.url, ENVIRONMENT_ID, tokens.harness) }),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: quiet.stdout })[Symbol.asyncIterator]();
    const nextLine = async (): Promise<string> => {
      const { value, done } = await lines.next();
      if (done) throw new Error('the quiet sessions ended');
      return value;
    };
    const measure = async (ms: number): Promise<number[]> => {
      quiet.stdin.write(`${ms}\n`);
      return JSON.parse(await nextLine()) as number[];
    };

    /** Measures while `signalbox exec` takes what `yes` prints there, as fast as it comes. */
    const measureFlooded = async ({ url }: Relay): Promise<number[]> => {
      const args = ['exec', '--url', url, '--env', ENVIRONMENT_ID, '--', 'yes', 'x'.repeat(100)];
      const flood = spawn(process.execPath, [MAIN, ...args], {
        env: cleanEnvironment({ SIGNALBOX_TOKEN: tokens.harness, XDG_STATE_HOME: state }),
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const ended = once(flood, 'close');
      await pause(SETTLE_MS);
      if (flood.exitCode !== null) throw new Error(`the flood ended with ${flood.exitCode}`);
      const times = await measure(ROUND_MS);
      flood.kill('SIGTERM');
      await ended;
      await pause(SETTLE_MS);
      return times;
    };

    await nextLine();
    await measure(ROUND_MS);
    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const calm = await measure(ROUND_MS);
      const elsewhere = await measureFlooded(apart);
      rounds.push({ calm, elsewhere, shared: await measureFlooded(shared) });
    }
    quiet.stdin.end();
    await once(quiet, 'close');
    // Of each round, then the median of those: one stall of a busy machine must not decide.
    const medianOf = (value: (round: Round) => number) => quantile(rounds.map(value), 0.5);
    const addedAt = (part: number) =>
      medianOf((round) => quantile(round.shared, part) - quantile(round.elsewhere, part));
    const p99Of = (which: keyof Round) => medianOf((round) => quantile(round[which], 0.99));
    // Where the mere load costs more than what is looked for, nothing can be told about its cause.
    const canTell = p99Of('elsewhere') - p99Of('calm') <= MOST_ADDED_MS;
    const show = (which: keyof Round) => {
      const [p50, p99] = [0.5, 0.99].map((part) => medianOf((round) => quantile(round[which], part)).toFixed(1));
      return `p50 ${p50} ms, p99 ${p99} ms`;
    };
    return [
      { name: `${STREAMS} quiet streams alone`, measured: show('calm') },
      { name: 'beside a flood between other processes, which takes as many cores', measured: show('elsewhere') },
      { name: 'beside a flood through their own executor and rendezvous', measured: show('shared') },
      {
        name: 'added by a flood because it is theirs',
        measured: `${addedAt(0.5).toFixed(1)} ms at p50, ${addedAt(0.99).toFixed(1)} ms at p99`,
        target: `p99 ≤ ${MOST_ADDED_MS} ms`,
        ...(canTell ? { met: addedAt(0.99) <= MOST_ADDED_MS } : {}),
      },
    ];
  } finally {
    for (const run of running.reverse()) await run.stop();
    await rm(state, { recursive: true, force: true });
  }
}

export const floodExperiments: readonly Experiment[] = [
  { name: 'a flooding stream and the others', real: true, run: flooding },
];
