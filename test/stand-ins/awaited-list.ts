/**
 * A list that tests can wait on: for the first item that matches, whether it is there already or comes later.
 */

/** Far longer than anything on loopback takes; only a failing test waits this long. */
const LONGEST_WAIT_MS = 10_000;

export class AwaitedList<Item> {
  readonly items: Item[] = [];
  readonly #name: string;
  readonly #show: (item: Item) => string;
  readonly #waiting = new Set<() => void>();

  /** `name` (plural) and `show` make the error of a wait in vain readable. */
  constructor(name: string, show: (item: Item) => string) {
    this.#name = name;
    this.#show = show;
  }

  push(item: Item): void {
    this.items.push(item);
    for (const look of this.#waiting) look();
  }

  /** The first item that matches, now or later. Rejects after 10 s with what came instead. */
  first(matches: (item: Item) => boolean = () => true): Promise<Item> {
    return this.#until(() => this.items.find(matches));
  }

  /** All items, once there are so many. */
  atLeast(count: number): Promise<readonly Item[]> {
    return this.#until(() => (this.items.length >= count ? this.items : undefined));
  }

  #until<Found>(find: () => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = () => {
        const found = find();
        if (found === undefined) return;
        settle();
        resolve(found);
      };
      const timer = setTimeout(() => {
        settle();
        const came = this.items.map((item) => `\n  ${this.#show(item)}`).join('');
        reject(new Error(`waited in vain for ${this.#name}; so far came ${this.items.length}:${came}`));
      }, LONGEST_WAIT_MS);
      this.#waiting.add(look);
      look();
    });
  }
}
