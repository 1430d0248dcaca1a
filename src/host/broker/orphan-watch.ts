/**
 * Children whose helper ended before them. Nobody tells us of their end, so they are looked at now and then; how they
 * ended is known only where the kernel still holds it (nobody has reaped them).
 */
import { type ChildEnd, isAlive } from '../host-child.js';
import { decodeWaitStatus, type ProcessEntry, readProcess } from '../process-table.js';

/** Looking costs about 30 µs a child: the pause grows with their number, so that it takes a few percent at most. */
const SHORTEST_PAUSE_MS = 20;
const PAUSE_MS_PER_CHILD = 1;

/** `end` undefined: somebody else reaped it. */
type OrphanEnded = (end: ChildEnd | undefined) => void;

interface Orphan {
  readonly startTime: string | undefined;
  readonly ended: OrphanEnded;
}

export class OrphanWatch {
  readonly #orphans = new Map<number, Orphan>();
  #timer: NodeJS.Timeout | undefined;

  /** `ended` is called once, later; also when the child is gone already. */
  add(pid: number, ended: OrphanEnded): void {
    this.#orphans.set(pid, { startTime: readProcess(pid)?.startTime, ended });
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#orphans.clear();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#orphans.size === 0) return;
    const pause = Math.max(SHORTEST_PAUSE_MS, this.#orphans.size * PAUSE_MS_PER_CHILD);
    this.#timer = setTimeout(() => this.#look(), pause);
  }

  #look(): void {
    this.#timer = undefined;
    for (const [pid, orphan] of [...this.#orphans]) {
      const entry = readProcess(pid);
      if (isRunning(pid, entry, orphan.startTime)) continue;
      this.#orphans.delete(pid);
      const seen = entry !== undefined && entry.startTime === orphan.startTime;
      orphan.ended(seen ? decodeWaitStatus(entry.waitStatus) : undefined);
    }
    this.#arm();
  }
}

function isRunning(pid: number, entry: ProcessEntry | undefined, startTime: string | undefined): boolean {
  // Without /proc there never was a start time.
  if (entry === undefined) return startTime === undefined && isAlive(pid);
  return entry.startTime === startTime && entry.state !== 'Z' && entry.state !== 'X';
}
