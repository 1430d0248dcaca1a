/**
 * One simulated run as a plan, made from a seed alone: who talks how much, over which lines, and what befalls them when.
 * Each kind of trouble is absent from most plans, so that every mixture is met, few faults as well as many.
 */
import { type Random, seededRandom } from '../stand-ins/seeded-random.js';
import { type LaneFaults, noFaults } from './lane.js';
import { noWork, type Work } from './message.js';

export interface Scenario {
  readonly seed: number;
  /** Whether every stream is encrypted; absent in plans from before there was encryption. */
  readonly encrypted?: boolean;
  readonly executor: MachinePlan;
  readonly harnesses: readonly (MachinePlan & { readonly streams: readonly StreamPlan[] })[];
  readonly incidents: readonly Incident[];
  /** When the last fault stops. */
  readonly stormMs: number;
}

/** Bytes a millisecond of a line that is never busy; plans are kept as JSON, which has no infinity. */
export const ENDLESS = 0;

export interface MachinePlan {
  readonly latencyMs: number;
  /** {@link ENDLESS} takes everything at once. */
  readonly bytesPerMs: number;
  readonly up: LaneFaults;
  readonly down: LaneFaults;
}

export interface StreamPlan {
  readonly openAt: number;
  readonly requests: readonly RequestPlan[];
  /** When its program stops taking messages, counted from its opening. */
  readonly pauses: readonly { readonly at: number; readonly forMs: number }[];
  /** Whether it is closed once everything is answered. */
  readonly closes: boolean;
}

export interface RequestPlan {
  /** Counted from the opening of its stream. */
  readonly at: number;
  readonly fillerBytes: number;
  readonly work: Work;
}

/** `machine` 0 is the executor, 1 the first harness. */
export type Incident = { readonly at: number } & (
  | { readonly kind: 'cut'; readonly machine: number; readonly told: { machine: boolean; rendezvous: boolean } }
  | { readonly kind: 'restart'; readonly downMs: number }
  | { readonly kind: 'blackhole'; readonly machine: number; readonly direction: 'up' | 'down'; readonly forMs: number }
  | { readonly kind: 'pause'; readonly machine: number; readonly forMs: number }
  | { readonly kind: 'jump'; readonly machine: number; readonly ms: number }
  /** A program ends a stream of its own in the middle. */
  | { readonly kind: 'end'; readonly machine: number; readonly pick: number }
  | { readonly kind: 'forge'; readonly machine: number; readonly pick: number; readonly forgery: Forgery }
  | { readonly kind: 'reuse'; readonly machine: number; readonly pick: number }
  | { readonly kind: 'strangers'; readonly machine: number; readonly count: number }
  /** The executor gets everything again that came to it so far. */
  | { readonly kind: 'replay' }
  /** The executor's process is killed, and another one takes its place that knows nothing. */
  | { readonly kind: 'rebirth' }
);

/** Frames that decode and cannot be true, on a stream that exists. */
export type Forgery =
  | 'ack_of_unsent'
  | 'seq_beyond_window'
  | 'seq_zero'
  | 'segment_facts'
  | 'resume_impossible'
  | 'undecodable_body';

const FORGERIES: readonly Forgery[] = [
  'ack_of_unsent',
  'seq_beyond_window',
  'seq_zero',
  'segment_facts',
  'resume_impossible',
  'undecodable_body',
];

/** Bytes of a run, so that ten thousand runs fit into minutes. */
const MOST_BYTES = 700_000;

/** Of plans that are not told, so many are encrypted. */
const ENCRYPTED_SHARE = 0.3;

export function makeScenario(seed: number, encrypted = seededRandom(seed ^ 0xe2c)() < ENCRYPTED_SHARE): Scenario {
  return { ...new ScenarioMaker(seed).make(), encrypted };
}

