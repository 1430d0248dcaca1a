import { describe, expect, it } from 'vitest';
import type { Frame } from '../../proto/frame.js';
import { bytes, type RelayPair, relayPair } from './relay-pair.js';

const seqsSent = (frames: readonly Frame[]) => frames.flatMap(({ body }) => (body.kind === 'data' ? [body.seq] : []));

/** Answers `n` with `re n`, as a request is answered. */
const echo = (message: Uint8Array, channel: { send(message: Uint8Array): void }) =>
  channel.send(bytes(`re ${new TextDecoder().decode(message)}`));

async function exchange(pair: RelayPair, count: number, depth = 16): Promise<string[]> {
  const side = pair.open('s1');
  let next = 0;
  const more = () => {
    while (next < count && next - side.received.length < depth) {
      side.channel.send(bytes(String(next)));
      next += 1;
    }
    return side.received.length >= count;
  };
  const done = await pair.clock.runUntilAsync(more, 600_000);
  expect(done, `${side.received.length} of ${count} answered`).toBe(true);
  return side.received;
}

describe('a reliable stream', () => {
  it('sends nothing twice and nothing needless over a perfect link', async () => {
    const pair = await relayPair({ answer: echo });
    expect(await exchange(pair, 500)).toEqual(Array.from({ length: 500 }, (_, n) => `re ${n}`));
    const seqs = seqsSent(pair.sent.harness);
    expect(seqs).toEqual(Array.from({ length: 500 }, (_, n) => n + 1));
    expect(seqsSent(pair.sent.executor)).toHaveLength(500);
    await pair.clock.advanceAsync(60_000);
    const quiet = pair.sent.harness.length + pair.sent.executor.length;
    await pair.clock.advanceAsync(60_000);
    expect(pair.sent.harness.length + pair.sent.executor.length).toBe(quiet);
  });

  it('answers every request once when frames are dropped, doubled and swapped both ways', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const faults = { drop: 0.05, duplicate: 0.05, swap: 0.1, latencyMs: 5 };
      const pair = await relayPair({ seed, toExecutor: faults, toHarness: faults, answer: echo });
      const answers = await exchange(pair, 500);
      expect(answers, `seed ${seed}`).toEqual(Array.from({ length: 500 }, (_, n) => `re ${n}`));
      expect(pair.accepted.get('s1')?.received, `seed ${seed}`).toEqual(
        Array.from({ length: 500 }, (_, n) => String(n)),
      );
    }
  });
});
