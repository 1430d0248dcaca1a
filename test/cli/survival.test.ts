/**
 * A command that runs on while what carries it is killed again and again: rendezvous, executor and `signalbox exec` as
 * processes of their own. SIGNALBOX_SURVIVAL_SECONDS makes the job longer (600 is the length the issue asks for).
 */
import { describe, expect, it, vi } from 'vitest';
import { startFaultyProxy } from '../stand-ins/faulty-proxy.js';
import { printed, type Running, startProgram, startRendezvous } from './program.js';
import { type Relay, startExecutor, startRelay } from './relay.js';

const SECONDS = Number(process.env.SIGNALBOX_SURVIVAL_SECONDS ?? 12);
const LINES_A_SECOND = 50;
const LINES = SECONDS * LINES_A_SECOND;
const EXIT_CODE = 7;
/** From one kill to the next. */
const PACE_MS = 2000;

const JOB = `n=1; while [ $n -le ${LINES} ]; do echo "line $n"; n=$((n+1)); sleep ${1 / LINES_A_SECOND}; done; exit ${EXIT_CODE}`;
const OUTPUT = Array.from({ length: LINES }, (_, n) => `line ${n + 1}\n`).join('');
const LONGEST_MS = SECONDS * 3000 + 60_000;

function startJob({ state, harnessToken }: Relay, url: string): Running {
  const env = { SIGNALBOX_TOKEN: harnessToken };
  return startProgram({ state, env }, 'exec', '--url', url, '--env', 'box', '--', 'sh', '-c', JOB);
}

/** Does harm again and again until the job has ended, each time not before the last harm was overcome. */
async function harm(job: Running, harm: () => Promise<void>): Promise<number> {
  let count = 0;
  const isOver = () => job.child.exitCode !== null;
  while (!isOver()) {
    const due = Date.now() + PACE_MS;
    await harm();
    count += 1;
    const printedBefore = job.stdout().length;
    const overcome = () => isOver() || (Date.now() >= due && job.stdout().length > printedBefore);
    await vi.waitUntil(overcome, { interval: 20, timeout: 60_000 });
  }
  return count;
}

describe('a job that prints numbered lines', () => {
  async function expectWhole(job: Running): Promise<void> {
    const { code, stdout, stderr } = await job.ended;
    expect({ code, stderr }).toEqual({ code: EXIT_CODE, stderr: '' });
    expect(stdout.toString()).toBe(OUTPUT);
  }

  it(
    'loses and doubles nothing while the rendezvous is killed and started again',
    async () => {
      const there = await startRelay();
      await startExecutor(there, there.url);
      const job = startJob(there, there.url);
      await printed(job, /line 1\n/);
      const kills = await harm(job, async () => {
        there.rendezvous.child.kill('SIGKILL');
        await there.rendezvous.ended;
        there.rendezvous = (await startRendezvous(there.state, there.url)).run;
      });
      await expectWhole(job);
      expect(kills).toBeGreaterThanOrEqual(Math.floor(SECONDS / 4));
    },
    LONGEST_MS,
  );

  it(
    'loses and doubles nothing while the TCP connections of executor and harness are cut',
    async () => {
      const there = await startRelay();
      const [executorProxy, harnessProxy] = (await Promise.all(
        [1, 2].map((seed) => startFaultyProxy({ target: there.url, seed })),
      )) as [Awaited<ReturnType<typeof startFaultyProxy>>, Awaited<ReturnType<typeof startFaultyProxy>>];
      await startExecutor(there, executorProxy.through(there.url));
      const job = startJob(there, harnessProxy.through(there.url));
      await printed(job, /line 1\n/);
      let turn = 0;
      const cuts = await harm(job, async () => {
        turn += 1;
        if (turn % 3 !== 0) executorProxy.cut();
        if (turn % 3 !== 1) harnessProxy.cut();
      });
      await expectWhole(job);
      expect(cuts).toBeGreaterThanOrEqual(Math.floor(SECONDS / 4));
      await Promise.all([executorProxy.close(), harnessProxy.close()]);
    },
    LONGEST_MS,
  );
});
