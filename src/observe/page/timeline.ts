/**
 * The bar below everything: pause, step and scrub over what the page remembers, and a link to the moment.
 */
import { byId, setText } from './element.js';
import type { View } from './view.js';
import { clockText } from './words.js';

/** Steps of the slider. */
const STEPS = 1000;

export class Timeline {
  readonly #view: View;
  readonly #slider = byId('scrub', HTMLInputElement);
  readonly #pause = byId('pause', HTMLButtonElement);
  readonly #clock = byId('clock', HTMLElement);
  readonly #link = byId('copy-link', HTMLButtonElement);

  constructor(view: View) {
    this.#view = view;
    this.#slider.max = String(STEPS);
    this.#slider.addEventListener('input', () => {
      const value = Number(this.#slider.value);
      const { history } = view;
      if (value >= STEPS) view.goLive();
      else view.pauseAt(history.momentAt(history.oldestAt + ((history.nowAt - history.oldestAt) * value) / STEPS));
    });
    this.#pause.addEventListener('click', () => this.toggle());
    byId('step-back', HTMLButtonElement).addEventListener('click', () => view.step(-1));
    byId('step-on', HTMLButtonElement).addEventListener('click', () => view.step(1));
    this.#link.addEventListener('click', () => void this.#copy());
  }

  toggle(): void {
    if (this.#view.isLive) this.#view.pause();
    else this.#view.goLive();
  }

  draw(): void {
    const { isLive, history, moment } = this.#view;
    const at = isLive ? history.nowAt : history.timeOf(moment);
    const span = history.nowAt - history.oldestAt;
    const place = isLive || span === 0 ? STEPS : Math.round(((at - history.oldestAt) / span) * STEPS);
    if (document.activeElement !== this.#slider || isLive) this.#slider.value = String(place);
    const text = `${clockText(at, history.started?.at ?? 0)} s`;
    setText(this.#clock, isLive ? text : `${text} · ${history.now - moment} later`);
    this.#slider.setAttribute('aria-valuetext', isLive ? 'now' : text);
    setText(this.#pause, isLive ? 'Pause' : 'Go live');
    document.body.classList.toggle('paused', !isLive);
    // A moment that goes on cannot be pointed at.
    this.#link.disabled = isLive;
  }

  async #copy(): Promise<void> {
    const { selected, history, moment } = this.#view;
    const words = new URLSearchParams({
      ...(selected === undefined ? {} : { actor: selected.id }),
      at: history.timeOf(moment).toFixed(3),
    });
    window.history.replaceState(null, '', `#${words}`);
    try {
      await navigator.clipboard.writeText(location.href);
      this.#say('Copied');
    } catch {
      // Not every browser lets a page write there: the address bar has it now.
      this.#say('It is in the address bar');
    }
  }

  #say(text: string): void {
    const words = this.#link.textContent;
    setText(this.#link, text);
    setTimeout(() => setText(this.#link, words ?? ''), 1500);
  }
}
