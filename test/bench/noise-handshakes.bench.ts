/**
 * How long the event loop is kept from running streams while 128 harnesses shake hands at once with an executor: with
 * ML-KEM on the main thread, in one thread or two of its own, and by Node where it can. Run with tsx, on Linux; prints
 * the median and the worst of some rounds. What the loop waited for a core is the machine's doing, and told apart.
 */
import { openSync, readSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { InitiatorHandshake } from '../../src/noise/initiator-handshake.js';
import type { Kem } from '../../src/noise/kem.js';
import { KemPool } from '../../src/noise/kem-pool.js';
import { nativeKem } from '../../src/noise/native-kem.js';
import { ResponderHandshake } from '../../src/noise/responder-handshake.js';
import { InlineKem } from '../noise/inline-kem.js';

const HANDSHAKES = 128;
const ROUNDS = 10;

/** Milliseconds. */
interface Gap {
  readonly wall: number;
  /** What of it the main thread could not run although it would. */
  readonly coreless: number;
}

const inline = new InlineKem();
const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
const bindingOf = (place: number) => ({ environmentId: 'box1', registrationId: 'r1', streamId: `stream-${place}` });

/** Milliseconds for which the main thread was ready and had no core. */
function corelessMs(): number {
  const text = Buffer.alloc(64);
  const length = readSync(schedule, text, 0, text.length, 0);
  return Number(text.toString('latin1', 0, length).split(' ')[1]) / 1e6;
}

async function greetings(executor: NoiseIdentity): Promise<Uint8Array[]> {
  const identity = await NoiseIdentity.generate(inline);
  const greeting = async (_: unknown, place: number) => {
    const common = { identity, executorKey: executor.publicKey, binding: bindingOf(place) };
    return (await InitiatorHandshake.begin({ ...common, authorization: 'x'.repeat(90), kem: inline })).message;
  };
  return Promise.all(Array.from({ length: HANDSHAKES }, greeting));
}

/** Times between turns of the loop, until stopped. */
function watchLoop(): () => Gap[] {
  const gaps: Gap[] = [];
  let [last, lastCoreless] = [performance.now(), corelessMs()];
  const look = () => {
    const [now, coreless] = [performance.now(), corelessMs()];
    gaps.push({ wall: now - last, coreless: coreless - lastCoreless });
    [last, lastCoreless] = [now, coreless];
  };
  const timer = setInterval(look, 1);
  return () => {
    clearInterval(timer);
    look();
    return gaps;
  };
}

async function measure(name: string, kem: Kem): Promise<void> {
  const executor = await NoiseIdentity.generate(kem);
  const durations: number[] = [];
  const worst: Gap[] = [];
  // The first round warms up and is not counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const messages = await greetings(executor);
    await pause(200);
    const stop = watchLoop();
    const start = performance.now();
    await Promise.all(
      messages.map(async (message, place) => {
        const options = { identity: executor, binding: bindingOf(place), kem };
        await (await ResponderHandshake.read(message, options)).accept();
      }),
    );
    const duration = performance.now() - start;
    const gaps = stop();
    if (round === 0) continue;
    durations.push(duration);
    worst.push(gaps.reduce((one, other) => (other.wall > one.wall ? other : one)));
  }
  const median = (values: number[]) => values.sort((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
  const most = worst.reduce((one, other) => (other.wall > one.wall ? other : one));
  const own = Math.max(...worst.map(({ wall, coreless }) => wall - coreless));
  process.stdout.write(
    `${name.padEnd(12)} ${median(durations).toFixed(0)} ms for ${HANDSHAKES}; the longest turn of a round: ` +
      `median ${median(worst.map(({ wall }) => wall)).toFixed(1)} ms, most ${most.wall.toFixed(1)} ms ` +
      `(${most.coreless.toFixed(1)} ms of it without a core), most without such waits ${own.toFixed(1)} ms\n`,
  );
}

await measure('main thread', inline);
for (const threads of [1, 2]) {
  const pool = new KemPool({ threads });
  await measure(`${threads} thread${threads > 1 ? 's' : ''}`, pool);
  await pool.close();
}
const native = nativeKem();
if (native !== undefined) await measure('node:crypto', native);
