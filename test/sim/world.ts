/**
 * A simulated world: one executor and its harnesses, production endpoints all of them, a production router between
 * them, and one clock for everything. It is set up from a plan and lets the adversary act on it.
 */
import { crc32 } from 'node:zlib';
import { defaultLimits } from '../../proto/limits.js';
import { seededRandom } from '../stand-ins/seeded-random.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { brief } from './brief.js';
import { ExecutorProgram } from './executor-program.js';
import { HarnessProgram } from './harness-program.js';
import { type Lane, noFaults } from './lane.js';
import { Machine } from './machine.js';
import { Oracle } from './oracle.js';
import type { Recordings } from './recordings.js';
import { Rendezvous } from './rendezvous.js';
import type { MachinePlan, Scenario } from './scenario.js';
import { Secrecy } from './secrecy.js';
import type { Wire } from './wire.js';

/** Streams must survive any shorter time apart. Their grace is a minute; what is left is for being heard on bad lines. */
const LONGEST_OUTAGE_MS = 40_000;
const WATCH_MS = 1000;
/** What a replay repeats at most: the beginnings of a few streams. */
const MOST_ARRIVALS = 60;

/** A line that loses every other frame may keep two ends apart as one that is cut. */
const HOPELESS_LOSS = 0.5;

function isSound({ isAttached, wire }: Machine): boolean {
  const carries = ({ faults }: Lane) => faults.drop + faults.dropAcks < HOPELESS_LOSS;
  return isAttached && wire !== undefined && carries(wire.up) && carries(wire.down);
}

export class World {
  readonly clock = new StepClock();
  readonly oracle = new Oracle();
  readonly rendezvous = new Rendezvous(this.clock);
  executor: Machine;
  executorProgram: ExecutorProgram;
  readonly harnesses: readonly { readonly machine: Machine; readonly program: HarnessProgram }[];
  /** All sockets of the run, also those that are gone. */
  readonly wires: Wire[] = [];
  /** Of everything that was sent, when and by whom: two runs are the same when these are. */
  digest = 0;
  /** Messages that nobody sent but the adversary. */
  forged = 0;
  readonly #seed: number;
  readonly #secrecy: Secrecy | undefined;
  readonly #hasIncidents: boolean;
  readonly #executorPlan: MachinePlan;
  /** What came to the executor, and when by its own clock. */
  readonly #arrivals: { readonly at: number; readonly message: Uint8Array }[] = [];
  #stormy = false;
  #requests = 0;
  /** Machines whose memory is to be looked at. */
  readonly #touched = new Set<string>();
  /** When each harness and the executor were last seen on whole lines, both at once. */
  readonly #whole = new Map<Machine, number>();

  /** Is given a line for what happens; undefined when nobody reads it. */
  readonly #trace: ((line: string) => void) | undefined;
  readonly #recordings: Recordings | undefined;

