/**
 * Lets so many in at a time; the others wait in line, in the order they came, each for as long as it wants to. Knows
 * nothing of what they do inside.
 */
export class Turnstile {
  readonly #places: number;
  readonly #line = new Set<() => void>();
  #inside = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** Does it once there is a place. Rejects when the signal aborts before there is one. */
  async pass<Result>(signal: AbortSignal, inside: () => Promise<Result>): Promise<Result> {
    await this.#enter(signal);
    try {
      return await inside();
    } finally {
      this.#leave();
    }
  }

  #enter(signal: AbortSignal): Promise<void> {
    if (this.#inside < this.#places) {
      this.#inside += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#line.delete(enter);
        reject(new Error('there was no place in time'));
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#line.add(enter);
    });
  }

  /** The place is handed to the next one in line. */
  #leave(): void {
    const [next] = this.#line;
    if (next === undefined) {
      this.#inside -= 1;
      return;
    }
    this.#line.delete(next);
    next();
  }
}
