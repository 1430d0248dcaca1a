/**
 * Two ends of ours on a virtual clock, joined by a link in memory that loses, doubles and swaps what it carries: every
 * request is answered once, every byte arrives, and nothing is sent that need not be.
 */
import { createHash, type Hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../proto/frame.js';
import type { StreamChannel } from '../../src/carrier/stream-channel.js';
import { seededRandom } from '../stand-ins/seeded-random.js';
import { bytes, type PairOptions, type RelayPair, relayPair, type Side } from './relay-pair.js';

const FAULTS = { drop: 0.05, duplicate: 0.05, swap: 0.05, latencyMs: 5 };
const LONG_MS = 3_600_000;
const MB = 1_000_000;
const MIB = 1024 * 1024;

/** Answers `n` with `re n`, as a request is answered. */
const echo = (message: Uint8Array, channel: StreamChannel) =>
  channel.send(bytes(`re ${new TextDecoder().decode(message)}`));

const numbers = (count: number, prefix = '') => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const isData = ({ body }: Frame) => body.kind === 'data';
const seqsSent = (frames: readonly Frame[]) => frames.flatMap(({ body }) => (body.kind === 'data' ? [body.seq] : []));
const sentAgain = (frames: readonly Frame[]) => {
  const data = frames.filter(isData).map((frame) => `${frame.streamId} ${seqsSent([frame])[0]}`);
  return data.length - new Set(data).size;
};

/** Keeps so many requests under way on each stream until all are answered. */
async function exchange(pair: RelayPair, sides: readonly Side[], count: number, depth: number): Promise<void> {
  const next = sides.map(() => 0);
  const allAnswered = () => {
    for (const [index, side] of sides.entries()) {
      let n = next[index] as number;
      for (; n < count && n - side.received.length < depth; n += 1) side.channel.send(bytes(String(n)));
      next[index] = n;
    }
    return sides.every((side) => side.received.length >= count);
  };
  const done = await pair.clock.runUntilAsync(allAnswered, LONG_MS);
  expect(done, `answered: ${sides.map((side) => side.received.length)}`).toBe(true);
}

/** Sends all of it as messages of many sizes, as fast as the channel takes them. */
function pour(channel: StreamChannel, total: number, longest: number, seed: number): Hash {
  const random = seededRandom(seed);
  const hash = createHash('sha256');
  let left = total;
  const more = () => {
    while (left > 0 && channel.writable) {
      const message = Buffer.alloc(Math.min(left, 1 + Math.floor(random() * longest)), Math.floor(random() * 256));
      left -= message.length;
      hash.update(message);
      channel.send(message);
    }
  };
  channel.onWritable(more);
  more();
  return hash;
}

/** Everything is acknowledged when no timer is left but those that keep the two connections alive. */
async function expectRest(pair: RelayPair): Promise<void> {
  const atRest = () => pair.clock.pending().length === 2;
  expect(await pair.clock.runUntilAsync(atRest, 120_000), `timers: ${pair.clock.pending()}`).toBe(true);
  const frames = pair.sent.harness.length + pair.sent.executor.length;
  await pair.clock.advanceAsync(60_000);
  expect(pair.sent.harness.length + pair.sent.executor.length).toBe(frames);
}

describe('R20: over a link that loses, doubles and swaps frames both ways', () => {
  const faulty = (options: PairOptions) => relayPair({ toExecutor: FAULTS, toHarness: FAULTS, ...options });

  it.each([1, 2])(
    '10,000 requests are each run and answered once, seed %i',
    async (seed) => {
      const pair = await faulty({ seed, answer: echo });
      const side = pair.open('s1');
      await exchange(pair, [side], 10_000, 64);
      expect(side.received).toEqual(numbers(10_000, 're '));
      expect(pair.accepted.get('s1')?.received).toEqual(numbers(10_000));
      await expectRest(pair);
      // A frame is sent again for each lost one, and now and then for one whose acknowledgement was lost or late.
      for (const [frames, { dropped }] of [
        [pair.sent.harness, pair.link.a.counts],
        [pair.sent.executor, pair.link.b.counts],
      ] as const) {
        expect(sentAgain(frames)).toBeGreaterThan(100);
        expect(sentAgain(frames)).toBeLessThan(2 * dropped);
      }
    },
    60_000,
  );

  it('short exchanges end well whatever is lost, 200 seeds', async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const faults = { ...FAULTS, drop: 0.3, delay: 0.1, delayMs: 50 };
      const pair = await relayPair({ seed, toExecutor: faults, toHarness: faults, answer: echo });
      const side = pair.open('s1');
      await exchange(pair, [side], 5, 2);
      expect(side.received, `seed ${seed}`).toEqual(numbers(5, 're '));
      expect(pair.accepted.get('s1')?.received, `seed ${seed}`).toEqual(numbers(5));
      await expectRest(pair);
    }
  }, 60_000);

  it('16 streams at once hear nothing of each other', async () => {
    const pair = await faulty({
      seed: 4,
      answer: (message, channel) => channel.send(Buffer.concat([bytes(channel.streamId), message])),
    });
    const sides = numbers(16, 's').map((id) => pair.open(id));
    await exchange(pair, sides, 300, 8);
    for (const side of sides) expect(side.received).toEqual(numbers(300, side.channel.streamId));
    await expectRest(pair);
  }, 60_000);

  it.each([1, 2])(
    '50 MB of output arrive byte for byte, seed %i',
    async (seed) => {
      let poured: Hash | undefined;
      const pair = await faulty({
        seed,
        answer: (_, channel) => {
          poured = pour(channel, 50 * MB, 100_000, seed);
        },
      });
      const hash = createHash('sha256');
      let length = 0;
      const side = pair.open('s1', (message) => {
        hash.update(message);
        length += message.length;
      });
      side.channel.send(bytes('go'));
      expect(await pair.clock.runUntilAsync(() => length === 50 * MB, LONG_MS), `${length} bytes`).toBe(true);
      expect(hash.digest('hex')).toBe(poured?.digest('hex'));
      await expectRest(pair);
      expect(sentAgain(pair.sent.executor)).toBeLessThan(2 * pair.link.b.counts.dropped);
    },
    60_000,
  );

  it('messages of 1 MiB and 20 MiB arrive whole, both ways, with small ones between them in order', async () => {
    const pair = await faulty({ seed: 5, answer: (message, channel) => channel.send(message) });
    const sizes = [10, MIB, 1, 20 * MIB, 61_440, 61_441, 3];
    const messages = sizes.map((size, index) => Buffer.alloc(size, index + 1));
    const back: Uint8Array[] = [];
    const side = pair.open('s1', (message) => back.push(message));
    // Before the peer was heard of, nothing is cut.
    side.channel.send(bytes('hello'));
    await pair.clock.runUntilAsync(() => back.shift() !== undefined, LONG_MS);
    for (const message of messages) side.channel.send(message);
    expect(await pair.clock.runUntilAsync(() => back.length === sizes.length, LONG_MS)).toBe(true);
    for (const [index, message] of messages.entries()) expect(message.equals(back[index] as Uint8Array)).toBe(true);
    await expectRest(pair);
    const segments = pair.sent.harness.map(({ body }) => (body.kind === 'data' ? body.payload.length : 0));
    expect(Math.max(...segments)).toBeLessThanOrEqual(61_440);
  }, 60_000);

  it('a stream that is closed delivers what was sent before', async () => {
    const pair = await faulty({ seed: 6, answer: echo });
    const side = pair.open('s1');
    await exchange(pair, [side], 1, 1);
    for (const n of numbers(100).slice(1)) side.channel.send(bytes(n));
    side.channel.close();
    await pair.clock.runUntilAsync(() => side.end !== undefined, LONG_MS);
    expect(side.end).toMatchObject({ kind: 'closed' });
    expect(pair.accepted.get('s1')?.received).toEqual(numbers(100));
    await pair.clock.runUntilAsync(() => pair.accepted.get('s1')?.end !== undefined, 1000);
    await expectRest(pair);
  });

  it('a larger message than any may be ends its stream alone', async () => {
    const pair = await faulty({ seed: 7, answer: echo });
    const [side, other] = [pair.open('s1'), pair.open('s2')];
    await exchange(pair, [side, other], 10, 4);
    side.channel.send(Buffer.alloc(64 * MIB));
    await pair.clock.runUntilAsync(() => side.end !== undefined, 1000);
    expect(side.end).toMatchObject({ kind: 'reset', reason: 'message_oversized', initiator: 'local' });
    await exchange(pair, [other], 20, 4);
    expect(other.end).toBeUndefined();
  });
});

