/**
 * The clock of one simulated machine, kept by the clock of the world: it can be stopped with its machine, when timers
 * fire late, and it can jump, as on waking from sleep, when all that became due fires at once.
 */
import type { Clock } from '../../machines/clock.js';
import type { StepClock } from '../stand-ins/step-clock.js';

interface MachineTimer {
  readonly callback: (...args: unknown[]) => void;
  /** In the time of this machine. */
  readonly due: number;
  /** What it waits on in the world; undefined once it fell due while the machine was stopped. */
  handle: unknown;
}

export class MachineClock implements Clock {
  readonly #world: StepClock;
  readonly #timers = new Set<MachineTimer>();
  #overdue: MachineTimer[] = [];
  #ahead = 0;
  #stopped = false;

  constructor(world: StepClock) {
    this.#world = world;
  }

  /** Timers armed and not fired. */
  get armed(): number {
    return this.#timers.size;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  now = (): number => this.#world.now() + this.#ahead;

  setTimeout = (callback: (...args: unknown[]) => void, delayMs: number): MachineTimer => {
    const timer: MachineTimer = { callback, due: this.now() + Math.max(0, delayMs), handle: undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return timer;
  };

  clearTimeout = (timer: unknown): void => {
    const { handle } = (timer ?? {}) as Partial<MachineTimer>;
    this.#timers.delete(timer as MachineTimer);
    this.#world.clearTimeout(handle);
  };

  stop(): void {
    this.#stopped = true;
  }

  start(): void {
    this.#stopped = false;
    const overdue = this.#overdue;
    this.#overdue = [];
    for (const timer of overdue) if (this.#timers.has(timer)) this.#arm(timer);
  }

  jump(ms: number): void {
    this.#ahead += ms;
    const timers = [...this.#timers].sort((one, other) => one.due - other.due);
    for (const timer of timers) {
      if (timer.handle === undefined) continue;
      this.#world.clearTimeout(timer.handle);
      this.#arm(timer);
    }
  }

  #arm(timer: MachineTimer): void {
    timer.handle = this.#world.setTimeout(() => this.#fire(timer), timer.due - this.now());
  }

  #fire(timer: MachineTimer): void {
    if (this.#stopped) {
      timer.handle = undefined;
      this.#overdue.push(timer);
      return;
    }
    this.#timers.delete(timer);
    timer.callback();
  }
}
