/**
 * Which harness socket a stream belongs to: the map of one environment, kept in both directions.
 * It knows who owns what, and sends nothing.
 */
import type { Route, RouteOwner } from './route.js';

export class Routes<Harness extends RouteOwner> {
  readonly #byStream = new Map<string, Route<Harness>>();
  readonly #byHarness = new Map<Harness, Set<Route<Harness>>>();

  get size(): number {
    return this.#byStream.size;
  }

  find(streamId: string): Route<Harness> | undefined {
    return this.#byStream.get(streamId);
  }

  /** The stream must be nobody's. */
  add(route: Route<Harness>): void {
    this.#byStream.set(route.streamId, route);
    this.#attribute(route);
  }

  /** Gives it to another socket, or to none. */
  move(route: Route<Harness>, harness: Harness | undefined): void {
    this.#release(route);
    route.harness = harness;
    this.#attribute(route);
  }

  remove(route: Route<Harness>): void {
    route.end();
    if (this.#byStream.get(route.streamId) === route) this.#byStream.delete(route.streamId);
    this.#release(route);
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

  #attribute(route: Route<Harness>): void {
    if (route.harness === undefined) return;
    const own = this.#byHarness.get(route.harness);
    if (own === undefined) this.#byHarness.set(route.harness, new Set([route]));
    else own.add(route);
  }

  #release(route: Route<Harness>): void {
    if (route.harness === undefined) return;
    const own = this.#byHarness.get(route.harness);
    own?.delete(route);
    if (own?.size === 0) this.#byHarness.delete(route.harness);
  }
}
