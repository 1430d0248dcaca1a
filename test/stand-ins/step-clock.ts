/**
 * A virtual clock on which a whole scenario runs in no time: each timer fires at its own due time, timers due at the
 * same time fire in the order they were armed, and a timer armed by a callback counts from that callback's time.
 * It must never look at real time.
 */
import type { Clock } from '../../machines/clock.js';

/** So many timers at one instant can only be a loop of zero-delay timers. */
const MOST_FIRINGS_AT_ONE_INSTANT = 100_000;

interface Timer {
  readonly callback: (...args: unknown[]) => void;
  readonly due: number;
  readonly order: number;
}

export class StepClock implements Clock {
  #now = 0;
  #armed = 0;
  readonly #timers = new Set<Timer>();

  /** Milliseconds of virtual time since the clock was made. */
  now = (): number => this.#now;

  setTimeout = (callback: (...args: unknown[]) => void, delayMs: number): Timer => {
    const delay = Number.isNaN(delayMs) ? 0 : Math.max(delayMs, 0);
    const timer: Timer = { callback, due: this.#now + delay, order: this.#armed++ };
    this.#timers.add(timer);
    return timer;
  };

  clearTimeout = (timer: unknown): void => {
    this.#timers.delete(timer as Timer);
  };

  /** The due times of all armed timers, in the order they will fire. */
  pending(): number[] {
    return [...this.#timers].sort(byDueTime).map((timer) => timer.due);
  }

  /** Fires everything due within the next `ms`, then stands at exactly `ms` later. */
  advance(ms: number): void {
    for (const _ of this.#firings(this.#now + ms));
  }

  /**
   * Fires timers until the predicate holds, which is asked before the first and after each. Virtual time stands still
   * at the firing that made it true. Answers false when `maxMs` passed first; then the clock stands at that time.
   */
  runUntil(predicate: () => boolean, maxMs: number): boolean {
    if (predicate()) return true;
    for (const _ of this.#firings(this.#now + maxMs)) if (predicate()) return true;
    return predicate();
  }

  /** As {@link advance}, for code that also uses microtasks: they are drained before and after each firing. */
  async advanceAsync(ms: number): Promise<void> {
    await microtasksDrained();
    for (const _ of this.#firings(this.#now + ms)) await microtasksDrained();
  }

  /** As {@link runUntil}, for code that also uses microtasks: they are drained before each look at the predicate. */
  async runUntilAsync(predicate: () => boolean, maxMs: number): Promise<boolean> {
    await microtasksDrained();
    if (predicate()) return true;
    for (const _ of this.#firings(this.#now + maxMs)) {
      await microtasksDrained();
      if (predicate()) return true;
    }
    return predicate();
  }

  /** Fires one timer an iteration, so that the caller may look, wait or stop between two. */
  *#firings(end: number): Generator<void> {
    let atThisInstant = 0;
    for (;;) {
      const timer = this.#earliest();
      if (timer === undefined || timer.due > end) break;
      atThisInstant = timer.due > this.#now ? 1 : atThisInstant + 1;
      if (atThisInstant > MOST_FIRINGS_AT_ONE_INSTANT) {
        throw new Error(
          `${MOST_FIRINGS_AT_ONE_INSTANT} timers fired at ${this.#now} ms: zero-delay timers arm each other`,
        );
      }
      this.#timers.delete(timer);
      // Code under test may have advanced this clock while the caller of a firing looked on.
      this.#now = Math.max(this.#now, timer.due);
      timer.callback();
      yield;
    }
    this.#now = Math.max(this.#now, end);
  }

  #earliest(): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) if (!earliest || byDueTime(timer, earliest) < 0) earliest = timer;
    return earliest;
  }
}

function byDueTime(one: Timer, other: Timer): number {
  return one.due - other.due || one.order - other.order;
}

/** An immediate runs only after the microtask queue is empty. */
function microtasksDrained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
