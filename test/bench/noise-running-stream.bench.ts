/**
 * What a running stream notices end to end while 127 harnesses shake hands at once with an executor that is a process of
 * its own: it asks the smallest question there is, again and again, and how long the answers take is compared with
 * before, beside how long the executor's event loop stood still. Run with tsx after `npm run build`; prints medians and
 * extremes of some rounds. All first messages are written before, and no answer is read, so that this process, which is
 * registry, rendezvous and harnesses in one, does little else.
 */
import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { plainFrame } from '../../proto/frame.js';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { InitiatorHandshake } from '../../src/noise/initiator-handshake.js';
import { publicKeyFromJson } from '../../src/noise/public-key.js';
import { HandHarness } from '../noise/hand-harness.js';
import { InlineKem } from '../noise/inline-kem.js';
import { startNoiseRegistry } from '../noise/noise-registry.js';
import type { RecordStream } from '../noise/record-stream.js';
import { cleanEnvironment, startProgram } from '../peers/process-tree.js';
import { quantile } from './reliability-figure.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/main.js', import.meta.url));
const LOOP_DELAY = new URL('./loop-delay.mjs', import.meta.url).href;
/** With the one that runs, as many streams as an executor takes. */
const HANDSHAKES = 127;
const ROUNDS = 10;
/** Questions before a round, to know what is usual. */
const QUIET_QUESTIONS = 300;

const QUESTIONS_EVERY_MS = 3;

const environmentId = 'box1';
const registrationId = 'registration-1';
const kem = new InlineKem();
const identity = await NoiseIdentity.generate(kem);
const registry = await startNoiseRegistry({ environmentId, registrationId });
const executor = await startProgram(
  process.execPath,
  ['--import', LOOP_DELAY, PROGRAM, 'executor', '--remote', registry.url, '--environment-id', environmentId],
  { env: cleanEnvironment({ SIGNALBOX_TOKEN: 'sbx_executor_bench' }) },
);

try {
  const socket = await registry.rendezvous.sockets.first();
  const executorKey = publicKeyFromJson(registry.of('register')[0]?.body.executor_public_key);
  const harness = new HandHarness({ socket, kem, identity, executorKey, environmentId, registrationId });
  const running = await (await harness.greet()).open();
  running.send({ id: 0, method: 'initialize', params: { clientName: 'bench', resumeSessionId: null } });
  await running.messages.first(({ id }) => id === 0);
  running.send({ method: 'initialized' });
  await ask(running, () => false, 1000);

  const durations: number[] = [];
  const quiet: number[] = [];
  const loud: number[] = [];
  const worst: number[] = [];
  const still: number[] = [];
  const ownStill: number[] = [];
  const own = monitorEventLoopDelay({ resolution: 1 });
  own.enable();
  // The first round warms up and is not counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const greetings = await Promise.all(Array.from({ length: HANDSHAKES }, greeting));
    const before = await ask(running, () => false, QUIET_QUESTIONS);
    let answered = 0;
    const refusals: string[] = [];
    socket.onFrame(({ streamId, body }) => {
      if (!greetings.some((each) => each.streamId === streamId)) return;
      if (body.kind === 'handshake') answered += 1;
      if (body.kind === 'reset') refusals.push(body.reason);
    });
    await longestStill();
    own.reset();
    const start = performance.now();
    for (const { streamId, message } of greetings) {
      socket.send(plainFrame(streamId, { kind: 'handshake', payload: message }));
    }
    const times = await ask(running, () => answered + refusals.length === HANDSHAKES, Number.POSITIVE_INFINITY);
    const duration = performance.now() - start;
    const ownLongest = own.max / 1e6;
    const stillThisTime = await longestStill();
    for (const { streamId } of greetings) socket.reset(streamId, 'measured');
    if (refusals.length > 0)
      throw new Error(
        `${refusals.length} handshakes were refused; the executor's log says:\n${executor.output.stderr}`,
      );
    if (round === 0) continue;
    durations.push(duration);
    quiet.push(...before);
    loud.push(...times);
    worst.push(Math.max(...times));
    still.push(stillThisTime);
    ownStill.push(ownLongest);
  }
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  process.stdout.write(
    `${HANDSHAKES} handshakes at once, ${ROUNDS} rounds: done after ${ms(quantile(durations, 0.5))} (median)\n` +
      `answers on the running stream before: median ${ms(quantile(quiet, 0.5))}, p99 ${ms(quantile(quiet, 0.99))}, ` +
      `longest ${ms(Math.max(...quiet))}\n` +
      `meanwhile: median ${ms(quantile(loud, 0.5))}, p99 ${ms(quantile(loud, 0.99))}, ` +
      `longest of a round: median ${ms(quantile(worst, 0.5))}, most ${ms(Math.max(...worst))}\n` +
      `the executor's event loop stood still, longest of a round: median ${ms(quantile(still, 0.5))}, ` +
      `most ${ms(Math.max(...still))}\n` +
      `and that of the harnesses and the registry: median ${ms(quantile(ownStill, 0.5))}, ` +
      `most ${ms(Math.max(...ownStill))}\n`,
  );
} finally {
  await executor.stop();
  await registry.close();
}

/** How long the executor's event loop stood still at the longest since this was asked last, in milliseconds. */
async function longestStill(): Promise<number> {
  const told = () => [...executor.output.stderr.matchAll(/^loop delay: longest (\S+) ms$/gm)];
  const before = told().length;
  process.kill(executor.pid, 'SIGUSR2');
  while (told().length === before) await pause(1);
  return Number(told().at(-1)?.[1]);
}

async function greeting(): Promise<{ readonly streamId: string; readonly message: Uint8Array }> {
  const streamId = randomUUID();
  const executorKey = publicKeyFromJson(registry.of('register')[0]?.body.executor_public_key);
  const binding = { environmentId, registrationId, streamId };
  const { message } = await InitiatorHandshake.begin({ identity, executorKey, binding, authorization: 'may', kem });
  return { streamId, message };
}

/** One question after another, until it is over; milliseconds for each. */
async function ask(stream: RecordStream, isOver: () => boolean, most: number): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < most && !isOver(); count += 1) {
    const id = `q${randomUUID()}`;
    const asked = performance.now();
    const answer = stream.messages.first((message) => message.id === id);
    stream.send({ id, method: 'environment/info' });
    await answer;
    times.push(performance.now() - asked);
    // Or this stream alone would take all the processor time there is.
    await pause(QUESTIONS_EVERY_MS);
    stream.messages.items.length = 0;
  }
  return times;
}
