/**
 * What the page remembers: every record it was told, a bounded number of them, and from them how each actor stood at any
 * moment since. It knows neither the page nor the network.
 */
import type {
  ActorChangedRecord,
  ActorEndedRecord,
  ActorReceivedRecord,
  ActorSampledRecord,
  ErrorFacts,
  Facts,
  ObservationRecord,
  StartedRecord,
} from '../record.js';
import { Ladder } from './ladder.js';

/** Place of a record in the order the page was told them. */
export type Moment = number;

export interface Told<T extends ObservationRecord = ObservationRecord> {
  readonly moment: Moment;
  readonly record: T;
}

export type OwnRecord = ActorReceivedRecord | ActorChangedRecord | ActorSampledRecord | ActorEndedRecord;

/** One actor, as far as the page knows it. */
export interface KnownActor {
  readonly actor: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly chart: string | undefined;
  readonly depth: number;
  readonly appeared: Moment;
  readonly own: Told<OwnRecord>[];
  status: 'active' | 'done' | 'error' | 'stopped';
  states: readonly string[];
  facts: Facts;
  error: ErrorFacts | undefined;
  /** When anything was heard of it last; the program's clock. */
  heardAt: number;
  ended: Moment | undefined;
  /** How it stood before the oldest record that is remembered. */
  base: { readonly states: readonly string[]; readonly facts: Facts };
}

/** How an actor stood at a moment. */
export interface Standing {
  readonly states: readonly string[];
  readonly facts: Facts;
  readonly status: KnownActor['status'];
}

export interface HistoryBounds {
  /** Records remembered. */
  readonly mostRecords: number;
  /** Actors that are over and still listed; those that crashed go last. */
  readonly mostOver: number;
}

const defaultBounds: HistoryBounds = { mostRecords: 30_000, mostOver: 300 };
const nothing: Facts = {};

export class History {
  readonly actors = new Map<string, KnownActor>();
  readonly ladders = new Map<string, Ladder>();
  started: StartedRecord | undefined;
  /** Of the newest record. */
  now: Moment = 0;
  nowAt = 0;
  /** Records that the page was not told. */
  dropped = { load: 0, slow: 0 };
  frames = 0;
  /** Raised whenever an actor came, went or changed its state: what lists them has to look again. */
  version = 0;
  readonly #bounds: HistoryBounds;
  /** One a batch: where it starts, and when. */
  #batches: { readonly moment: Moment; readonly at: number }[] = [];

  constructor(bounds: HistoryBounds = defaultBounds) {
    this.#bounds = bounds;
  }

  /** Time of the oldest record that is remembered. */
  get oldestAt(): number {
    return this.#batches[0]?.at ?? this.nowAt;
  }

  get oldest(): Moment {
    return this.#batches[0]?.moment ?? 0;
  }

