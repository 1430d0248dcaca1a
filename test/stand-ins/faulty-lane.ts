/**
 * One direction of a bad network, message by message: drops, duplicates, swaps neighbours, delays, all by a seeded
 * random number and on a clock it is given. It knows neither sockets nor frames; the faulty proxy and the faulty link
 * are made of two of these.
 */
import type { Clock } from '../../machines/clock.js';
import type { Random } from './seeded-random.js';

export interface Faults {
  /** Probability, 0 to 1, that a message never arrives. */
  readonly drop?: number;
  /** Probability that it arrives twice, one right after the other. */
  readonly duplicate?: number;
  /** Probability that it arrives right after the message that follows it. */
  readonly swap?: number;
  /** Probability that it is held for {@link delayMs} while later ones overtake it. */
  readonly delay?: number;
  readonly delayMs?: number;
  /** Every message takes at least this long; with 0 it arrives at once, in the same call. */
  readonly latencyMs?: number;
}

/** Counts messages, a duplicate being one message that was delivered twice. */
export interface LaneCounts {
  offered: number;
  dropped: number;
  duplicated: number;
  swapped: number;
  delayed: number;
  delivered: number;
}

/** A message held for a swap is let go after so long when none follows it. */
const LONGEST_SWAP_MS = 20;
const DEFAULT_DELAY_MS = 30;

export class FaultyLane<Message> {
  readonly counts: LaneCounts = { offered: 0, dropped: 0, duplicated: 0, swapped: 0, delayed: 0, delivered: 0 };
  /** May be changed while messages flow, for instance to heal the network. */
  faults: Faults;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #deliver: (message: Message) => void;
  readonly #timers = new Set<unknown>();
  #held: { readonly message: Message; readonly timer: unknown } | undefined;

  constructor(clock: Clock, random: Random, faults: Faults, deliver: (message: Message) => void) {
    this.#clock = clock;
    this.#random = random;
    this.faults = faults;
    this.#deliver = deliver;
  }

  offer(message: Message): void {
    this.counts.offered++;
    const { drop = 0, duplicate = 0, swap = 0, delay = 0, delayMs = DEFAULT_DELAY_MS } = this.faults;
    // All are drawn for every message, so that one probability does not shift the luck of another.
    const luck = [this.#random(), this.#random(), this.#random(), this.#random()] as const;
    if (luck[0] < drop) {
      this.counts.dropped++;
      return;
    }
    if (luck[2] < swap && this.#held === undefined) {
      this.counts.swapped++;
      this.#held = { message, timer: this.#after(LONGEST_SWAP_MS, () => this.#release()) };
      return;
    }
    if (luck[3] < delay) {
      this.counts.delayed++;
      this.#after(delayMs, () => this.#carry(message));
    } else {
      this.#carry(message);
    }
    if (luck[1] < duplicate) {
      this.counts.duplicated++;
      this.#carry(message);
    }
    this.#release();
  }

  /** Forgets what is under way: the wire was cut. */
  cut(): void {
    for (const timer of this.#timers) this.#clock.clearTimeout(timer);
    this.#timers.clear();
    this.#held = undefined;
  }

  #release(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#clock.clearTimeout(held.timer);
    this.#timers.delete(held.timer);
    this.#carry(held.message);
  }

  #carry(message: Message): void {
    const arrive = () => {
      this.counts.delivered++;
      this.#deliver(message);
    };
    const { latencyMs = 0 } = this.faults;
    if (latencyMs > 0) this.#after(latencyMs, arrive);
    else arrive();
  }

  #after(delayMs: number, action: () => void): unknown {
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
    return timer;
  }
}
