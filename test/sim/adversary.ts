/**
 * Does to a world what its plan says, when it says so, and remembers which streams it may have ended by it.
 * Everything it breaks is whole again when the storm is over.
 */

import { forge, strangers } from './forgery.js';
import type { HarnessProgram } from './harness-program.js';
import type { Machine } from './machine.js';
import { noWork } from './message.js';
import type { Incident, Scenario } from './scenario.js';
import type { World } from './world.js';

export class Adversary {
  readonly #world: World;
  readonly #scenario: Scenario;
  #downUntil = 0;

  constructor(world: World, scenario: Scenario) {
    this.#world = world;
    this.#scenario = scenario;
  }

  /** From now on; ends by itself. Answers after how many milliseconds. */
  start(): number {
    const { clock } = this.#world;
    const { executor, harnesses, incidents, stormMs } = this.#scenario;
    const plans = [executor, ...harnesses];
    this.#world.setStorm(true, plans);
    for (const incident of incidents) clock.setTimeout(() => this.#act(incident), incident.at);
    clock.setTimeout(() => this.#world.setStorm(false, plans), stormMs);
    return Math.max(stormMs, ...incidents.map(endOf));
  }

  #act(incident: Incident): void {
    this.#world.note(`adversary: ${JSON.stringify(incident)}`);
    const { clock, rendezvous, machines } = this.#world;
    if (incident.kind === 'restart') {
      this.#downUntil = Math.max(this.#downUntil, clock.now() + incident.downMs);
      rendezvous.stop();
      clock.setTimeout(() => {
        if (clock.now() >= this.#downUntil) rendezvous.start();
      }, incident.downMs);
      return;
    }
    if (incident.kind === 'rebirth') {
      this.#world.replaceExecutor();
      return;
    }
    if (incident.kind === 'replay') {
      for (const message of this.#world.rememberedByTheNetwork) this.#slipIn(this.#world.executor, message);
      return;
    }
    const machine = machines[incident.machine] as Machine;
    switch (incident.kind) {
      case 'cut':
        machine.wire?.break(incident.told);
        break;
      case 'blackhole': {
        const { wire } = machine;
        wire?.blackhole(incident.direction, true);
        clock.setTimeout(() => wire?.blackhole(incident.direction, false), incident.forMs);
        break;
      }
      case 'pause':
        if (machine.clock.isStopped) break;
        machine.stop();
        clock.setTimeout(() => machine.start(), incident.forMs);
        break;
      case 'jump':
        machine.sleep(incident.ms);
        break;
      case 'end':
        machine.act(() => this.#endStream(machine, incident.pick));
        break;
      case 'forge':
        this.#forge(machine, incident);
        break;
      case 'reuse':
        this.#reuse(incident.pick);
        break;
      case 'strangers':
        for (let index = 0; index < incident.count; index += 1) {
          for (const message of strangers(`stranger-${incident.at}-${index}`)) this.#slipIn(machine, message);
        }
    }
  }

  #programOf(machine: Machine) {
    const harness = this.#world.harnesses.find((other) => other.machine === machine);
    return harness?.program ?? this.#world.executorProgram;
  }

  #endStream(machine: Machine, pick: number): void {
    const program = this.#programOf(machine);
    const streamId = choose(program.streams, pick);
    if (streamId === undefined) return;
    this.#world.oracle.excuse(streamId, `${machine.name} ended it`);
    program.channel(streamId)?.end('ended_by_plan');
  }

  #forge(machine: Machine, { pick, forgery }: Extract<Incident, { kind: 'forge' }>): void {
    const streamId = choose(this.#programOf(machine).streams, pick);
    if (streamId === undefined || machine.wire === undefined) return;
    this.#world.oracle.excuse(streamId, `a frame of it was forged: ${forgery}`);
    this.#slipIn(machine, forge(streamId, forgery));
  }

  #slipIn(machine: Machine, message: Uint8Array): void {
    this.#world.forged += 1;
    machine.wire?.sendDown(message);
  }

  /** Some harness opens a stream under an id that had one. */
  #reuse(pick: number): void {
    const programs = this.#world.harnesses.map(({ program }) => program);
    const program = choose<HarnessProgram>(programs, pick);
    const streamId = program && choose(program.spent, pick);
    if (program === undefined || streamId === undefined || program.streams.includes(streamId)) return;
    const request = { at: 0, fillerBytes: 10, work: { ...noWork, answerBytes: 10 } };
    program.plan(streamId, { openAt: 0, requests: [request], pauses: [], closes: false });
  }
}

function endOf(incident: Incident): number {
  if (incident.kind === 'restart') return incident.at + incident.downMs;
  return 'forMs' in incident ? incident.at + incident.forMs : incident.at;
}

function choose<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items[pick % items.length];
}
