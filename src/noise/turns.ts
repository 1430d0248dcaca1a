/**
 * Turns of the event loop, one for each step of a handshake: what follows an answer (of a thread, of the registry) costs a
 * millisecond or two, answers come in bunches, and streams that run are served between two turns. It knows nothing of
 * handshakes.
 */
export class Turns {
  readonly #line: (() => void)[] = [];

  /** Settles as `answer` does, in a turn that no other answer has. */
  async after<Result>(answer: Promise<Result>): Promise<Result> {
    try {
      return await answer;
    } finally {
      await this.#next();
    }
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#line.push(resolve);
      if (this.#line.length === 1) this.#arm();
    });
  }

  /** An immediate that is made within one comes in the next turn. */
  #arm(): void {
    setImmediate(() => {
      this.#line.shift()?.();
      if (this.#line.length > 0) this.#arm();
    });
  }
}
