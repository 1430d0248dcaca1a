/**
 * Executors that are about to be back: their connection was lost without a goodbye a moment ago, or the rendezvous has
 * only just begun and does not know yet who there is. Some harnesses give a session up as soon as they hear that no
 * executor is there (0.142.5), so whoever asks for one of these waits a little.
 */
import type { Clock } from '../../machines/clock.js';

export interface ExpectedExecutorsOptions {
  readonly clock: Clock;
  /** Milliseconds for which a lost executor is expected back, and for which a new rendezvous expects any. */
  readonly expectedMs: number;
  /** Milliseconds that anybody waits; well below what harnesses give a request (relay.md §9.6). */
  readonly longestWaitMs: number;
  /** Environments whose loss is remembered; beyond it the oldest is forgotten. */
  readonly most: number;
}

export class ExpectedExecutors {
  readonly #options: ExpectedExecutorsOptions;
  /** Before this, executors may have been here that it never heard of. */
  readonly #since: number;
  /** Environment → when its executor was lost; oldest first. */
  readonly #lost = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(options: ExpectedExecutorsOptions) {
    this.#options = options;
    this.#since = options.clock.now();
  }

  /** Its socket ended without a goodbye. */
  lost(environmentId: string): void {
    this.#lost.delete(environmentId);
    this.#lost.set(environmentId, this.#options.clock.now());
    for (const oldest of this.#lost.keys()) {
      if (this.#lost.size <= this.#options.most) break;
      this.#lost.delete(oldest);
    }
  }

  /** It is there. */
  arrived(environmentId: string): void {
    this.#lost.delete(environmentId);
    for (const wake of this.#waiting.get(environmentId) ?? []) wake();
  }

  /** Resolves when it is there, when it was waited for long enough, and at once when it is not expected. */
  wait(environmentId: string): Promise<void> {
    if (!this.#isExpected(environmentId)) return Promise.resolve();
    const { clock, longestWaitMs } = this.#options;
    const waiting = this.#waiting.get(environmentId) ?? new Set();
    this.#waiting.set(environmentId, waiting);
    return new Promise((resolve) => {
      const wake = () => {
        clock.clearTimeout(timer);
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiting.delete(environmentId);
        resolve();
      };
      const timer = clock.setTimeout(wake, longestWaitMs);
      waiting.add(wake);
    });
  }

  /** Nobody is waited for any more. */
  close(): void {
    for (const waiting of [...this.#waiting.values()]) for (const wake of [...waiting]) wake();
  }

  #isExpected(environmentId: string): boolean {
    const { clock, expectedMs } = this.#options;
    const since = Math.max(this.#since, this.#lost.get(environmentId) ?? 0);
    return clock.now() - since < expectedMs;
  }
}