  /** Batches, oldest first: enough to find a moment by its time. */
  momentAt(at: number): Moment {
    const next = this.#batches.findIndex((batch) => batch.at > at);
    if (next === -1) return this.now;
    return Math.max(this.oldest, (this.#batches[next]?.moment ?? 1) - 1);
  }

  timeOf(moment: Moment): number {
    let found = this.oldestAt;
    let low = 0;
    let high = this.#batches.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const batch = this.#batches[middle];
      if (batch !== undefined && batch.moment <= moment) {
        found = batch.at;
        low = middle + 1;
      } else high = middle - 1;
    }
    return found;
  }

  take(records: readonly ObservationRecord[]): void {
    for (const record of records) {
      this.now += 1;
      this.nowAt = Math.max(this.nowAt, record.at);
      const last = this.#batches.at(-1);
      if (last === undefined || record.at - last.at >= 1) this.#batches.push({ moment: this.now, at: record.at });
      this.#takeOne(record);
    }
    if (this.now - this.oldest > this.#bounds.mostRecords) this.#forget();
  }

  /** How it stands, or stood at a moment; undefined before it was there. */
  standing(actor: KnownActor, moment: Moment | undefined): Standing | undefined {
    if (moment === undefined || moment >= this.now) return actor;
    if (moment < actor.appeared) return undefined;
    let { states, facts } = actor.base;
    let status: KnownActor['status'] = 'active';
    let found = false;
    for (let index = lastUpTo(actor.own, moment); index >= 0 && !(found && facts !== nothing); index -= 1) {
      const record = actor.own[index]?.record;
      if (record === undefined || record.type === 'actor.received') continue;
      if (!found) {
        found = true;
        states = record.states;
        status = record.type === 'actor.ended' ? record.status : 'active';
        facts = nothing;
      }
      if (record.type === 'actor.changed') facts = record.facts;
    }
    return { states, status, facts: facts === nothing ? actor.base.facts : facts };
  }

  ladderOf(actor: KnownActor | undefined): Ladder | undefined {
    return actor?.chart === 'stream' ? this.ladders.get(actor.id.slice('stream:'.length)) : undefined;
  }

  #takeOne(record: ObservationRecord): void {
    switch (record.type) {
      case 'observing.started':
        this.#begin(record);
        return;
      case 'actor.appeared':
        this.#appear(record);
        return;
      case 'actor.received':
      case 'actor.changed':
      case 'actor.sampled':
      case 'actor.ended': {
        const actor = this.actors.get(record.actor);
        if (actor === undefined) return;
        actor.own.push({ moment: this.now, record });
        actor.heardAt = record.at;
        if (record.type === 'actor.received') return;
        this.version += 1;
        actor.states = record.states.length > 0 ? record.states : actor.states;
        if (record.type === 'actor.changed') actor.facts = record.facts;
        if (record.type !== 'actor.ended') return;
        actor.status = record.status;
        actor.error = record.error;
        actor.ended = this.now;
        // A promise that was kept says nothing more; thousands come and go.
        if (actor.chart === undefined && actor.status !== 'error') this.actors.delete(record.actor);
        this.#forgetOver();
        return;
      }
      case 'frame': {
        this.frames += 1;
        let ladder = this.ladders.get(record.stream);
        if (ladder === undefined) {
          ladder = new Ladder();
          this.ladders.set(record.stream, ladder);
        }
        ladder.take(record, this.now);
        return;
      }
      case 'records.dropped':
        this.dropped[record.why] += record.count;
    }
  }

  /** Everything that is there is told again, so whatever is not told is over. */
  #begin(record: StartedRecord): void {
    this.started ??= record;
    this.version += 1;
    for (const actor of this.actors.values()) {
      if (actor.status === 'active') actor.status = 'stopped';
    }
  }

  #appear(record: Extract<ObservationRecord, { type: 'actor.appeared' }>): void {
    this.version += 1;
    const { actor, id, parent, chart, status, states, facts } = record;
    const known = this.actors.get(actor);
    if (known !== undefined) {
      Object.assign(known, { status, heardAt: record.at });
      if (states.length > 0) Object.assign(known, { states, facts });
      return;
    }
    this.actors.set(actor, {
      actor,
      id,
      parent,
      chart,
      depth: parent === undefined ? 0 : (this.actors.get(parent)?.depth ?? -1) + 1,
      appeared: this.now,
      own: [],
      status,
      states,
      facts,
      error: undefined,
      heardAt: record.at,
      ended: undefined,
      base: { states, facts },
    });
  }

  /** A quarter goes at once, so that this is rare. */
  #forget(): void {
    const keepFrom = this.now - Math.floor(this.#bounds.mostRecords * 0.75);
    this.#batches = this.#batches.filter(({ moment }) => moment >= keepFrom);
    const { oldest } = this;
    for (const actor of this.actors.values()) {
      const keep = lastUpTo(actor.own, oldest - 1) + 1;
      if (keep === 0) continue;
      const standing = this.standing(actor, oldest - 1);
      if (standing !== undefined) actor.base = { states: standing.states, facts: standing.facts };
      actor.own.splice(0, keep);
    }
    for (const [stream, ladder] of this.ladders) {
      ladder.forget(oldest);
      if (ladder.rows.length === 0) this.ladders.delete(stream);
    }
  }

  #forgetOver(): void {
    const over = [...this.actors.values()].filter(({ ended }) => ended !== undefined);
    if (over.length <= this.#bounds.mostOver * 1.25) return;
    const rank = (one: KnownActor) => (one.status === 'error' ? Number.MAX_SAFE_INTEGER / 2 : 0) + (one.ended ?? 0);
    over.sort((one, other) => rank(one) - rank(other));
    for (const { actor } of over.slice(0, over.length - this.#bounds.mostOver)) this.actors.delete(actor);
  }
}

/** Index of the last one up to a moment; -1 when there is none. */
export function lastUpTo(told: readonly { readonly moment: Moment }[], moment: Moment): number {
  let low = 0;
  let high = told.length - 1;
  let found = -1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if ((told[middle]?.moment ?? 0) <= moment) {
      found = middle;
      low = middle + 1;
    } else high = middle - 1;
  }
  return found;
}
