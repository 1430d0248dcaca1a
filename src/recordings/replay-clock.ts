/**
 * The clock of a replay: it stands where the recording says, and its timers fire when the recording says that they did,
 * by name, because real timers fire late and a little early. It decides nothing.
 */
import type { AnyActorRef } from 'xstate';
import type { Clock } from '../../machines/clock.js';
import { shownName } from '../observe/shown-words.js';

interface ReplayTimer {
  readonly callback: () => void;
  readonly due: number;
  readonly target: AnyActorRef;
  readonly event: string;
}

/** Node counts delays in whole milliseconds, from a time that it reads before the program does. */
const EARLY_MS = 3;

export type Fired =
  | { readonly kind: 'fired' }
  | { readonly kind: 'unarmed' }
  | { readonly kind: 'early'; byMs: number };

export class ReplayClock implements Clock {
  #now = 0;
  readonly #timers = new Set<ReplayTimer>();
  /** What the actor system has just scheduled. */
  readonly #scheduled: () => { readonly target: AnyActorRef; readonly event: { readonly type: string } } | undefined;

  constructor(
    scheduled: () => { readonly target: AnyActorRef; readonly event: { readonly type: string } } | undefined,
  ) {
    this.#scheduled = scheduled;
  }

  now = (): number => this.#now;

  setTimeout = (callback: () => void, delayMs: number): ReplayTimer | undefined => {
    const scheduled = this.#scheduled();
    if (scheduled === undefined) return undefined;
    const { target, event } = scheduled;
    const timer = { callback, due: this.#now + delayMs, target, event: shownName(event.type) };
    this.#timers.add(timer);
    return timer;
  };

  clearTimeout = (timer: unknown): void => {
    this.#timers.delete(timer as ReplayTimer);
  };

  standAt(ms: number): void {
    this.#now = ms;
  }

  /** The timer by which an actor gets this event. */
  fire(target: AnyActorRef, event: string): Fired {
    for (const timer of this.#timers) {
      if (timer.target !== target || timer.event !== event) continue;
      const byMs = timer.due - this.#now;
      if (byMs > EARLY_MS) return { kind: 'early', byMs };
      this.#timers.delete(timer);
      timer.callback();
      return { kind: 'fired' };
    }
    return { kind: 'unarmed' };
  }
}
