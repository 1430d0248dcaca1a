/**
 * One stream as the router knows it: whose it is, and whether it outlives the sockets of its ends (DESIGN §5.2.7).
 * It sends nothing; what its grace means is said by whoever keeps it.
 */
import type { Clock } from '../../machines/clock.js';

/** The two ends of a stream. */
export type RouteEnd = 'harness' | 'executor';

export interface RouteOwner {
  /** Id of the token its socket came in with. */
  readonly tokenId: string;
}

export class Route<Harness extends RouteOwner> {
  readonly streamId: string;
  /** Whose the stream is, also while no socket is there. */
  readonly tokenId: string;
  /** Its socket; undefined while it is gone. */
  harness: Harness | undefined;
  /** What the newest frame of each end said; the executor of a new stream has said nothing yet. */
  harnessAnnounces = false;
  executorAnnounces = false;
  readonly #clock: Clock;
  readonly #graces = new Map<RouteEnd, unknown>();

  constructor(streamId: string, harness: Harness, clock: Clock) {
    this.streamId = streamId;
    this.tokenId = harness.tokenId;
    this.harness = harness;
    this.#clock = clock;
  }

  /**
   * Whether it outlives a socket. Only where both ends have said that they can: a harness that has heard nothing of its
   * executor does not know what ran, and must be told when that executor is gone.
   */
  get isLasting(): boolean {
    return this.harnessAnnounces && this.executorAnnounces;
  }

  /** Whether an end is missing. */
  get isWaiting(): boolean {
    return this.#graces.size > 0;
  }

  /** An end's socket is gone; without a word of it within the grace, `over` is called. */
  await(end: RouteEnd, graceMs: number, over: () => void): void {
    if (this.#graces.has(end)) return;
    this.#graces.set(end, this.#clock.setTimeout(over, graceMs));
  }

  /** An end was heard. */
  heard(end: RouteEnd): void {
    const timer = this.#graces.get(end);
    if (timer === undefined) return;
    this.#clock.clearTimeout(timer);
    this.#graces.delete(end);
  }

  /** It is over: nothing is waited for. */
  end(): void {
    for (const timer of this.#graces.values()) this.#clock.clearTimeout(timer);
    this.#graces.clear();
  }
}
