/**
 * How soon two production endpoints on a virtual clock get over one lost frame and over a lost carrier, and how many
 * carriers their streams outlive.
 */
import { type RelayPair, relayPair, type Side } from '../carrier/relay-pair.js';
import { RelayWorld, ROUND_TRIP_MS } from '../carrier/relay-world.js';
import { seededRandom } from '../stand-ins/seeded-random.js';
import { type Experiment, type Figure, inRoundTrips, quantile } from './reliability-figure.js';

const LINE_MS = 50;
const LOSSES = 40;
/** Messages before the first loss: the round trip is known by then. */
const WARM_UP = 20;
const STREAMS = 100;
const CHANGES = 1000;
const RESUMES = 200;
/** Recovery in "about" one round trip: as much again is let pass for the sign of loss to come. */
const ABOUT_ONE = 1.5;

/** A pair on which the next frame to the executor can be made to get lost. */
async function losingPair(): Promise<{ pair: RelayPair; arrivals: Map<number, number>; lose: { drop: number } }> {
  const lose = { drop: 0, latencyMs: LINE_MS / 2 };
  const arrivals = new Map<number, number>();
  const pair = await relayPair({
    toExecutor: lose,
    toHarness: { latencyMs: LINE_MS / 2 },
    answer: (message) => {
      arrivals.set(Number(Buffer.from(message).toString()), pair.clock.now());
    },
  });
  return { pair, arrivals, lose };
}

/**
 * One message each `paceMs`, one in `between` of them lost when it is first sent: by how much longer than the others each of
 * those took, in milliseconds.
 */
async function lostInStream(paceMs: number, between: number): Promise<number[]> {
  const { pair, arrivals, lose } = await losingPair();
  const { channel } = pair.open('s');
  const lost: { readonly n: number; readonly sentAt: number }[] = [];
  const total = LOSSES * between;
  for (let n = 0; n < total; n += 1) {
    if (n >= WARM_UP && n % between === between >> 1) {
      lost.push({ n, sentAt: pair.clock.now() });
      lose.drop = 1;
    }
    channel.send(Buffer.from(String(n)));
    await pair.clock.advanceAsync(0);
    lose.drop = 0;
    await pair.clock.advanceAsync(paceMs);
  }
  if (!(await pair.clock.runUntilAsync(() => arrivals.size === total, 60_000))) throw new Error('a message was lost');
  return lost.map(({ n, sentAt }) => (arrivals.get(n) as number) - sentAt - LINE_MS / 2);
}

async function recovery(): Promise<Figure[]> {
  const figure = async (name: string, paceMs: number, between: number, target: number): Promise<Figure> => {
    const worst = Math.max(...(await lostInStream(paceMs, between)));
    return {
      name,
      measured: `at most ${inRoundTrips(worst, LINE_MS)} later than the others`,
      target: `≤ ${target} round trips`,
      met: worst <= target * LINE_MS,
    };
  };
  return [
    await figure('in a stream of frames, one each 1/20 round trip', LINE_MS / 20, 50, ABOUT_ONE),
    await figure('in a stream of frames, one each 1/10 round trip', LINE_MS / 10, 50, ABOUT_ONE),
    await figure('in a stream of frames, one each 1/4 round trip', LINE_MS / 4, 20, ABOUT_ONE),
    // Nothing follows that could show the loss: it takes a probe, which waits for the acknowledgement held back longest.
    await figure('the last of a stream of frames', LINE_MS * 10, 5, 2),
  ];
}

type Cut = (world: RelayWorld) => Promise<void> | void;

/**
 * From when both ends have a socket again until what the cut has cost has arrived: a request at the executor, which can
 * only then answer it, or else its answer. Each time; in milliseconds.
 */
