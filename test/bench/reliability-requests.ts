/**
 * Small requests and bulk output between two production endpoints on a virtual clock, over a line of 50 ms there and
 * back: what they cost in frames when nothing is lost, and how long they take when something is.
 */
import type { StreamChannel } from '../../src/carrier/stream-channel.js';
import { bytes, type PairOptions, type RelayPair, relayPair } from '../carrier/relay-pair.js';
import { seededRandom } from '../stand-ins/seeded-random.js';
import { type Experiment, type Figure, inRoundTrips, percent, quantile } from './reliability-figure.js';
import { sum, tallyFrames } from './reliability-tally.js';

const ROUND_TRIP_MS = 50;
const LINE = { latencyMs: ROUND_TRIP_MS / 2 };
const LOSS = 0.02;
const SEEDS = [1, 2, 3, 4];
const REQUESTS = 5000;
const BULK_BYTES = 20_000_000;
const CHUNK_BYTES = 50_000;
const MINUTE_MS = 60_000;
const LONGEST_MS = 1e9;
/** p99 of a small request, in round trips. */
const LONGEST_REQUEST = 2.5;

type Answer = NonNullable<PairOptions['answer']>;

const answerAtOnce: Answer = (message, channel) => channel.send(message);

/** Asks until so many are answered, `underWay` at any time on each of `streams`; answers with how long each took. */
async function ask(pair: RelayPair, count: number, underWay: number, streams = 1): Promise<number[]> {
  const { clock } = pair;
  const times: number[] = [];
  const askedAt: number[] = [];
  const open = (id: string) => {
    const next = () => {
      if (askedAt.length >= count) return;
      channel.send(bytes(String(askedAt.push(clock.now()) - 1)));
    };
    const { channel } = pair.open(id, (message) => {
      times.push(clock.now() - (askedAt[Number(Buffer.from(message).toString())] as number));
      next();
    });
    for (let n = 0; n < underWay; n += 1) next();
  };
  for (let stream = 0; stream < streams; stream += 1) open(`s${stream}`);
  const done = await clock.runUntilAsync(() => times.length >= count, LONGEST_MS);
  if (!done) throw new Error(`only ${times.length} of ${count} requests were answered`);
  return times;
}

async function latency(underWay: number, streams: number): Promise<number[]> {
  const times: number[] = [];
  for (const seed of SEEDS) {
    const line = { ...LINE, drop: LOSS };
    const pair = await relayPair({ seed, toExecutor: line, toHarness: line, answer: answerAtOnce });
    times.push(...(await ask(pair, REQUESTS, underWay, streams)));
  }
  return times;
}

/**
 * What would be the shortest: each lost frame is sent again, as if by an oracle, one round trip after it was sent, and
 * whatever follows it on the stream waits for it. No protocol that keeps order and repeats only what is lost is faster.
 */
function shortestPossible(underWay: number): number[] {
  const random = seededRandom(1);
  const arrival = (sentAt: number): number => {
    let at = sentAt + LINE.latencyMs;
    while (random() < LOSS) at += ROUND_TRIP_MS;
    return at;
  };
  const answeredAt = Array<number>(underWay).fill(0);
  const times: number[] = [];
  let [ranAt, heardAt] = [0, 0];
  for (let n = 0; n < REQUESTS * SEEDS.length; n += 1) {
    const askedAt = answeredAt[n % underWay] as number;
    ranAt = Math.max(ranAt, arrival(askedAt));
    heardAt = Math.max(heardAt, arrival(ranAt));
    answeredAt[n % underWay] = heardAt;
    times.push(heardAt - askedAt);
  }
  return times;
}

function latencyFigures(name: string, times: readonly number[], target?: number): Figure[] {
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  const shown = `p50 ${inRoundTrips(p50, ROUND_TRIP_MS)}, p99 ${inRoundTrips(p99, ROUND_TRIP_MS)} (${p99.toFixed(0)} ms)`;
  if (target === undefined) return [{ name, measured: shown }];
  return [{ name, measured: shown, target: `p99 ≤ ${target} round trips`, met: p99 <= target * ROUND_TRIP_MS }];
}

