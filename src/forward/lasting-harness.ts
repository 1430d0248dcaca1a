/**
 * A harness that is had anew when its session was lost for good, for programs that go on and on.
 */
import type { Harness } from '../harness/harness.js';

export class LastingHarness {
  readonly #connect: () => Promise<Harness>;
  #current: Promise<Harness> | undefined;

  constructor(connect: () => Promise<Harness>) {
    this.#connect = connect;
  }

  /** The one there is, or a new one; callers that wait for a new one wait for the same. */
  get(): Promise<Harness> {
    if (this.#current !== undefined) return this.#current;
    const connecting = this.#connect();
    this.#current = connecting;
    const forget = () => {
      if (this.#current === connecting) this.#current = undefined;
    };
    connecting.then((harness) => harness.over.then(forget), forget);
    return connecting;
  }

  async close(): Promise<void> {
    const harness = await this.#current?.catch(() => undefined);
    await harness?.close();
  }
}
