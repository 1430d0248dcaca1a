/**
 * Waiting for paths that are not there yet (jsonrpc.md §5: fs/watchMissing), one word a watch and then it is over.
 * Looked at from time to time: that works on every file system and for folders that are themselves missing.
 */
import { lstatSync } from 'node:fs';
import { SignalboxError } from '../../proto/signalbox-error.js';

const LOOK_EVERY_MS = 500;
const MOST_PATHS = 1024;

/** One connection watches too much. */
export class TooManyWatchesError extends SignalboxError {
  constructor() {
    super('watches_exhausted', `at most ${MOST_PATHS} missing paths may be watched per connection`, {
      scope: 'stream',
      initiator: 'peer',
    });
  }
}

export class MissingPaths {
  readonly #appeared: (watchId: number) => void;
  /** Paths that were missing when their watch began. */
  readonly #watches = new Map<number, readonly string[]>();
  #timer: NodeJS.Timeout | undefined;

  /** `appeared` is called once for each watch of which a path is there. */
  constructor(appeared: (watchId: number) => void) {
    this.#appeared = appeared;
  }

  /** Replaces an earlier watch of the same id. False when there is nothing to wait for. */
  watch(watchId: number, paths: readonly string[]): boolean {
    this.#watches.delete(watchId);
    if (paths.length === 0 || paths.some(exists)) {
      this.#sleepIfIdle();
      return false;
    }
    let watched = paths.length;
    for (const others of this.#watches.values()) watched += others.length;
    if (watched > MOST_PATHS) throw new TooManyWatchesError();
    this.#watches.set(watchId, paths);
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
    return true;
  }

  stop(): void {
    this.#watches.clear();
    this.#sleepIfIdle();
  }

  #look(): void {
    for (const [watchId, paths] of [...this.#watches]) {
      if (!paths.some(exists)) continue;
      this.#watches.delete(watchId);
      this.#appeared(watchId);
    }
    this.#sleepIfIdle();
  }

  #sleepIfIdle(): void {
    if (this.#watches.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** What cannot be looked at counts as missing: nobody could read it either. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
