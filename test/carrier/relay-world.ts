/**
 * Two real relay endpoints with the production router between them, on a virtual clock: sockets can be cut, go deaf, be
 * replaced, and the rendezvous can be killed and started again. Scenario tests say what happens and look at both ends.
 */
import { createActor } from 'xstate';
import { connectionMachine } from '../../machines/connection.machine.js';
import { type ConnectionTiming, defaultConnectionTiming, type RetryPolicy } from '../../machines/connection-types.js';
import { defaultStreamTiming, type RelayRole, type StreamTiming } from '../../machines/stream-types.js';
import type { Frame } from '../../proto/frame.js';
import { decodeFrame } from '../../proto/frame-codec.js';
import { defaultLimits } from '../../proto/limits.js';
import type { Carrier, CarrierListener } from '../../src/carrier/carrier.js';
import { RelayEndpoint } from '../../src/carrier/relay-endpoint.js';
import { watchSleep } from '../../src/carrier/sleep-watch.js';
import type { StreamChannel } from '../../src/carrier/stream-channel.js';
import { silentLog } from '../../src/observe/log.js';
import { Observation } from '../../src/observe/observation.js';
import { Environment, type Executor, type Harness } from '../../src/rendezvous/environment.js';
import type { RelaySocket } from '../../src/rendezvous/relay-socket.js';
import { MachineClock } from '../sim/machine-clock.js';
import { anyRegistration } from '../stand-ins/any-registration.js';
import { seededRandom } from '../stand-ins/seeded-random.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { bytes, type Side } from './relay-pair.js';

export const LATENCY_MS = 10;
/** From one end to the other and back, through the rendezvous. */
export const ROUND_TRIP_MS = 4 * LATENCY_MS;

export interface WorldOptions {
  readonly seed?: number;
  readonly harnessGraceMs?: number;
  readonly executorGraceMs?: number;
  readonly retry?: RetryPolicy;
  /** What the executor does with a message; by default it answers `n` with `re n`. */
  readonly serve?: (message: string, channel: StreamChannel) => void;
  /** Is given what can be observed of each end, before there is anything. */
  readonly observe?: (role: RelayRole, observation: Observation) => void;
}

/** One socket between an end and the rendezvous. */
export class Wire {
  isOpen = false;
  /** Nothing gets through any more, and nobody is told. */
  isDeaf = false;
  readonly #world: RelayWorld;
  readonly #listener: CarrierListener;
  #lost: () => void = () => {};

  constructor(world: RelayWorld, listener: CarrierListener) {
    this.#world = world;
    this.#listener = listener;
  }

  /** Reaches the rendezvous, and is open at its end one way later. */
  attach(lost: () => void): void {
    this.#lost = lost;
    this.#later(() => {
      this.isOpen = true;
      this.#listener.opened();
    });
  }

  refuse(): void {
    this.#later(() => this.#listener.closed(1006, 'ECONNREFUSED'));
  }

  /** From the rendezvous to this end. */
  down(message: Uint8Array): void {
    const copy = Uint8Array.from(message);
    this.#later(() => this.isOpen && !this.isDeaf && this.#listener.message(copy));
  }

  /** Both sides learn that it is gone. */
  cut(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#lost();
    if (!this.isDeaf) this.#listener.closed(1006, '');
  }

  /** This end let go of it; the rendezvous learns of it, if anything still gets there. */
  letGo(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (!this.isDeaf) this.#lost();
  }

  pong(): void {
    this.#world.clock.setTimeout(() => this.isOpen && !this.isDeaf && this.#listener.ponged(), 2 * LATENCY_MS);
  }

  #later(action: () => void): void {
    this.#world.clock.setTimeout(action, LATENCY_MS);
  }
}

export class RelayWorld {
  readonly clock = new StepClock();
  readonly accepted = new Map<string, Side>();
  /** Everything an executor has run, in order, over all executors there were. */
  readonly ran: string[] = [];
  readonly sent: Record<RelayRole, Frame[]> = { harness: [], executor: [] };
  readonly harness: RelayEndpoint;
  executor: RelayEndpoint;
  readonly wires: Record<RelayRole, Wire | undefined> = { harness: undefined, executor: undefined };
  /** Frames that its answer is true for are lost on their way to the rendezvous. */
  lose: (from: RelayRole, frame: Frame) => boolean = () => false;
  /** Of the machines of the two ends; one that is stopped sleeps, and neither hears nor says anything. */
  readonly clocks: Record<RelayRole, MachineClock> = {
    harness: new MachineClock(this.clock),
    executor: new MachineClock(this.clock),
  };
  readonly #options: WorldOptions;
  #environment: Environment;
  #isUp = true;

  private constructor(options: WorldOptions) {
    this.#options = options;
    this.#environment = this.#newEnvironment();
    this.harness = this.#endpoint('harness');
    this.executor = this.#endpoint('executor');
  }

  static async start(options: WorldOptions = {}): Promise<RelayWorld> {
    const world = new RelayWorld(options);
    await world.online();
    return world;
  }

  async online(): Promise<void> {
    const isOnline = () => this.harness.isOnline && this.executor.isOnline;
    if (!(await this.clock.runUntilAsync(isOnline, 30_000))) throw new Error('an end did not come online');
  }

  open(streamId: string): Side {
    const side: Side = { channel: undefined as never, received: [], end: undefined };
    const channel = this.harness.open(streamId, () => ({
      receive: (messages) => {
        for (const message of messages) side.received.push(text(message));
      },
      ended: (end) => {
        side.end = end;
      },
    }));
    return Object.assign(side, { channel });
  }

  /** Opens a stream and has one request answered, so that both ends know each other. */
  async settle(streamId: string): Promise<Side> {
    const side = this.open(streamId);
    await this.exchange([side], 1);
    return side;
  }

