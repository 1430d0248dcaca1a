/**
 * What a page was told lately, for the next page that opens: so that a link to a moment leads somewhere in another window
 * too. Bounded, and there only while somebody looks on.
 */
import type { ObservationRecord } from './record.js';

const MOST_RECORDS = 5000;

export class RecentRecords {
  #records: ObservationRecord[] = [];
  /** How the actors began that these records speak of; without it a reader could not place them. */
  readonly #beginnings = new Map<string, ObservationRecord>();
  #started: ObservationRecord | undefined;

  add(records: readonly ObservationRecord[]): void {
    for (const one of records) {
      if (one.type === 'observing.started') this.#started ??= one;
      else if (one.type === 'actor.appeared') this.#beginnings.set(one.actor, one);
      else this.#records.push(one);
    }
    // A quarter at once, so that it is rare.
    if (this.#records.length <= MOST_RECORDS * 1.25) return;
    for (const one of this.#records.splice(0, this.#records.length - MOST_RECORDS)) {
      if (one.type === 'actor.ended') this.#beginnings.delete(one.actor);
    }
  }

  /** In an order that can be read from its start. */
  all(): ObservationRecord[] {
    if (this.#started === undefined) return [];
    return [this.#started, ...this.#beginnings.values(), ...this.#records];
  }
}
