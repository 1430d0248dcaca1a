/**
 * Between signalbox ends, over real WebSockets, through our rendezvous and a network that loses, doubles and swaps
 * frames on both sides of it: every request runs once and is answered once, every byte arrives.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Harness, openHarness } from '../../src/harness/harness.js';
import { cleartextRoad } from '../../src/harness/relay-road.js';
import { openRelayTransport } from '../../src/harness/relay-transport.js';
import { type RelayedExecutor, startRelayedExecutor } from '../harness/relayed-executor.js';
import { seededRandom } from '../stand-ins/seeded-random.js';

const FAULTS = { drop: 0.05, duplicate: 0.05, swap: 0.05 };
const REQUESTS = 10_000;
/** Of them, every so many starts a process. */
const STARTS_EVERY = 50;
const AT_ONCE = 64;
const MB = 1_000_000;

describe('over real sockets that lose, double and swap frames', () => {
  let relay: RelayedExecutor;
  let harness: Harness;
  let folder: string;
  /** How often each request was answered, by id. */
  let answers: Map<number, number>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-faulty-'));
    relay = await startRelayedExecutor({ faults: FAULTS, seed: 7, executor: { cwd: folder } });
    answers = new Map();
    harness = await openHarness({
      clientName: 'test',
      open: (listener, signal) =>
        openRelayTransport(
          cleartextRoad({ url: relay.url }),
          {
            ...listener,
            receive: (messages) => {
              for (const message of messages) countAnswer(message);
              listener.receive(messages);
            },
            ended: (reason) => listener.ended(reason),
          },
          signal,
        ),
    });
  });
  afterEach(async () => {
    await harness?.close();
    await relay?.close();
    await rm(folder, { recursive: true, force: true });
  });

  function countAnswer(message: Uint8Array): void {
    const { id } = JSON.parse(Buffer.from(message).toString('utf8')) as { id?: number };
    if (id !== undefined) answers.set(id, (answers.get(id) ?? 0) + 1);
  }

  function expectFaults(): void {
    for (const proxy of [relay.harnessProxy, relay.executorProxy]) {
      for (const counts of [proxy.counts.toServer, proxy.counts.toClient]) {
        for (const fault of ['dropped', 'duplicated', 'swapped'] as const) {
          expect(counts[fault]).toBeGreaterThan(counts.offered / 50);
        }
      }
    }
  }

  it('runs and answers each of 10,000 requests once', async () => {
    const appended = join(folder, 'appended');
    const writer = await harness.startProcess({ argv: ['sh', '-c', `exec cat > '${appended}'`], stdin: true });
    answers.clear();
    // Without a writeId a write that ran twice is written twice.
    const write = (n: number) =>
      harness.request('process/write', {
        processId: writer.processId,
        chunk: Buffer.from(`${n}\n`).toString('base64'),
      });
    const start = (n: number) => harness.startProcess({ argv: ['sh', '-c', `echo ran >> started.${n}`], cwd: folder });
    const written: number[] = [];
    const started: number[] = [];
    const ends: Promise<unknown>[] = [];
    let next = 0;
    const worker = async () => {
      while (next < REQUESTS) {
        const n = next++;
        if (n % STARTS_EVERY === 0) {
          started.push(n);
          ends.push((await start(n)).closed);
        } else {
          written.push(n);
          await write(n);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    expect(answers.size).toBe(REQUESTS);
    expect(Math.max(...answers.values())).toBe(1);
    await Promise.all(ends);
    writer.stdin.end();
    expect(await writer.closed).toEqual({ exitCode: 0 });
    expect(await readFile(appended, 'utf8')).toBe(written.map((n) => `${n}\n`).join(''));
    const runs = (await readdir(folder)).filter((name) => name.startsWith('started.'));
    expect(runs).toHaveLength(started.length);
    for (const name of runs) expect(await readFile(join(folder, name), 'utf8')).toBe('ran\n');
    expectFaults();
  }, 60_000);

  it('brings 50 MB of output, byte for byte', async () => {
    const script = `head -c ${50 * MB} /dev/urandom | tee bytes`;
    const child = await harness.startProcess({ argv: ['sh', '-c', script], cwd: folder });
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of child.stdout) {
      length += (chunk as Buffer).length;
      hash.update(chunk as Buffer);
    }
    expect(await child.closed).toEqual({ exitCode: 0 });
    expect(length).toBe(50 * MB);
    expect(hash.digest('hex')).toBe(sha256(await readFile(join(folder, 'bytes'))));
    expectFaults();
  }, 60_000);

  it('takes 20 MB of input, byte for byte', async () => {
    const input = randomBytes(20 * MB);
    const child = await harness.startProcess({ argv: ['sha256sum'], stdin: true });
    await pipeline(Readable.from(slices(input, 64 * 1024)), child.stdin);
    let output = '';
    for await (const chunk of child.stdout) output += String(chunk);
    expect(await child.closed).toEqual({ exitCode: 0 });
    expect(output).toBe(`${sha256(input)}  -\n`);
    expectFaults();
  }, 60_000);
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function randomBytes(length: number): Buffer {
  const random = seededRandom(3);
  const words = new Uint32Array(length / 4);
  for (let index = 0; index < words.length; index += 1) words[index] = random() * 2 ** 32;
  return Buffer.from(words.buffer);
}

function* slices(bytes: Buffer, size: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}
