/**
 * `npm run soak -- --messages 100000000`: one long simulated run over lines that are a little bad, with messages
 * flowing both ways on streams that come and go; each must arrive once and in order, and memory must not grow.
 */
import { Command, InvalidArgumentError } from 'commander';
import type { StreamChannel } from '../../src/carrier/stream-channel.js';
import { seededRandom } from '../stand-ins/seeded-random.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { type LaneFaults, noFaults } from './lane.js';
import { Machine } from './machine.js';
import { Rendezvous } from './rendezvous.js';
import { ENDLESS } from './scenario.js';

const { messages, seed } = new Command('soak')
  .description('one long simulated run in bounded memory')
  .option('--messages <count>', 'messages to deliver, both ways together', positive, 1_000_000)
  .option('--seed <seed>', 'of the faults', positive, 1)
  .parse()
  .opts<{ messages: number; seed: number }>();

/** About what a bad mobile network does. */
const faults: LaneFaults = { ...noFaults, drop: 0.001, duplicate: 0.001, reorder: 0.001, reorderMs: 30, jitterMs: 2 };
const LATENCY_MS = 5;
const STREAMS = 4;
/** Messages each way after which a stream is closed and another opened. */
const MESSAGES_OF_A_STREAM = 250_000;
/** Messages handed over at a time. */
const BURST = 32;
const MESSAGE_BYTES = 16;
const LOOK_EVERY_MS = 5;
/** Far above what a run needs, far below what it would need if it kept anything of every message. */
const MOST_HEAP_BYTES = 512 * 1024 * 1024;
/** Virtual time without a single message delivered after which nothing will be any more. */
const STANDSTILL_MS = 120_000;

const print = (line: string) => process.stdout.write(`${line}\n`);

/** One direction of a stream: numbers what leaves, and demands what arrives in this order. */
class Flow {
  #sent = 0;
  #delivered = 0;

  get isDone(): boolean {
    return this.#delivered === MESSAGES_OF_A_STREAM;
  }

  /** Sends a burst if the last one has arrived, so that only what is under way is ever held. */
  feed(channel: StreamChannel): void {
    if (this.#sent - this.#delivered > BURST || !channel.writable) return;
    const until = Math.min(this.#sent + BURST, MESSAGES_OF_A_STREAM);
    for (; this.#sent < until; this.#sent += 1) {
      const message = Buffer.alloc(MESSAGE_BYTES);
      message.writeUInt32LE(this.#sent);
      channel.send(message);
    }
  }

  take(message: Uint8Array): void {
    const number = Buffer.from(message.buffer, message.byteOffset, message.length).readUInt32LE();
    if (number !== this.#delivered) throw new Error(`message ${number} came where ${this.#delivered} belongs`);
    this.#delivered += 1;
    delivered += 1;
  }
}

interface StreamFlows {
  readonly up: Flow;
  readonly down: Flow;
  back?: StreamChannel;
}

let delivered = 0;
let failure: unknown;
const clock = new StepClock();
const rendezvous = new Rendezvous(clock);
/** Both directions of each stream; `back` is the executor's channel, once it has one. */
const flows = new Map<string, StreamFlows>();

/** A throw of a reader ends only its stream; this one ends the run. */
function taking(flow: Flow): (messages: readonly Uint8Array[]) => void {
  return (batch) => {
    try {
      for (const message of batch) flow.take(message);
    } catch (error) {
      failure ??= error;
    }
  };
}

function machine(name: string, role: 'executor' | 'harness', machineSeed: number): Machine {
  const random = seededRandom(machineSeed);
  const made: Machine = new Machine({
    name,
    role,
    world: clock,
    seed: machineSeed,
    accept: (channel) => {
      const flow = flows.get(channel.streamId);
      if (flow === undefined) throw new Error(`nobody opened ${channel.streamId}`);
      flow.back = channel;
      return { receive: taking(flow.up), ended: () => {} };
    },
    dial: (listener) => {
      const wire = rendezvous.dial(role, listener, {
        clock,
        random,
        latencyMs: LATENCY_MS,
        bytesPerMs: ENDLESS,
        onMachine: (action) => made.act(action),
        sent: () => {},
        arrived: () => {},
        sealed: false,
        damaged: () => {},
        machineLost: () => {},
        lost: () => {},
      });
      wire.up.faults = faults;
      wire.down.faults = faults;
      return wire;
    },
  });
  return made;
}

const executor = machine('executor', 'executor', seed);
const harness = machine('harness', 'harness', seed + 1);

let opened = 0;
function openStream(): void {
  const streamId = `s${opened}`;
  opened += 1;
  const flow: StreamFlows = { up: new Flow(), down: new Flow() };
  flows.set(streamId, flow);
  let timer: unknown;
  const channel = harness.endpoint.open(streamId, () => ({
    receive: taking(flow.down),
    ended: (end) => {
      clock.clearTimeout(timer);
      flows.delete(streamId);
      if (end.kind !== 'closed') failure ??= new Error(`stream ${streamId} ended: ${end.initiator}, ${end.reason}`);
      else if (delivered < messages) openStream();
    },
  }));
  const feed = () => {
    const { up, down, back } = flow;
    up.feed(channel);
    if (back !== undefined) down.feed(back);
    if (up.isDone && down.isDone) channel.close();
    else timer = clock.setTimeout(feed, LOOK_EVERY_MS);
  };
  feed();
}

const started = performance.now();
await clock.runUntilAsync(() => executor.isAttached && harness.isAttached, 10_000);
for (let index = 0; index < STREAMS; index += 1) openStream();
let reported = 0;
while (delivered < messages && failure === undefined) {
  const before = delivered;
  const goal = Math.min(messages, delivered + 1000);
  await clock.runUntilAsync(() => delivered >= goal || failure !== undefined, STANDSTILL_MS);
  if (delivered === before) failure ??= new Error('nothing was delivered any more');
  const heap = process.memoryUsage().heapUsed;
  if (heap > MOST_HEAP_BYTES) failure ??= new Error(`the heap has grown to ${heap} bytes`);
  const seconds = (performance.now() - started) / 1000;
  if (seconds - reported >= 10 || delivered >= messages) {
    reported = seconds;
    const virtual = Math.round(clock.now() / 1000);
    print(
      `${delivered} messages on ${opened} streams, ${Math.round(delivered / seconds)} a second, ` +
        `${virtual} simulated seconds, ${Math.round(heap / 2 ** 20)} MiB of heap`,
    );
  }
}
if (failure !== undefined) {
  print(`FAILED: ${failure instanceof Error ? failure.message : String(failure)}; seed ${seed}`);
  process.exitCode = 1;
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number above 0');
  return number;
}
