import { describe, expect, it } from 'vitest';
import { ExplorationError, explore, type System } from './explore.js';
import { StreamPair, streamsOf } from './stream-pair.js';
import { type StreamBounds, StreamSystem } from './stream-system.js';

/** More than any of the systems here has; what is beyond it would fail the test, not be left out. */
const MOST_STATES = 10_000_000;
const PATIENCE_MS = 900_000;

/** What a minute can visit. `EXPLORE=large` visits more. */
const usual: readonly StreamBounds[] = [
  { windowSegments: 4, harness: [1, 2, 3], executor: [], carrierLosses: 0 },
  { windowSegments: 4, harness: [], executor: [1, 2, 3], carrierLosses: 0 },
  { windowSegments: 3, harness: [1, 2, 3], executor: [], carrierLosses: 1 },
  { windowSegments: 4, harness: [1, 3], executor: [], carrierLosses: 1 },
  { windowSegments: 3, harness: [], executor: [2, 1], carrierLosses: 2 },
  // Both ways, so that acknowledgements ride on data.
  { windowSegments: 2, harness: [1, 1], executor: [1], carrierLosses: 1 },
  { windowSegments: 2, harness: [1], executor: [1], carrierLosses: 2 },
  // So large that only the first two segments of a window go again unasked.
  { windowSegments: 3, harness: [1, 1, 1], executor: [], carrierLosses: 1, segmentBytes: 30 * 1024 },
];
const large: readonly StreamBounds[] = [
  { windowSegments: 4, harness: [], executor: [1, 2, 3], carrierLosses: 1 },
  { windowSegments: 4, harness: [1, 2, 3], executor: [], carrierLosses: 1 },
  { windowSegments: 2, harness: [1, 1], executor: [1, 1], carrierLosses: 0 },
  { windowSegments: 2, harness: [1, 1], executor: [1], carrierLosses: 2 },
];
const isLarge = process.env.EXPLORE === 'large';

function describeBounds({ windowSegments, harness, executor, carrierLosses, segmentBytes = 1 }: StreamBounds): string {
  const says = (load: readonly number[]) => (load.length === 0 ? 'nothing' : `messages of ${load.join('+')} segments`);
  return (
    `window ${windowSegments}, the harness sends ${says(harness)}, the executor ${says(executor)}, ` +
    `${carrierLosses} carriers lost, ${segmentBytes} bytes a segment`
  );
}

function report(what: string, { states, transitions, depth }: ReturnType<typeof explore>): void {
  process.stdout.write(`explored ${what}: ${states.length} states, ${transitions} transitions, depth ${depth}\n`);
}

describe('every state of one stream, over any loss, duplication and reordering', () => {
  for (const bounds of isLarge ? [...usual, ...large] : usual) {
    it(`keeps its promises: ${describeBounds(bounds)}`, { timeout: PATIENCE_MS }, () => {
      const exploration = explore(new StreamSystem(bounds), MOST_STATES);
      report(describeBounds(bounds), exploration);
      expect(exploration.states.length).toBeGreaterThan(100);
    });
  }
});

describe('two streams on one carrier', () => {
  const pairOf = (bounds: StreamBounds) => {
    const alone = explore(new StreamSystem(bounds), MOST_STATES);
    const pair = explore(new StreamPair(new StreamSystem(bounds)), MOST_STATES);
    report(`two streams, each: ${describeBounds(bounds)}`, pair);
    return { alone, pair };
  };

  it('are in each pair of states that each can be in alone, while no carrier is lost', { timeout: PATIENCE_MS }, () => {
    const { alone, pair } = pairOf({ windowSegments: 2, harness: [1, 2], executor: [], carrierLosses: 0 });
    expect(pair.states.length).toBe(alone.states.length ** 2);
  });

  it('each come to exactly the states of one alone when a carrier is lost', { timeout: PATIENCE_MS }, () => {
    const executor = isLarge ? [1] : [];
    const { alone, pair } = pairOf({ windowSegments: 2, harness: [1], executor, carrierLosses: 1 });
    const expected = new Set(alone.states);
    const first = new Set(pair.states.map((state) => streamsOf(state)[0]));
    const second = new Set(pair.states.map((state) => streamsOf(state)[1]));
    expect([first.size, second.size]).toEqual([expected.size, expected.size]);
    expect([...first, ...second].every((state) => expected.has(state))).toBe(true);
  });
});

describe('exploring', () => {
  /** Counts up by one or two, and is at fault at one number. */
  const counting = (faultAt: number): System => ({
    initial: '0',
    moves: (state) =>
      Number(state) >= 10
        ? []
        : [1, 2].map((by) => ({ name: `add ${by}`, next: String(Number(state) + by), isShared: false })),
    fault: (state) => (Number(state) === faultAt ? 'a bad number' : undefined),
  });

  it('visits each state once and counts the ways', () => {
    const { states, transitions, depth } = explore(counting(-1), 100);
    expect(states.map(Number).sort((one, two) => one - two)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect([transitions, depth]).toEqual([20, 6]);
  });

  it('tells the shortest way to a fault', () => {
    expect(() => explore(counting(3), 100)).toThrow(/^a bad number\n {4}0\nadd 1\n {4}1\nadd 2\n {4}3$/);
  });

  it('fails rather than leave states out', () => {
    expect(() => explore(counting(-1), 5)).toThrow(ExplorationError);
  });
});
