/**
 * How long a running stream waits while 128 harnesses shake hands at once with an executor: with ML-KEM on the main
 * thread, and in one thread or two of its own. Run with tsx; prints one line a way.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { InitiatorHandshake } from '../../src/noise/initiator-handshake.js';
import type { Kem } from '../../src/noise/kem.js';
import { KemPool } from '../../src/noise/kem-pool.js';
import { nativeKem } from '../../src/noise/native-kem.js';
import type { NoiseChannel } from '../../src/noise/noise-channel.js';
import { ResponderHandshake } from '../../src/noise/responder-handshake.js';
import { InlineKem } from '../noise/inline-kem.js';

const HANDSHAKES = 128;
const ROUNDS = 5;
const PAYLOAD_BYTES = 8 * 1024;

/**
 * Another thread that asks every millisecond or so and measures how long each answer took, in milliseconds. It tells
 * when the question that is under way has been answered, so that none is left out for being slow.
 */
const PROBE = `
  const { parentPort } = require('node:worker_threads');
  let waits = [];
  let sent = 0;
  let asked = false;
  const ask = () => { sent = performance.now(); parentPort.postMessage('ask'); };
  parentPort.on('message', (message) => {
    if (message === 'tell') { asked = true; return; }
    waits.push(performance.now() - sent);
    if (asked) { parentPort.postMessage(waits); waits = []; asked = false; }
    setTimeout(ask, 1);
  });
  ask();
`;

const inline = new InlineKem();
const binding = (place: number) => ({ environmentId: 'box1', registrationId: 'r1', streamId: `stream-${place}` });

async function greetings(executor: NoiseIdentity): Promise<Uint8Array[]> {
  const identity = await NoiseIdentity.generate(inline);
  const greeting = async (_: unknown, place: number) => {
    const common = { identity, executorKey: executor.publicKey, binding: binding(place) };
    return (await InitiatorHandshake.begin({ ...common, authorization: 'x'.repeat(90), kem: inline })).message;
  };
  return Promise.all(Array.from({ length: HANDSHAKES }, greeting));
}

async function openChannel(executor: NoiseIdentity, kem: Kem): Promise<NoiseChannel> {
  const [message] = (await greetings(executor)) as [Uint8Array];
  const handshake = await ResponderHandshake.read(message, { identity: executor, binding: binding(0), kem });
  return (await handshake.accept()).channel;
}

async function measure(name: string, kem: Kem): Promise<void> {
  const executor = await NoiseIdentity.generate(kem);
  const stream = await openChannel(executor, kem);
  const probe = new Worker(PROBE, { eval: true });
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  probe.on('message', (message) => {
    if (message !== 'ask') return;
    // What a running stream does for each of its messages.
    stream.seal(payload);
    probe.postMessage('answer');
  });
  const tell = async (): Promise<number[]> => {
    probe.postMessage('tell');
    for (;;) {
      const [message] = await once(probe, 'message');
      if (message !== 'ask') return message as number[];
    }
  };

  const quiet: number[] = [];
  const busy: number[] = [];
  const durations: number[] = [];
  // The first round warms up and is not counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const messages = await greetings(executor);
    await tell();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = await tell();
    const start = performance.now();
    await Promise.all(
      messages.map(async (message, place) => {
        const options = { identity: executor, binding: binding(place), kem };
        await (await ResponderHandshake.read(message, options)).accept();
      }),
    );
    const duration = performance.now() - start;
    const during = await tell();
    if (round === 0) continue;
    durations.push(duration);
    quiet.push(...before);
    busy.push(...during);
  }
  await probe.terminate();
  const median = durations.sort((one, other) => one - other)[ROUNDS >> 1] as number;
  process.stdout.write(
    `${name.padEnd(14)} ${HANDSHAKES} handshakes in ${median.toFixed(0)} ms; ` +
      `a stream waits ${spread(busy)} (quiet: ${spread(quiet)})\n`,
  );
}

function spread(waits: number[]): string {
  const sorted = [...waits].sort((one, other) => one - other);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms`;
}

await measure('main thread', inline);
for (const threads of [1, 2]) {
  const pool = new KemPool({ threads });
  await measure(`${threads} thread${threads > 1 ? 's' : ''}`, pool);
  await pool.close();
}
const native = nativeKem();
if (native !== undefined) await measure('node:crypto', native);
