/**
 * A large file whose connection is cut three times on its way, each way: over the relay, where the stream goes on, and on
 * a plain WebSocket, where only the session is had again and files are opened anew. SIGNALBOX_COPY_MIB makes it larger
 * (2048 is the size the issue asks for).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it, vi } from 'vitest';
import { type FaultyProxy, startFaultyProxy } from '../stand-ins/faulty-proxy.js';
import { printed, type Running, scratchFolder, startProgram } from './program.js';
import { startExecutor, startRelay } from './relay.js';

const MIB = 1024 * 1024;
const SIZE_MIB = Number(process.env.SIGNALBOX_COPY_MIB ?? 64);
const CUTS = 3;
const LONGEST_MS = 60_000 + SIZE_MIB * 1000;

/** Bytes that differ in every block, made quickly. */
async function makeFile(path: string): Promise<void> {
  const file = await open(path, 'w');
  let block = Buffer.alloc(MIB);
  for (let n = 0; n < SIZE_MIB; n += 1) {
    const seed = createHash('sha256').update(block).update(String(n)).digest();
    block = Buffer.alloc(MIB, seed);
    await file.write(block);
  }
  await file.close();
}

async function sha256(path: string): Promise<string> {
  const sum = createHash('sha256');
  await pipeline(createReadStream(path), sum);
  return sum.digest('hex');
}

/** Cuts each time another part of it has arrived; resolves with the number of cuts. */
async function cutThreeTimes(run: Running, to: string, proxies: readonly FaultyProxy[]): Promise<number> {
  const arrived = async () => {
    const [partial] = (await readdir(to)).filter((name) => name.endsWith('.part'));
    return partial === undefined
      ? 0
      : await stat(join(to, partial)).then(
          ({ size }) => size,
          () => 0,
        );
  };
  for (let cut = 0; cut < CUTS; cut += 1) {
    const due = (SIZE_MIB * MIB * (cut + 1)) / (CUTS + 2);
    await vi.waitUntil(async () => run.child.exitCode !== null || (await arrived()) >= due, {
      interval: 2,
      timeout: LONGEST_MS,
    });
    if (run.child.exitCode !== null) return cut;
    for (const proxy of proxies) proxy.cut();
  }
  return CUTS;
}

async function expectWhole(run: Running, source: string, to: string, proxies: readonly FaultyProxy[]): Promise<void> {
  expect(await cutThreeTimes(run, to, proxies)).toBe(CUTS);
  const { code, stdout, stderr } = await run.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const sum = await sha256(source);
  expect(JSON.parse(stdout.toString())).toMatchObject({
    files: 1,
    bytes: SIZE_MIB * MIB,
    sha256: sum,
    resumedBytes: 0,
  });
  expect(await sha256(join(to, 'big'))).toBe(sum);
  expect(await readdir(to)).toEqual(['big']);
}

describe.each(['there', 'back'] as const)(`a file of ${SIZE_MIB} MiB, on its way %s`, (way) => {
  async function folders() {
    const [from, to] = [await scratchFolder(), await scratchFolder()];
    await makeFile(join(from, 'big'));
    const [here, there] = way === 'there' ? [from, to] : [to, from];
    return { source: join(from, 'big'), to, here, there, args: way === 'there' ? ['big', ':'] : [':big', '.'] };
  }

  it(
    'over the relay, while the sockets of both ends are cut',
    async () => {
      const relay = await startRelay();
      const { source, to, here, there, args } = await folders();
      const harnessProxy = await startFaultyProxy({ target: relay.url, seed: 1 });
      const executorProxy = await startFaultyProxy({ target: relay.url, seed: 2 });
      await startExecutor(relay, executorProxy.through(relay.url), there);
      const env = { SIGNALBOX_TOKEN: relay.harnessToken };
      const address = ['--url', harnessProxy.through(relay.url), '--env', 'box'];
      const run = startProgram({ state: relay.state, cwd: here, env }, 'cp', '--json', ...address, ...args);
      await expectWhole(run, source, to, [harnessProxy, executorProxy]);
      await Promise.all([harnessProxy.close(), executorProxy.close()]);
    },
    LONGEST_MS,
  );

  it(
    'on a plain WebSocket, while it is cut',
    async () => {
      const state = await scratchFolder();
      const { source, to, here, there, args } = await folders();
      const executor = startProgram({ state, cwd: there }, 'executor', '--listen', 'ws://127.0.0.1:0');
      const url = await printed(executor, /(ws:\/\/127\.0\.0\.1:\d+)/);
      const proxy = await startFaultyProxy({ target: url, seed: 3 });
      const run = startProgram({ state, cwd: here }, 'cp', '--json', '--url', proxy.url, ...args);
      await expectWhole(run, source, to, [proxy]);
      await proxy.close();
    },
    LONGEST_MS,
  );
});
