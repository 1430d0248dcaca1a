/**
 * The ids of the newest writes to one process, so that a repeated write is answered and not written again
 * (jsonrpc.md §4.5). Bounded: the oldest id is forgotten first.
 */

const REMEMBERED_WRITES = 4096;

export class WriteIds {
  readonly #capacity: number;
  // A Set keeps insertion order: its first value is the oldest id.
  readonly #ids = new Set<string>();

  constructor(capacity = REMEMBERED_WRITES) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#ids.size;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Remembers an id; one that is known keeps its age. */
  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size <= this.#capacity) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }
}