  constructor(scenario: Scenario, trace?: (line: string) => void, recordings?: Recordings) {
    this.#trace = trace;
    this.#recordings = recordings;
    const { seed } = scenario;
    this.#executorPlan = scenario.executor;
    this.#seed = seed;
    this.#secrecy = scenario.encrypted === true ? new Secrecy(seed) : undefined;
    this.#hasIncidents = scenario.incidents.length > 0;
    this.executor = this.#machine('executor', 'executor', scenario.executor, seed);
    this.executorProgram = new ExecutorProgram(this.executor.clock, this.oracle);
    this.harnesses = scenario.harnesses.map((plan, index) => {
      const name = `harness-${index}`;
      const machine = this.#machine(name, 'harness', plan, seed + 1 + index);
      const program: HarnessProgram = new HarnessProgram({
        name,
        clock: machine.clock,
        oracle: this.oracle,
        nextRequest: () => this.#requests++,
        encrypted: scenario.encrypted === true,
        notOpened: (streamId) => {
          // Nothing of it is said again by itself, and nothing has run.
          if (this.#hasIncidents || this.harmed > 0) this.oracle.excuse(streamId, 'its handshake did not arrive');
        },
        opened: (streamId) => {
          if (program.spent.includes(streamId)) this.oracle.reused(name, streamId);
          if (!this.executor.isAttached) this.oracle.excuse(streamId, 'the executor was away when it was opened');
        },
      });
      program.endpoint = machine.endpoint;
      return { machine, program };
    });
    this.#watchOutages();
  }

  /** All machines; the executor is the first. */
  get machines(): readonly Machine[] {
    return [this.executor, ...this.harnesses.map(({ machine }) => machine)];
  }

  /** Messages that the adversary lost, doubled, delayed or damaged. */
  get harmed(): number {
    return this.wires.reduce((sum, { up, down }) => sum + up.harmed + down.harmed, 0);
  }

  /**
   * Messages that came to the executor and may come again: the newest ones, and none older than it remembers the streams
   * that are over.
   */
  get rememberedByTheNetwork(): readonly Uint8Array[] {
    const oldest = this.executor.clock.now() - defaultLimits.retiredStreamMs / 2;
    return this.#arrivals.filter(({ at }) => at > oldest).map(({ message }) => message);
  }

  /** Another process in the executor's place: no stream of the old one goes on. */
  replaceExecutor(): void {
    for (const { machine, program } of this.harnesses) {
      for (const streamId of program.streams) {
        this.oracle.excuse(streamId, 'the executor was killed');
        if (!this.oracle.hasHeard(machine.name, streamId)) this.oracle.forgive(streamId);
      }
    }
    this.executor.wire?.break({ machine: false, rendezvous: true });
    this.executor.kill();
    // Nobody sends to a process what was meant for another one of a name it never had.
    this.#arrivals.length = 0;
    this.oracle.reborn('executor');
    this.executor = this.#machine('executor', 'executor', this.#executorPlan, this.#seed + 1000);
    this.executorProgram = new ExecutorProgram(this.executor.clock, this.oracle);
  }

  /** Lines are as bad as planned from now on, also those still to be opened; or all good again. */
  setStorm(stormy: boolean, plans: readonly MachinePlan[]): void {
    this.#stormy = stormy;
    for (const [index, { wire }] of this.machines.entries()) {
      const plan = plans[index];
      if (wire === undefined || plan === undefined) continue;
      wire.up.faults = stormy ? plan.up : noFaults;
      wire.down.faults = stormy ? plan.down : noFaults;
    }
  }

  /**
   * Lets the world run until the predicate holds, or so long at most; answers whether it holds. Stops at the first
   * violation. Between two timers all microtasks run, and nothing else is asynchronous.
   */
  async runUntil(predicate: () => boolean, maxMs: number): Promise<boolean> {
    const { violations } = this.oracle;
    await this.clock.runUntilAsync(() => {
      this.#inspect();
      return violations.length > 0 || predicate();
    }, maxMs);
    return violations.length === 0 && predicate();
  }

  #machine(name: string, role: 'harness' | 'executor', plan: MachinePlan, seed: number): Machine {
    const random = seededRandom(seed ^ 0x1a4e);
    const machine: Machine = new Machine({
      name,
      role,
      world: this.clock,
      seed,
      ...(this.#secrecy === undefined ? {} : { secrecy: this.#secrecy }),
      ...(this.#recordings === undefined ? {} : { observed: this.#recordings.of(name) }),
      accept: (channel) => this.executorProgram.accept(channel),
      dial: (listener) => {
        const lost = () => this.#excuseUnheard(machine);
        const wire = this.rendezvous.dial(role, listener, {
          clock: this.clock,
          random,
          latencyMs: plan.latencyMs,
          sealed: this.#secrecy !== undefined,
          bytesPerMs: plan.bytesPerMs,
          onMachine: (action) => machine.act(action),
          sent: (message) => {
            this.digest = crc32(message, crc32(`${name} ${this.clock.now()}`, this.digest));
            this.oracle.sent(name, message);
            this.#traceFrame(name, '>', message);
            this.#touched.add(name);
          },
          arrived: (message) => {
            this.oracle.arrived(name, message);
            if (role === 'executor') this.#remember(message);
            this.#traceFrame(name, '<', message);
            this.#touched.add(name);
          },
          damaged: (streamId) => this.oracle.excuse(streamId, 'a damaged frame named it'),
          machineLost: () => {
            this.note(`${name} has no carrier`);
            lost();
          },
          lost: () => {
            this.note(`the rendezvous has lost ${name}`);
            lost();
          },
        });
        wire.up.faults = this.#stormy ? plan.up : noFaults;
        wire.down.faults = this.#stormy ? plan.down : noFaults;
        this.wires.push(wire);
        return wire;
      },
    });
    return machine;
  }

  note(what: string): void {
    this.#trace?.(`${String(this.clock.now()).padStart(8)}  ${what}`);
  }

  #traceFrame(machine: string, direction: '<' | '>', message: Uint8Array): void {
    if (this.#trace === undefined) return;
    this.note(`${machine.padEnd(10)} ${direction} ${brief(message)}`);
  }

  #remember(message: Uint8Array): void {
    this.#arrivals.push({ at: this.executor.clock.now(), message });
    if (this.#arrivals.length > MOST_ARRIVALS) this.#arrivals.shift();
  }

  /** A stream whose peer was not heard yet ends with its carrier. */
  #excuseUnheard(machine: Machine): void {
    for (const { machine: harness, program } of this.harnesses) {
      if (machine !== harness && machine !== this.executor) continue;
      for (const streamId of program.streams) {
        if (this.oracle.isMutual(harness.name, streamId)) continue;
        this.oracle.excuse(streamId, `the carrier of ${machine.name} was lost before its peer was heard`);
      }
    }
  }

  /** A stream waits for its peer through any trouble, but not for ever. */
  #watchOutages(): void {
    for (const { machine, program } of this.harnesses) {
      if (isSound(machine) && isSound(this.executor)) {
        this.#whole.set(machine, this.clock.now());
        continue;
      }
      if (this.clock.now() - (this.#whole.get(machine) ?? 0) < LONGEST_OUTAGE_MS) continue;
      for (const streamId of program.streams) this.oracle.excuse(streamId, 'its ends were apart for too long');
    }
    this.clock.setTimeout(() => this.#watchOutages(), WATCH_MS);
  }

  #inspect(): void {
    if (this.#touched.size === 0) return;
    for (const machine of this.machines) {
      if (!this.#touched.has(machine.name)) continue;
      for (const context of machine.contexts) this.oracle.inspect(machine.name, context);
    }
    this.#touched.clear();
  }
}