class ScenarioMaker {
  readonly #seed: number;
  readonly #random: Random;
  #bytesLeft = MOST_BYTES;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
  }

  make(): Scenario {
    const stormMs = this.#pick([500, 3000, 10_000, 30_000, 60_000]);
    const harnessCount = this.#chance(0.3) ? 2 : 1;
    const lossy = this.#chance(0.7);
    const machine = () => this.#machine(lossy);
    const executor = machine();
    const harnesses = Array.from({ length: harnessCount }, () => ({
      ...machine(),
      streams: Array.from({ length: 1 + this.#below(4 / harnessCount) }, () => this.#stream(stormMs)),
    }));
    const incidents = this.#incidents(stormMs, 1 + harnessCount);
    return { seed: this.#seed, executor, harnesses, incidents, stormMs };
  }

  #machine(lossy: boolean): MachinePlan {
    return {
      latencyMs: this.#pick([0, 1, 5, 25, 100]),
      bytesPerMs: this.#pick([ENDLESS, ENDLESS, 10_000, 500]),
      up: lossy ? this.#faults() : noFaults,
      down: lossy ? this.#faults() : noFaults,
    };
  }

  #faults(): LaneFaults {
    if (this.#chance(0.25)) return noFaults;
    return {
      drop: this.#chance(0.5) ? this.#pick([0.01, 0.05, 0.2, 0.5]) : 0,
      dropAcks: this.#chance(0.2) ? this.#pick([0.3, 0.9, 1]) : 0,
      duplicate: this.#chance(0.4) ? this.#pick([0.02, 0.2, 0.6]) : 0,
      reorder: this.#chance(0.4) ? this.#pick([0.05, 0.3]) : 0,
      reorderMs: this.#pick([5, 50, 500]),
      corrupt: this.#chance(0.15) ? this.#pick([0.01, 0.1]) : 0,
      truncate: this.#chance(0.15) ? this.#pick([0.01, 0.1]) : 0,
      jitterMs: this.#chance(0.4) ? this.#pick([2, 30]) : 0,
    };
  }

  #stream(stormMs: number): StreamPlan {
    const requests = Array.from({ length: 1 + this.#below(8) }, () => this.#request(stormMs));
    const pauses = this.#chance(0.15) ? [{ at: this.#below(stormMs), forMs: this.#pick([10, 1000, 20_000]) }] : [];
    const openAt = this.#chance(0.5) ? 0 : this.#below(stormMs);
    return { openAt, requests, pauses, closes: this.#chance(0.5) };
  }

  #request(stormMs: number): RequestPlan {
    const outputs = this.#chance(0.3) ? this.#below(20) : 0;
    const work: Work = {
      ...noWork,
      delayMs: this.#chance(0.5) ? 0 : this.#below(this.#pick([20, 200, 5000])),
      outputs,
      outputBytes: outputs === 0 ? 0 : this.#bytes(outputs),
      answerBytes: this.#bytes(1),
    };
    return { at: this.#chance(0.4) ? 0 : this.#below(stormMs), fillerBytes: this.#bytes(1), work };
  }

  /** Mostly few, now and then more than a segment has, up to 300 KB. */
  #bytes(times: number): number {
    const wished = this.#chance(0.75) ? this.#below(300) : this.#below(this.#pick([5000, 70_000, 300_000]));
    const bytes = Math.min(wished, Math.floor(this.#bytesLeft / times));
    this.#bytesLeft -= bytes * times;
    return bytes;
  }

  #incidents(stormMs: number, machines: number): Incident[] {
    const kinds = this.#incidentKinds();
    if (kinds.length === 0) return [];
    const count = 1 + this.#below(6);
    return Array.from({ length: count }, () => this.#incident(this.#pick(kinds), stormMs, machines)).sort(
      (one, other) => one.at - other.at,
    );
  }

  #incidentKinds(): readonly Incident['kind'][] {
    const all = ['cut', 'restart', 'blackhole', 'pause', 'jump', 'end', 'forge', 'reuse', 'strangers'] as const;
    const rare = ['replay', 'rebirth'] as const;
    return [...all.filter(() => this.#chance(0.2)), ...rare.filter(() => this.#chance(0.1))];
  }

  #incident(kind: Incident['kind'], stormMs: number, machines: number): Incident {
    const at = this.#below(stormMs);
    const machine = this.#below(machines);
    const pick = this.#below(8);
    const forMs = this.#pick([20, 500, 5000, 40_000]);
    switch (kind) {
      case 'cut':
        return { at, kind, machine, told: { machine: this.#chance(0.7), rendezvous: this.#chance(0.7) } };
      case 'restart':
        return { at, kind, downMs: this.#pick([0, 300, 5000]) };
      case 'blackhole':
        return { at, kind, machine, direction: this.#chance(0.5) ? 'up' : 'down', forMs };
      case 'pause':
        return { at, kind, machine, forMs };
      case 'jump':
        return { at, kind, machine, ms: this.#pick([100, 5000, 3_600_000]) };
      case 'end':
        return { at, kind, machine, pick };
      case 'forge':
        return { at, kind, machine, pick, forgery: this.#pick(FORGERIES) };
      case 'reuse':
        return { at, kind, machine, pick };
      case 'strangers':
        return { at, kind, machine, count: this.#pick([1, 30]) };
      case 'replay':
      case 'rebirth':
        return { at, kind };
    }
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)] as Item;
  }
}
