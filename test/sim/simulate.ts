/**
 * One run from seed to verdict: everybody connects, the storm passes, everything converges, everything falls silent,
 * everything ends. The same seed gives the same run.
 */
import { Adversary } from './adversary.js';
import type { LaneFaults } from './lane.js';
import { noWork } from './message.js';
import type { Recordings } from './recordings.js';
import { ENDLESS, type MachinePlan, makeScenario, type Scenario } from './scenario.js';
import { World } from './world.js';

export interface RunReport {
  readonly seed: number;
  /** Empty when all went well. */
  readonly violations: readonly string[];
  readonly answered: number;
  readonly unknown: number;
  readonly frames: number;
  /** Messages lost, doubled, delayed, damaged or forged. */
  readonly harmed: number;
  /** Milliseconds of virtual time. */
  readonly elapsedMs: number;
  /** Of every byte sent, when and by whom. */
  readonly digest: number;
}

/** Longest backoff, a dead socket found by pings, the longest probe, and time to do the work. */
const CONVERGENCE_MS = 300_000;
/** After so long even a rendezvous that was not told of the end of a socket has found out, and said so. */
/** Longer than the grace of the rendezvous, after which it ends what an executor sends to nobody. */
const SETTLING_MS = 120_000;
const SILENCE_MS = 30_000;
/** A connection keeps one timer for its pings and one for its standing, and a program may look whether it is up. */
const TIMERS_OF_A_CONNECTION = 2;

export interface SimulateOptions {
  readonly scenario?: Scenario;
  /** Is given a line for every frame that leaves or arrives, and for what the adversary does. */
  readonly trace?: (line: string) => void;
  /** Records what each machine does. */
  readonly recordings?: Recordings;
}

export async function simulate(seed: number, options: SimulateOptions = {}): Promise<RunReport> {
  const { scenario = makeScenario(seed), trace, recordings } = options;
  const world = new World(scenario, trace, recordings);
  const { oracle, clock } = world;
  const run = new Run(world, scenario);
  try {
    await run.play();
  } catch (error) {
    oracle.violate(`the run threw: ${error instanceof Error ? error.stack : String(error)}`);
  }
  return {
    seed,
    violations: oracle.violations,
    answered: oracle.count('answered'),
    unknown: oracle.count('unknown'),
    frames: oracle.framesSent,
    harmed: world.harmed + world.forged,
    elapsedMs: clock.now(),
    digest: world.digest,
  };
}

class Run {
  readonly #world: World;
  readonly #scenario: Scenario;

  constructor(world: World, scenario: Scenario) {
    this.#world = world;
    this.#scenario = scenario;
  }

  async play(): Promise<void> {
    const { oracle } = this.#world;
    for (const phase of [this.#connect, this.#storm, this.#prove, this.#converge, this.#fallSilent, this.#end]) {
      await phase.call(this);
      if (oracle.violations.length > 0) return;
    }
  }

  async #connect(): Promise<void> {
    await this.#reach(() => this.#attached(), 10_000, 'the machines did not come online');
  }

  async #storm(): Promise<void> {
    const { harnesses, clock } = this.#world;
    for (const [index, { program }] of harnesses.entries()) {
      const streams = this.#scenario.harnesses[index]?.streams ?? [];
      for (const [number, plan] of streams.entries()) program.plan(`${index}-${number}`, plan);
    }
    const lastsMs = new Adversary(this.#world, this.#scenario).start();
    const over = clock.now() + lastsMs;
    await this.#world.runUntil(() => clock.now() > over, lastsMs + 1);
  }

  /** Whatever happened, a new stream works as if nothing had. */
  async #prove(): Promise<void> {
    await this.#reach(() => this.#attached(), CONVERGENCE_MS, 'the machines did not come back online');
    const request = { at: 0, fillerBytes: 100, work: { ...noWork, answerBytes: 100 } };
    for (const [index, { program }] of this.#world.harnesses.entries()) {
      program.plan(`${index}-afterwards`, { openAt: 0, requests: [request], pauses: [], closes: true });
    }
  }

  async #converge(): Promise<void> {
    const done = () => this.#world.harnesses.every(({ program }) => program.isDone);
    await this.#reach(done, CONVERGENCE_MS, 'not everything asked was answered or reported lost in time');
    this.#world.oracle.settle();
  }

  /** Streams that have nothing to say say nothing and wait for nothing. */
  async #fallSilent(): Promise<void> {
    const { oracle, machines } = this.#world;
    await this.#world.runUntil(() => false, SETTLING_MS);
    const before = oracle.framesSent;
    await this.#world.runUntil(() => false, SILENCE_MS);
    const sent = oracle.framesSent - before;
    if (sent > 0) oracle.violate(`${sent} frames were sent while there was nothing to say`);
    for (const { name, clock } of machines) {
      if (clock.armed > TIMERS_OF_A_CONNECTION) oracle.violate(`${name} is idle with ${clock.armed} timers armed`);
    }
    this.#checkFrames();
  }

  async #end(): Promise<void> {
    const { oracle, machines } = this.#world;
    let drained = 0;
    for (const { endpoint } of machines) {
      void endpoint.drain().then(() => {
        drained += 1;
      });
    }
    // From here on every stream may end.
    for (const { program } of this.#world.harnesses) {
      for (const streamId of program.streams) oracle.excuse(streamId, 'the run ends');
    }
    await this.#reach(() => drained === machines.length, 10_000, 'the machines did not drain');
    await this.#world.runUntil(() => false, 1);
    for (const { name, clock, streams } of machines) {
      if (clock.armed > 0) oracle.violate(`${name} is drained with ${clock.armed} timers armed`);
      if (streams > 0) oracle.violate(`${name} is drained with ${streams} streams`);
    }
  }

  /** What was sent is a small multiple of what had to be. */
  #checkFrames(): void {
    const { oracle, harmed, forged, wires } = this.#world;
    const { data, again } = oracle.frames;
    if (isCalm(this.#scenario) && again > 0) {
      oracle.violate(`${again} segments were sent again over lines that lost nothing`);
    }
    const most = 3 * data + 4 * (harmed + forged) + 40 * wires.length;
    if (oracle.framesSent > most) {
      oracle.violate(`${oracle.framesSent} frames were sent, for ${data} segments and ${harmed + forged} faults`);
    }
  }

  #attached(): boolean {
    return this.#world.machines.every((machine) => machine.isAttached);
  }

  async #reach(predicate: () => boolean, maxMs: number, complaint: string): Promise<void> {
    const reached = await this.#world.runUntil(predicate, maxMs);
    if (!reached && this.#world.oracle.violations.length === 0) this.#world.oracle.violate(complaint);
  }
}

/** Whether nothing at all goes wrong, and no line is so slow that its own queue looks like loss. */
function isCalm({ executor, harnesses, incidents }: Scenario): boolean {
  const whole = (faults: LaneFaults) => Object.values({ ...faults, reorderMs: 0 }).every((value) => value === 0);
  const calm = ({ up, down, bytesPerMs }: MachinePlan) => bytesPerMs === ENDLESS && whole(up) && whole(down);
  return incidents.length === 0 && [executor, ...harnesses].every(calm);
}
