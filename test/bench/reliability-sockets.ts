/**
 * Over real sockets on loopback, executor, rendezvous and harnesses in this process: frames when nothing is lost and
 * when nothing is to be said, small requests over a slow line that loses frames, and carriers cut under a hundred streams.
 */
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../src/harness/connect.js';
import type { Harness } from '../../src/harness/harness.js';
import { type RelayedExecutor, startRelayedExecutor } from '../harness/relayed-executor.js';
import { seededRandom } from '../stand-ins/seeded-random.js';
import { type Experiment, type Figure, inRoundTrips, percent, quantile } from './reliability-figure.js';
import { sum, tally } from './reliability-tally.js';

const ROUND_TRIP_MS = 50;
const LOSS = 0.02;
const REQUESTS = 2000;
const OUTPUT_BYTES = 20_000_000;
const IDLE_MS = 60_000;
const STREAMS = 100;
const CUTS = 50;

async function sessions(relay: RelayedExecutor, count: number): Promise<Harness[]> {
  return await Promise.all(Array.from({ length: count }, () => connect({ url: relay.url })));
}

/** The smallest request there is, `underWay` of them at any time; answers with how long each took. */
async function ask(harness: Harness, count: number, underWay: number): Promise<number[]> {
  const times: number[] = [];
  let left = count;
  const lane = async () => {
    while (left-- > 0) {
      const asked = performance.now();
      await harness.request('environment/info');
      times.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: underWay }, lane));
  return times;
}

async function withoutLoss(): Promise<Figure[]> {
  const relay = await startRelayedExecutor();
  try {
    await using harness = await connect({ url: relay.url });
    await ask(harness, REQUESTS, 1);
    await ask(harness, REQUESTS, 16);
    const child = await harness.startProcess({ argv: ['head', '-c', String(OUTPUT_BYTES), '/dev/zero'] });
    let length = 0;
    for await (const chunk of child.stdout) length += (chunk as Buffer).length;
    if (length !== OUTPUT_BYTES) throw new Error(`${length} bytes of ${OUTPUT_BYTES} arrived`);
    // What one end gave to its socket; the proxy behind the rendezvous saw the same frames a second time.
    const { seen } = relay.harnessProxy;
    const from = (direction: 'toServer' | 'toClient') => tally(seen.filter((frame) => frame.direction === direction));
    await pause(1000);
    const { again, needed, acksAlone } = sum(from('toServer'), from('toClient'));
    const before = seen.length;
    await pause(IDLE_MS);
    const idle = seen.length - before;
    return [
      {
        name: `${2 * REQUESTS} requests and ${OUTPUT_BYTES / 1e6} MB of output: sent again`,
        measured: `${again} of ${needed} frames (${percent(again, needed)}), beside ${acksAlone} acknowledgements alone (${percent(acksAlone, needed)})`,
        target: '< 1 %',
        met: again < needed / 100,
      },
      { name: 'the idle minute after it', measured: `${idle} frames`, target: 'none', met: idle === 0 },
    ];
  } finally {
    await relay.close();
  }
}

async function withLoss(): Promise<Figure[]> {
  const relay = await startRelayedExecutor();
  try {
    const all = await sessions(relay, 16);
    const line = { latencyMs: ROUND_TRIP_MS / 2 };
    relay.harnessProxy.setFaults({ toServer: line, toClient: line });
    // Warms up, and lets both ends learn the round trip.
    await Promise.all(all.map((harness) => ask(harness, 20, 1)));
    const calm = (await Promise.all(all.map((harness) => ask(harness, 40, 1)))).flat();
    const lossy = { ...line, drop: LOSS };
    relay.harnessProxy.setFaults({ toServer: lossy, toClient: lossy });
    const times = (await Promise.all(all.map((harness) => ask(harness, 200, 1)))).flat();
    relay.harnessProxy.setFaults({ toServer: {}, toClient: {} });
    await Promise.all(all.map((harness) => harness.close()));
    const p99 = quantile(times, 0.99);
    const shown = [quantile(calm, 0.5), quantile(calm, 0.99), quantile(times, 0.5), p99].map((ms) =>
      inRoundTrips(ms, ROUND_TRIP_MS),
    );
    return [
      {
        name: 'one after the other on each of 16 streams',
        measured: `p50 ${shown[2]}, p99 ${shown[3]} (without loss p50 ${shown[0]}, p99 ${shown[1]})`,
        target: 'p99 ≤ 2.5 round trips',
        met: p99 <= 2.5 * ROUND_TRIP_MS,
      },
    ];
  } finally {
    await relay.close();
  }
}

async function surviving(): Promise<Figure[]> {
  const relay = await startRelayedExecutor();
  try {
    const all = await sessions(relay, STREAMS);
    const children = await Promise.all(all.map((harness) => harness.startProcess({ argv: ['cat'], stdin: true })));
    const outputs = children.map((child) => text(child.stdout));
    const random = seededRandom(3);
    let lines = 0;
    const write = async () => {
      lines += 1;
      for (const { stdin } of children) if (!stdin.write(`line ${lines}\n`)) await once(stdin, 'drain');
    };
    for (let cut = 0; cut < CUTS; cut += 1) {
      await write();
      await pause(random() * 200);
      (random() < 0.5 ? relay.harnessProxy : relay.executorProxy).cut();
      await write();
    }
    for (const { stdin } of children) stdin.end();
    const expected = Array.from({ length: lines }, (_, n) => `line ${n + 1}\n`).join('');
    const printed = await Promise.all(outputs);
    const whole = printed.filter((output) => output === expected).length;
    const recovered = all.filter((harness) => harness.isRecovering).length;
    await Promise.all(all.map((harness) => harness.close()));
    return [
      {
        name: `${STREAMS} streams, ${CUTS} times all sockets of one side cut`,
        measured: `${whole} streams with each of ${lines} lines there and back once and in order, ${recovered} lost`,
        target: 'all',
        met: whole === STREAMS && recovered === 0,
      },
    ];
  } finally {
    await relay.close();
  }
}

export const socketExperiments: readonly Experiment[] = [
  { name: 'frames at 0 % loss', real: true, run: withoutLoss },
  { name: 'small requests at 2 % loss each way and 50 ms round trip', real: true, run: withLoss },
  { name: 'carriers that streams outlive', real: true, run: surviving },
];
