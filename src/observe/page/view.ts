/**
 * What is looked at: one actor, now or at a moment of the past. Panes read it and ask it to change; it draws nothing.
 */
import { type History, type KnownActor, lastUpTo, type Moment } from './history.js';

export class View {
  readonly history: History;
  readonly #changed: () => void;
  #selected: string | undefined;
  /** Undefined: now, and going on. */
  #cursor: Moment | undefined;
  /** Whether a person chose the actor; until then the page chooses what is worth a look. */
  isChosen = false;

  constructor(history: History, changed: () => void) {
    this.history = history;
    this.#changed = changed;
  }

  get selected(): KnownActor | undefined {
    return this.#selected === undefined ? undefined : this.history.actors.get(this.#selected);
  }

  get cursor(): Moment | undefined {
    return this.#cursor;
  }

  get isLive(): boolean {
    return this.#cursor === undefined;
  }

  /** The moment that is shown. */
  get moment(): Moment {
    return this.#cursor ?? this.history.now;
  }

  select(actor: string, isChosen = true): void {
    this.isChosen ||= isChosen;
    if (this.#selected === actor) return;
    this.#selected = actor;
    this.#changed();
  }

  pauseAt(moment: Moment): void {
    this.#cursor = Math.min(Math.max(moment, this.history.oldest), this.history.now);
    this.#changed();
  }

  pause(): void {
    if (this.isLive) this.pauseAt(this.history.now);
  }

  goLive(): void {
    this.#cursor = undefined;
    this.#changed();
  }

  /** To the next thing that happened to the actor, or to the one before. */
  step(direction: 1 | -1): void {
    const actor = this.selected;
    if (actor === undefined) return;
    const from = this.moment;
    const rows = this.history.ladderOf(actor)?.rows ?? [];
    const moments = [actor.own, rows].flatMap((told) => {
      const index = lastUpTo(told, direction === 1 ? from : from - 1) + (direction === 1 ? 1 : 0);
      return told[index]?.moment ?? [];
    });
    const next = direction === 1 ? Math.min(...moments) : Math.max(...moments);
    if (Number.isFinite(next)) this.pauseAt(next);
    else this.pause();
  }
}
