/**
 * Process groups whose leader has ended, watched until nobody runs in them any more. Nobody tells us of that end, so
 * they are looked at now and then, all in one look.
 */
import { livingGroups } from './process-table.js';

/** A look at all processes of a busy machine takes some milliseconds: a few percent of the pause. */
const SHORTEST_PAUSE_MS = 50;
const PAUSE_PER_LOOK = 20;

export class GroupWatch {
  /** By the id of the group, which is its leader's. */
  readonly #groups = new Map<number, () => void>();
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = SHORTEST_PAUSE_MS;

  /** `ended` is called once, later; at the next turn of the loop when nobody runs in it now. */
  add(pid: number, ended: () => void): void {
    this.#groups.set(pid, ended);
    this.#arm(isThere(pid) ? this.#pauseMs : 0);
  }

  remove(pid: number): void {
    this.#groups.delete(pid);
    if (this.#groups.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(pauseMs: number): void {
    if (this.#timer !== undefined && pauseMs > 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), pauseMs).unref();
  }

  #look(): void {
    this.#timer = undefined;
    const began = performance.now();
    const there = [...this.#groups.keys()].filter(isThere);
    // Asked only when it matters: members that nobody has reaped look alive to kill(2).
    const living = there.length > 0 ? livingGroups() : undefined;
    this.#pauseMs = Math.max(SHORTEST_PAUSE_MS, PAUSE_PER_LOOK * (performance.now() - began));
    for (const [pid, ended] of [...this.#groups]) {
      if (there.includes(pid) && living?.has(pid) !== false) continue;
      this.#groups.delete(pid);
      ended();
    }
    if (this.#groups.size > 0) this.#arm(this.#pauseMs);
  }
}

function isThere(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
