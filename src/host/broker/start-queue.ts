/**
 * Starts on their way: those that wait for the helper or for pipes, oldest first, and those the helper has been asked
 * for and has not answered. It bounds how many are asked for at a time, and how long each may take.
 * Who is asked, and what becomes of a start that fails, is the broker's business.
 */
import type { Fork } from './fork.js';

/** Starts the helper may have at a time: enough to keep it busy, few to send again when it ends. */
const MOST_UNDER_WAY = 32;
/** A start that has not become a child by then fails; a helper that holds one so long is stuck. */
const START_DEADLINE_MS = 30_000;

export class StartQueue {
  #waiting: Fork[] = [];
  readonly #underWay = new Set<Fork>();
  readonly #expired: (fork: Fork) => void;

  /** `expired` is told of a start that takes too long, which stays where it is. */
  constructor(expired: (fork: Fork) => void) {
    this.#expired = expired;
  }

  /** All of them, oldest first as far as they wait. */
  get all(): readonly Fork[] {
    return [...this.#waiting, ...this.#underWay];
  }

  get underWay(): readonly Fork[] {
    return [...this.#underWay];
  }

  /** Those that need pipes and have none. */
  get waitingForPipes(): readonly Fork[] {
    return this.#waiting.filter(({ request }) => request.terminal === undefined);
  }

  /** The one whose turn it is; undefined while the helper has enough to do. */
  get next(): Fork | undefined {
    return this.#underWay.size < MOST_UNDER_WAY ? this.#waiting[0] : undefined;
  }

  add(fork: Fork): void {
    this.#waiting.push(fork);
    fork.deadline = setTimeout(() => this.#expired(fork), START_DEADLINE_MS);
  }

  /** The helper is asked for the next one. */
  begin(fork: Fork): void {
    this.#waiting.shift();
    fork.state = 'sent';
    this.#underWay.add(fork);
  }

  /** The helper is gone before it began these: they come first again. */
  again(forks: readonly Fork[]): void {
    for (const fork of forks) {
      this.#underWay.delete(fork);
      fork.state = 'waiting';
    }
    this.#waiting.unshift(...forks);
  }

  /** It was started, or never will be. */
  remove(fork: Fork): void {
    clearTimeout(fork.deadline);
    if (!this.#underWay.delete(fork)) this.#waiting = this.#waiting.filter((waiting) => waiting !== fork);
  }
}
