/**
 * Which harness socket a stream belongs to: the map of one environment, kept in both directions.
 * It knows who owns what, and sends nothing.
 */

/** One stream: its id, and who opened it. */
export interface Route<Harness> {
  readonly streamId: string;
  readonly harness: Harness;
}

export class Routes<Harness> {
  readonly #byStream = new Map<string, Route<Harness>>();
  readonly #byHarness = new Map<Harness, Set<Route<Harness>>>();

  find(streamId: string): Route<Harness> | undefined {
    return this.#byStream.get(streamId);
  }

  /** The stream must be nobody's. */
  add(route: Route<Harness>): void {
    this.#byStream.set(route.streamId, route);
    const own = this.#byHarness.get(route.harness);
    if (own === undefined) this.#byHarness.set(route.harness, new Set([route]));
    else own.add(route);
  }

  remove(route: Route<Harness>): void {
    if (this.#byStream.get(route.streamId) === route) this.#byStream.delete(route.streamId);
    const own = this.#byHarness.get(route.harness);
    own?.delete(route);
    if (own?.size === 0) this.#byHarness.delete(route.harness);
  }

  countOf(harness: Harness): number {
    return this.#byHarness.get(harness)?.size ?? 0;
  }

  /** A copy: its routes may be removed while it is walked. */
  of(harness: Harness): Route<Harness>[] {
    return [...(this.#byHarness.get(harness) ?? [])];
  }

  /** A copy of all of them. */
  all(): Route<Harness>[] {
    return [...this.#byStream.values()];
  }
}
