/**
 * What is measured. Each workload runs against one executor and tells what an operation cost it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchSession } from './bench-session.js';
import type { BenchTarget } from './bench-target.js';
import { cpuSeconds, residentMegabytes } from './process-cost.js';

export interface Workload {
  readonly name: string;
  readonly unit: string;
  /** Whether more is better: the ratio is then ours / theirs to be large. */
  readonly better: 'more' | 'less';
  /** On a fresh executor, because the workload measures it from the start. */
  readonly fresh?: boolean;
  run(target: BenchTarget): Promise<number>;
}

let lastProcess = 0;

function start(processId: string, argv: readonly string[]): object {
  return { processId, argv, cwd: 'file:///', env: { PATH: '/usr/bin:/bin' }, tty: false };
}

/** The first release with URIs took plain folders only. */
function startOn(target: BenchTarget, processId: string, argv: readonly string[]): object {
  return target.name === '0.140.0' ? { ...start(processId, argv), cwd: '/' } : start(processId, argv);
}

async function sessions(target: BenchTarget, count: number): Promise<BenchSession[]> {
  const all: BenchSession[] = [];
  for (let n = 0; n < count; n += 1) all.push(await target.session());
  return all;
}

/** Microseconds of executor CPU per request, `depth` of them always under way on each session. */
function pipelined(
  name: string,
  streams: number,
  depth: number,
  total: number,
  prepare: (target: BenchTarget, session: BenchSession) => Promise<() => Promise<unknown>>,
): Workload {
  return {
    name,
    unit: 'us CPU/op',
    better: 'less',
    run: async (target) => {
      const all = await sessions(target, streams);
      const asks = await Promise.all(all.map((session) => prepare(target, session)));
      const before = cpuSeconds(target.pid);
      let left = total;
      const lane = async (ask: () => Promise<unknown>) => {
        while (left > 0) {
          left -= 1;
          await ask();
        }
      };
      await Promise.all(asks.flatMap((ask) => Array.from({ length: depth }, () => lane(ask))));
      return ((cpuSeconds(target.pid) - before) / total) * 1e6;
    },
  };
}

/** Reading a process that says nothing is the smallest request that does something. */
async function readSilent(target: BenchTarget, session: BenchSession): Promise<() => Promise<unknown>> {
  const processId = `silent${++lastProcess}`;
  const { error } = await session.request('process/start', startOn(target, processId, ['sleep', '1000']));
  if (error) throw new Error(error.message);
  return () => session.request('process/read', { processId });
}

const metadata = async (_target: BenchTarget, session: BenchSession) => () =>
  session.request('fs/getMetadata', { path: 'file:///etc/hostname' });

/** Milliseconds from asking to `exited`, one process after the other; the median. */
function startToExited(name: string, poking: boolean): Workload {
  return {
    name,
    unit: 'ms',
    better: 'less',
    run: async (target) => {
      const session = await target.session();
      const ended = endings(session, 'process/exited');
      const times: number[] = [];
      for (let n = 0; n < 60; n += 1) {
        const processId = `p${++lastProcess}`;
        const began = performance.now();
        // Traffic of the client carries the acknowledgements that a quiet one would hold back.
        const poke = poking ? setInterval(() => session.poke(), 1) : undefined;
        const exited = ended(processId);
        await session.request('process/start', startOn(target, processId, ['/bin/true']));
        await exited;
        clearInterval(poke);
        times.push(performance.now() - began);
      }
      return median(times);
    },
  };
}

const sixteenAtATime: Workload = {
  name: '/bin/true, 16 at a time',
  unit: 'processes/s',
  better: 'more',
  run: async (target) => {
    const total = 480;
    const all = await sessions(target, 16);
    const began = performance.now();
    let left = total;
    await Promise.all(
      all.map(async (session) => {
        const ended = endings(session, 'process/exited');
        while (left > 0) {
          left -= 1;
          const processId = `p${++lastProcess}`;
          const exited = ended(processId);
          await session.request('process/start', startOn(target, processId, ['/bin/true']));
          await exited;
        }
      }),
    );
    return total / ((performance.now() - began) / 1000);
  },
};

function stdout(name: string, count: number, megabytes: number): Workload {
  return {
    name,
    unit: 'MB/s',
    better: 'more',
    run: async (target) => {
      const all = await sessions(target, count);
      const began = performance.now();
      let received = 0;
      await Promise.all(
        all.map((session) => {
          const processId = `out${++lastProcess}`;
          const closed = new Promise<void>((resolve) => {
            session.onNotification((heard) => {
              received += heard.chunkLength * 0.75;
              if (heard.method === 'process/closed' && heard.processId === processId) resolve();
            });
          });
          const argv = ['head', '-c', String(megabytes * 1e6), '/dev/zero'];
          return Promise.all([session.request('process/start', startOn(target, processId, argv)), closed]);
        }),
      );
      const seconds = (performance.now() - began) / 1000;
      if (received < count * megabytes * 1e6) throw new Error(`only ${received} bytes of output arrived`);
      return received / 1e6 / seconds;
    },
  };
}

function readFile(name: string, megabytes: number, times: number): Workload {
  return {
    name,
    unit: 'MB/s',
    better: 'more',
    run: async (target) => {
      const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
      const path = join(folder, 'file');
      writeFileSync(path, Buffer.alloc(megabytes * 1024 * 1024, 'x'));
      try {
        const session = await target.session();
        const began = performance.now();
        for (let n = 0; n < times; n += 1) {
          const { error } = await session.request('fs/readFile', { path: `file://${path}` });
          if (error) throw new Error(error.message);
        }
        return (megabytes * times) / ((performance.now() - began) / 1000);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

function memory(name: string, streams: number): Workload {
  return {
    name,
    unit: 'MB resident',
    better: 'less',
    fresh: true,
    run: async (target) => {
      await sessions(target, Math.max(1, streams));
      return residentMegabytes(target.pid);
    },
  };
}

export const workloads: readonly Workload[] = [
  pipelined('small request, 1 stream, 64 under way', 1, 64, 40_000, readSilent),
  pipelined('small request, 64 streams, 4 under way', 64, 4, 40_000, readSilent),
  pipelined('fs/getMetadata, 64 streams, 4 under way', 64, 4, 20_000, metadata),
  startToExited('/bin/true start to exited, quiet client', false),
  startToExited('/bin/true start to exited, client traffic', true),
  sixteenAtATime,
  stdout('stdout of 1 process', 1, 300),
  stdout('stdout of 8 processes', 8, 60),
  readFile('fs/readFile 1 MB', 1, 100),
  readFile('fs/readFile 32 MB', 32, 6),
  memory('memory, idle', 0),
  memory('memory, 1,000 streams', 1000),
];

function endings(session: BenchSession, method: string): (processId: string) => Promise<void> {
  const waiting = new Map<string, () => void>();
  session.onNotification((heard) => {
    if (heard.method === method) waiting.get(heard.processId)?.();
  });
  return (processId) =>
    new Promise((resolve) => {
      waiting.set(processId, resolve);
    });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