/** Frames of a run without loss, and of the minute after it. */
async function calm(name: string, answer: Answer, run: (pair: RelayPair) => Promise<unknown>): Promise<Figure[]> {
  const pair = await relayPair({ toExecutor: LINE, toHarness: LINE, answer });
  await run(pair);
  // Connections keep two timers of their own.
  const atRest = await pair.clock.runUntilAsync(() => pair.clock.pending().length <= 2, MINUTE_MS);
  const { again, needed, acksAlone } = sum(tallyFrames(pair.sent.harness), tallyFrames(pair.sent.executor));
  const framesSent = () => pair.sent.harness.length + pair.sent.executor.length;
  const before = framesSent();
  await pair.clock.advanceAsync(MINUTE_MS);
  const idle = framesSent() - before;
  return [
    {
      name: `${name}: sent again`,
      measured: `${again} of ${needed} frames (${percent(again, needed)}), beside ${acksAlone} acknowledgements alone (${percent(acksAlone, needed)})`,
      target: '< 1 %',
      met: again < needed / 100,
    },
    {
      name: `${name}: the idle minute after it`,
      measured: `${idle} frames${atRest ? '' : ', timers armed'}`,
      target: 'none',
      met: idle === 0 && atRest,
    },
  ];
}

/** Answers after 0 to 60 ms of work, so that some acknowledgements ride on the answer and some cannot wait for it. */
function answerInTime(clock: () => RelayPair['clock']): Answer {
  const random = seededRandom(1);
  return (message, channel) => {
    const copy = Uint8Array.from(message);
    clock().setTimeout(() => channel.send(copy), Math.floor(random() * 60));
  };
}

function pour(channel: StreamChannel): void {
  let left = BULK_BYTES;
  const more = () => {
    for (; left > 0 && channel.writable; left -= CHUNK_BYTES) channel.send(new Uint8Array(CHUNK_BYTES));
  };
  channel.onWritable(more);
  more();
}

async function takeBulk(pair: RelayPair): Promise<void> {
  let received = 0;
  const { channel } = pair.open('bulk', (message) => {
    received += message.length;
  });
  channel.send(bytes('go'));
  if (!(await pair.clock.runUntilAsync(() => received === BULK_BYTES, LONGEST_MS))) {
    throw new Error(`only ${received} of ${BULK_BYTES} bytes arrived`);
  }
}

async function withoutLoss(): Promise<Figure[]> {
  let working: RelayPair | undefined;
  const slowly = answerInTime(() => (working as RelayPair).clock);
  return [
    ...(await calm(`${REQUESTS} requests, one after the other`, answerAtOnce, (pair) => ask(pair, REQUESTS, 1))),
    ...(await calm(`${REQUESTS} requests, 16 under way`, answerAtOnce, (pair) => ask(pair, REQUESTS, 16))),
    ...(await calm(`${REQUESTS} requests of 0 to 60 ms of work, 4 under way`, slowly, (pair) => {
      working = pair;
      return ask(pair, REQUESTS, 4);
    })),
    ...(await calm(`${BULK_BYTES / 1e6} MB of output`, (_, channel) => pour(channel), takeBulk)),
  ];
}

async function withLoss(): Promise<Figure[]> {
  return [
    ...latencyFigures('one after the other', await latency(1, 1), LONGEST_REQUEST),
    ...latencyFigures('16 under way, each on a stream of its own', await latency(1, 16), LONGEST_REQUEST),
    ...latencyFigures('16 under way on one stream, in order', await latency(16, 1)),
    ...latencyFigures('the same if every loss were known at once', shortestPossible(16)),
  ];
}

export const requestExperiments: readonly Experiment[] = [
  { name: 'frames at 0 % loss', real: false, run: withoutLoss },
  { name: 'small requests at 2 % loss each way and 50 ms round trip', real: false, run: withLoss },
];