async function resumed(cut: Cut): Promise<number[]> {
  const world = await RelayWorld.start({ seed: 1 });
  const side = await world.settle('s');
  const random = seededRandom(1);
  const times: number[] = [];
  while (times.length < RESUMES) {
    const asked = side.received.length;
    world.ask(side, asked);
    // The cut meets the request on its way, at the executor, or its answer on the way back.
    await world.clock.advanceAsync(Math.floor(random() * ROUND_TRIP_MS));
    await cut(world);
    await world.online();
    const back = world.clock.now();
    const ranBefore = world.ran.length > asked;
    await world.until(() => (ranBefore ? side.received : world.ran).length > asked);
    times.push(world.clock.now() - back);
    if (!(await world.until(() => side.received.length > asked))) throw new Error('a request was never answered');
    await world.clock.advanceAsync(1000);
  }
  if (world.ran.length !== side.received.length) throw new Error('a request ran twice');
  return times;
}

async function resuming(): Promise<Figure[]> {
  const figure = async (name: string, cut: Cut): Promise<Figure & { readonly worst: number }> => {
    const times = await resumed(cut);
    const worst = Math.max(...times);
    const shown = `median ${inRoundTrips(quantile(times, 0.5), ROUND_TRIP_MS)}, most ${inRoundTrips(worst, ROUND_TRIP_MS)}`;
    return { name, measured: shown, worst };
  };
  const withinOne = ({ name, measured, worst }: Awaited<ReturnType<typeof figure>>): Figure => {
    return { name, measured, target: '≤ 1 round trip', met: worst <= ROUND_TRIP_MS };
  };
  return [
    withinOne(await figure('the socket of the harness was cut', (world) => world.wires.harness?.cut())),
    withinOne(
      await figure('the rendezvous was killed, and started anew at once', (world) => {
        world.kill();
        world.revive();
      }),
    ),
    withinOne(
      await figure('the rendezvous was killed, and started anew two round trips later', async (world) => {
        world.kill();
        await world.clock.advanceAsync(2 * ROUND_TRIP_MS);
        world.revive();
      }),
    ),
    // Sooner than TCP and an HTTP upgrade can be: what left within the last round trip is taken to be on its way still.
    await figure('the socket of the executor was replaced within half a round trip', (world) =>
      world.wires.executor?.cut(),
    ),
  ];
}

async function surviving(): Promise<Figure[]> {
  const world = await RelayWorld.start({ seed: 7 });
  const sides: Side[] = Array.from({ length: STREAMS }, (_, n) => world.open(`s${n}`));
  await world.exchange(sides, 1);
  const random = seededRandom(7);
  let asked = 1;
  for (let change = 0; change < CHANGES; change += 1) {
    if (change % 5 === 0) {
      for (const side of sides) world.ask(side, asked);
      asked += 1;
    }
    await world.clock.advanceAsync(Math.floor(random() * 60));
    if (change % 10 === 0) {
      world.kill();
      await world.clock.advanceAsync(Math.floor(random() * 300));
      world.revive();
    } else world.wires[random() < 0.5 ? 'harness' : 'executor']?.cut();
    await world.online();
  }
  await world.until(() => sides.every((side) => side.end !== undefined || side.received.length >= asked));
  const expected = Array.from({ length: asked }, (_, n) => `re ${n}`).join();
  const whole = sides.filter((side) => side.end === undefined && side.received.join() === expected).length;
  const runTwice = world.ran.length - new Set(world.ran).size;
  return [
    {
      name: `${STREAMS} streams, ${CHANGES} carrier changes, a tenth of them restarts of the rendezvous`,
      measured: `${whole} streams with each of ${asked} answers once and in order, ${runTwice} of ${world.ran.length} requests run twice`,
      target: 'all, none',
      met: whole === STREAMS && runTwice === 0 && world.ran.length === STREAMS * asked,
    },
  ];
}

export const carrierExperiments: readonly Experiment[] = [
  { name: 'one lost frame is there', real: false, run: recovery },
  {
    name: 'after the loss of a socket, what it cost is there, counted from when both ends have one',
    real: false,
    run: resuming,
  },
  { name: 'carriers that streams outlive', real: false, run: surviving },
];
