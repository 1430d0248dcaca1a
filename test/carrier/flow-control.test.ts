import { describe, expect, it } from 'vitest';
import { bytes, relayPair } from './relay-pair.js';

const MESSAGE = 'x'.repeat(50_000);

/** A pair on which the executor has been asked once and floods the harness with `count` messages. */
async function flooded(count: number, toHarness = {}, toExecutor = {}) {
  const pair = await relayPair({
    toHarness: { latencyMs: 5, ...toHarness },
    toExecutor: { latencyMs: 5, ...toExecutor },
    answer: (_message, channel) => {
      for (let n = 0; n < count; n += 1) channel.send(bytes(`${n} ${MESSAGE}`));
    },
  });
  const side = pair.open('s1');
  return { pair, side };
}

describe('R28: a reader that does not keep up', () => {
  it('stops the sender after what was under way, however long it takes', async () => {
    const { pair, side } = await flooded(500);
    side.channel.send(bytes('go'));
    await pair.clock.runUntilAsync(() => side.received.length >= 10, 10_000);
    side.channel.setReading(false);
    await pair.clock.advanceAsync(5_000);
    const underWay = side.received.length;
    expect(underWay).toBeLessThanOrEqual(10 + 2 * 33);
    await pair.clock.advanceAsync(3_600_000);
    expect(side.received.length).toBe(underWay);
    expect(pair.accepted.get('s1')?.channel.writable).toBe(false);
    side.channel.setReading(true);
    expect(await pair.clock.runUntilAsync(() => side.received.length === 500, 60_000)).toBe(true);
    expect(side.received.map((text) => Number.parseInt(text, 10))).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  it('goes on although its word that it takes more was lost', async () => {
    const { pair, side } = await flooded(200);
    side.channel.send(bytes('go'));
    await pair.clock.runUntilAsync(() => side.received.length >= 5, 10_000);
    side.channel.setReading(false);
    await pair.clock.advanceAsync(2_000);
    pair.link.cut();
    side.channel.setReading(true);
    pair.link.join();
    expect(await pair.clock.runUntilAsync(() => side.received.length === 200, 60_000)).toBe(true);
  });

  it('leaves other streams alone', async () => {
    const { pair, side } = await flooded(100);
    side.channel.send(bytes('go'));
    side.channel.setReading(false);
    await pair.clock.advanceAsync(2_000);
    const other = pair.open('s2');
    other.channel.send(bytes('go'));
    expect(await pair.clock.runUntilAsync(() => other.received.length === 100, 60_000)).toBe(true);
    expect(side.received.length).toBeLessThan(100);
  });
});