  /** Sends one request more on each stream until so many are answered, one at a time. */
  async exchange(sides: readonly Side[], count: number, maxMs = 60_000): Promise<boolean> {
    const asked = sides.map((side) => side.received.length);
    return await this.clock.runUntilAsync(() => {
      for (const [index, side] of sides.entries()) {
        if (side.received.length < (asked[index] as number) || side.received.length >= count) continue;
        side.channel.send(bytes(String(asked[index])));
        asked[index] = (asked[index] as number) + 1;
      }
      return sides.every((side) => side.received.length >= count);
    }, maxMs);
  }

  ask(side: Side, ...messages: readonly (string | number)[]): void {
    for (const message of messages) side.channel.send(bytes(String(message)));
  }

  async until(condition: () => boolean, maxMs = 60_000): Promise<boolean> {
    return await this.clock.runUntilAsync(condition, maxMs);
  }

  /** The rendezvous is gone, and everything it knew. */
  kill(): void {
    this.#isUp = false;
    const environment = this.#environment;
    for (const wire of Object.values(this.wires)) wire?.cut();
    environment.close();
  }

  revive(): void {
    this.#environment = this.#newEnvironment();
    this.#isUp = true;
  }

  /** Another executor in the place of this one, which ended without a word and without memory. */
  restartExecutor(): void {
    const former = this.executor;
    this.wires.executor?.cut();
    const dead = former as unknown as { drain(): Promise<void> };
    void dead.drain();
    this.executor = this.#endpoint('executor');
  }

  /** The machine of an end sleeps; what is sent to it meanwhile is lost. */
  async sleep(role: RelayRole, ms: number): Promise<void> {
    const wire = this.wires[role];
    if (wire) wire.isDeaf = true;
    this.clocks[role].stop();
    await this.clock.advanceAsync(ms);
    this.clocks[role].start();
  }

  #newEnvironment(): Environment {
    return new Environment({ streamsPerHarness: 10_000, clock: this.clock });
  }

  #endpoint(role: RelayRole): RelayEndpoint {
    const clock = this.clocks[role];
    const options = this.#options;
    const graceMs = (role === 'harness' ? options.harnessGraceMs : options.executorGraceMs) ?? 60_000;
    const streamTiming: StreamTiming = { ...defaultStreamTiming, graceMs };
    const timing: ConnectionTiming = defaultConnectionTiming;
    const retry = role === 'harness' ? (options.retry ?? 'resume') : 'always';
    const random = seededRandom((options.seed ?? 1) + (role === 'harness' ? 0 : 1));
    const facts = { role, retry, encryption: 'never', limits: defaultLimits, timing, streamTiming } as const;
    const observation = options.observe === undefined ? undefined : new Observation({ clock });
    if (observation !== undefined) options.observe?.(role, observation);
    return new RelayEndpoint({
      ...facts,
      clock,
      log: silentLog,
      random,
      ...observation?.addEndpoint(facts, random),
      locate: () => Promise.resolve({ url: 'memory:' }),
      openCarrier: (_url, listener) => this.#dial(role, listener),
      watchSleep: (woke) => watchSleep(woke, { clock, wallNow: this.clock.now }),
      accept: (channel) => {
        const side: Side = { channel, received: [], end: undefined };
        this.accepted.set(channel.streamId, side);
        return {
          receive: (messages) => {
            for (const message of messages.map(text)) {
              side.received.push(message);
              this.ran.push(`${channel.streamId} ${message}`);
              if (options.serve) options.serve(message, channel);
              else channel.send(bytes(`re ${message}`));
            }
          },
          ended: (end) => {
            side.end = end;
          },
        };
      },
      start: (input) => {
        const connection = createActor(connectionMachine, { input, clock });
        observation?.addRoot(connection);
        return connection.start();
      },
    });
  }

  #dial(role: RelayRole, listener: CarrierListener): Carrier {
    const wire = new Wire(this, listener);
    this.wires[role] = wire;
    let receive: (message: Buffer) => void = () => {};
    this.clock.setTimeout(() => {
      if (!this.#isUp) wire.refuse();
      else receive = this.#attach(role, wire);
    }, LATENCY_MS);
    return {
      bufferedBytes: 0,
      send: (message) => {
        const frame = decodeFrame(message);
        this.sent[role].push(frame);
        if (!wire.isOpen || wire.isDeaf || this.lose(role, frame)) return;
        const copy = Buffer.from(message);
        this.clock.setTimeout(() => wire.isOpen && !wire.isDeaf && receive(copy), LATENCY_MS);
      },
      onDrained: () => {},
      ping: () => wire.pong(),
      setReading: () => {},
      close: (code, reason) => {
        wire.letGo();
        listener.closed(code, reason);
      },
      destroy: () => wire.letGo(),
    };
  }

  #attach(role: RelayRole, wire: Wire): (message: Buffer) => void {
    const environment = this.#environment;
    const routed: Pick<RelaySocket, 'send' | 'close'> = {
      send: (message) => wire.down(message),
      close: () => wire.cut(),
    };
    const socket = routed as RelaySocket;
    if (role === 'executor') {
      const executor: Executor = { socket, registration: anyRegistration, log: silentLog };
      environment.attachExecutor(executor);
      wire.attach(() => environment.detachExecutor(executor, 'executor_disconnected'));
      return (message) => environment.receiveFromExecutor(executor, message, true);
    }
    const harness: Harness = { socket, tokenId: 'token', log: silentLog };
    environment.attachHarness(harness);
    wire.attach(() => environment.detachHarness(harness, 'harness_disconnected'));
    return (message) => environment.receiveFromHarness(harness, message, true);
  }
}

const decoder = new TextDecoder();
const text = (message: Uint8Array): string => decoder.decode(message);