describe('R26: over a perfect link', () => {
  it('nothing is sent twice, and nothing at all when there is nothing to say', async () => {
    const pair = await relayPair({ answer: echo, toExecutor: { latencyMs: 20 }, toHarness: { latencyMs: 20 } });
    const side = pair.open('s1');
    await exchange(pair, [side], 5000, 64);
    await expectRest(pair);
    for (const frames of [pair.sent.harness, pair.sent.executor]) {
      expect(seqsSent(frames)).toEqual(Array.from({ length: 5000 }, (_, n) => n + 1));
      // Answers carry the acknowledgements: what is left over is the greeting and the last word.
      expect(frames.length - 5000).toBeLessThan(50);
    }
  });

  it('bulk is acknowledged by one frame for two, not more', async () => {
    const pair = await relayPair({
      toExecutor: { latencyMs: 20 },
      toHarness: { latencyMs: 20 },
      answer: (_, channel) => void pour(channel, 20 * MB, 100_000, 1),
    });
    let length = 0;
    const side = pair.open('s1', (message) => {
      length += message.length;
    });
    side.channel.send(bytes('go'));
    expect(await pair.clock.runUntilAsync(() => length === 20 * MB, LONG_MS)).toBe(true);
    await expectRest(pair);
    const segments = seqsSent(pair.sent.executor);
    expect(sentAgain(pair.sent.executor)).toBe(0);
    expect(pair.sent.executor.length - segments.length).toBeLessThan(5);
    expect(pair.sent.harness.length).toBeLessThan(segments.length / 2 + 50);
  });

  it('a single request costs two frames and their acknowledgement', async () => {
    const pair = await relayPair({ answer: echo });
    const side = pair.open('s1');
    await exchange(pair, [side], 1, 1);
    await expectRest(pair);
    const before = pair.sent.harness.length + pair.sent.executor.length;
    side.channel.send(bytes('again'));
    await pair.clock.runUntilAsync(() => side.received.length === 2, 1000);
    await expectRest(pair);
    expect(pair.sent.harness.length + pair.sent.executor.length - before).toBe(3);
  });
});
