/**
 * What a replay has done and its recording has not said yet: each actor's states, the children it got, the frames that
 * left, each kind in its own order. It compares nothing.
 */
import type { ObservationRecord } from '../observe/record.js';

export class ReplayedDeeds {
  /** Connections and streams of the replay; what other actors do is not looked at. */
  readonly #charts = new Set<string>();
  readonly #done = new Map<string, ObservationRecord[]>();

  /** The replay did something. */
  readonly take = (one: ObservationRecord): void => {
    if (one.type === 'actor.appeared' && (one.chart === 'connection' || one.chart === 'stream')) {
      this.#charts.add(one.actor);
    }
    const key = keyOf(one);
    if (key === undefined || ('actor' in one && !this.#charts.has(one.actor))) return;
    const waiting = this.#done.get(key);
    if (waiting === undefined) this.#done.set(key, [one]);
    else waiting.push(one);
  };

  has(key: string): boolean {
    return (this.#done.get(key)?.length ?? 0) > 0;
  }

  /** The oldest of that key, which is taken away; undefined where there is none. */
  next(key: string): ObservationRecord | undefined {
    return this.#done.get(key)?.shift();
  }

  /** One that is left over, and its key. */
  get rest(): readonly [string, ObservationRecord] | undefined {
    for (const [key, [left]] of this.#done) if (left !== undefined) return [key, left];
    return undefined;
  }

  /** What is not said in a recording. */
  forget(key: string): void {
    this.#done.delete(key);
  }

  clear(): void {
    this.#done.clear();
  }
}

export function childrenOf(actor: string): string {
  return `children of ${actor}`;
}

export function framesOf(endpoint: number, stream: string): string {
  return `frames of ${endpoint} ${stream}`;
}

/** Whose turn it is to be found in the recording; undefined for what is not looked at. */
function keyOf(one: ObservationRecord): string | undefined {
  switch (one.type) {
    case 'actor.changed':
    case 'actor.ended':
      return one.actor;
    case 'actor.appeared':
      return one.chart === 'stream' && one.parent !== undefined ? childrenOf(one.parent) : undefined;
    case 'frame':
      return one.dir === 'out' ? framesOf(one.endpoint, one.stream) : undefined;
    default:
      return undefined;
  }
}
