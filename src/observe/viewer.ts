/**
 * One reader of records who looks on from a page: gets what it looks at in full, of everything else as much as there is
 * room for, and nothing that it cannot take. It is skipped, never waited for.
 */
import type { Observation, ObservedActor } from './observation.js';
import { RecentRecords } from './recent-records.js';
import type { DroppedRecord, ObservationRecord } from './record.js';
import { record } from './recorder.js';
import { activeStates } from './state-facts.js';

/** Where the records go: a WebSocket. */
export interface ViewerSocket {
  /** Bytes handed over that the network has not taken yet. */
  readonly bufferedAmount: number;
  send(text: string): void;
}

/** Between two messages to the page: three frames of its screen. */
const TICK_MS = 50;
/** Records of actors that are not looked at, in one tick. */
const ADMITTED_A_TICK = 16;
/** Their states that are told, in one tick, when their steps are not. */
const SAMPLED_A_TICK = 40;
/** Records that wait for the next tick; more are dropped. */
const MOST_WAITING = 5000;
/** A page that has so much to take gets nothing more until it has taken it. */
const SLOW_BYTES = 1024 * 1024;

export class Viewer {
  readonly #observation: Observation;
  readonly #socket: ViewerSocket;
  readonly #timer: NodeJS.Timeout;
  #stop: () => void;
  #waiting: ObservationRecord[] = [];
  /** The id, as its parent has it, of the actor that is looked at. */
  #focus: string | undefined;
  #admitted = 0;
  #leftOut = 0;
  /** Dropped since the page was found to be slow; 0 when it keeps up. */
  #skipped = 0;
  readonly recent = new RecentRecords();
  readonly #stale = new Set<ObservedActor>();
  readonly #told = new WeakMap<ObservedActor, string>();

  /** `past` is what another page was told before. */
  constructor(observation: Observation, socket: ViewerSocket, past: readonly ObservationRecord[] = []) {
    this.#observation = observation;
    this.#socket = socket;
    this.#waiting.push(...past);
    this.#stop = this.#record();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
    this.#tick();
  }

  /** The actor with this session id is looked at. */
  lookAt(sessionId: string): void {
    this.#focus = this.#observation.idOf(sessionId);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stop();
    this.#waiting = [];
    this.#stale.clear();
  }

  #record(): () => void {
    return record(this.#observation, {
      write: (one) => this.#write(one),
      admits: (actorId) => {
        if (this.#skipped > 0) return false;
        if (actorId === this.#focus) return true;
        this.#admitted += 1;
        return this.#admitted <= ADMITTED_A_TICK;
      },
      leftOut: (actor) => {
        this.#leftOut += 1;
        if (actor !== undefined) this.#stale.add(actor);
      },
    });
  }

  #write(one: ObservationRecord): void {
    if (this.#skipped > 0) this.#skipped += 1;
    // What is there when it begins is always told.
    else if (this.#waiting.length < MOST_WAITING || one.type === 'actor.appeared') this.#waiting.push(one);
    else this.#leftOut += 1;
  }

  #tick(): void {
    this.#admitted = 0;
    if (this.#socket.bufferedAmount > SLOW_BYTES) {
      this.#skipped += this.#waiting.length + this.#leftOut + (this.#skipped === 0 ? 1 : 0);
      this.#waiting = [];
      this.#leftOut = 0;
      return;
    }
    if (this.#skipped > 0) this.#beginAnew();
    this.#sample();
    if (this.#leftOut > 0) this.#waiting.push(this.#dropped(this.#leftOut, 'load'));
    this.#leftOut = 0;
    if (this.#waiting.length === 0) return;
    this.#socket.send(JSON.stringify(this.#waiting));
    this.recent.add(this.#waiting);
    this.#waiting = [];
  }

  /** What it missed may have been anything, so it is told again what is there. */
  #beginAnew(): void {
    const count = this.#skipped;
    this.#skipped = 0;
    this.#stop();
    this.#stale.clear();
    this.#waiting = [this.#dropped(count, 'slow')];
    this.#stop = this.#record();
  }

  #sample(): void {
    let sampled = 0;
    for (const actor of this.#stale) {
      if (sampled === SAMPLED_A_TICK) return;
      this.#stale.delete(actor);
      const snapshot = actor.ref.getSnapshot();
      if (snapshot.status !== 'active') continue;
      const states = activeStates(snapshot);
      const text = states.join();
      if (text === '' || this.#told.get(actor) === text) continue;
      this.#told.set(actor, text);
      sampled += 1;
      this.#waiting.push({ type: 'actor.sampled', at: this.#now(), actor: actor.sessionId, states });
    }
  }

  #dropped(count: number, why: DroppedRecord['why']): DroppedRecord {
    return { type: 'records.dropped', at: this.#now(), count, why };
  }

  #now(): number {
    return Math.round(this.#observation.clock.now() * 1000) / 1000;
  }
}
