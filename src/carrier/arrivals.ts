/**
 * Handshakes that arrive together, let in one a turn of the event loop: each costs a stream actor and what comes with it,
 * and streams that run must not wait for a hundred of them. It keeps what comes for such a stream meanwhile, in order;
 * whether a stream may be is decided elsewhere.
 */
import type { Clock } from '../../machines/clock.js';
import type { Frame } from '../../proto/frame.js';

/** Frames kept of one stream that has not been let in: a handshake, what precedes one, and little else. */
const MOST_FRAMES = 64;

export class Arrivals {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #admit: (streamId: string, frames: readonly Frame[]) => void;
  readonly #waiting = new Map<string, Frame[]>();
  /** Armed while another one was let in within this turn. */
  #turn: unknown;

  /** At most `most` wait; a further one is let in, or turned away, at once. */
  constructor(clock: Clock, most: number, admit: (streamId: string, frames: readonly Frame[]) => void) {
    this.#clock = clock;
    this.#most = most;
    this.#admit = admit;
  }

  /** Whether these frames, of a stream that nobody serves, are kept for a later turn. */
  holds(streamId: string, frames: readonly Frame[]): boolean {
    const kept = this.#waiting.get(streamId);
    if (kept !== undefined) {
      kept.push(...frames.slice(0, MOST_FRAMES - kept.length));
      return true;
    }
    if (!frames.some(({ body }) => body.kind === 'handshake')) return false;
    if (this.#turn === undefined || this.#waiting.size >= this.#most) {
      this.#arm();
      return false;
    }
    this.#waiting.set(streamId, [...frames]);
    return true;
  }

  /** The socket they came on is gone. */
  clear(): void {
    this.#waiting.clear();
    if (this.#turn !== undefined) this.#clock.clearTimeout(this.#turn);
    this.#turn = undefined;
  }

  #arm(): void {
    this.#turn ??= this.#clock.setTimeout(() => this.#next(), 0);
  }

  #next(): void {
    this.#turn = undefined;
    const [next] = this.#waiting;
    if (next === undefined) return;
    const [streamId, frames] = next;
    this.#waiting.delete(streamId);
    this.#arm();
    this.#admit(streamId, frames);
  }
}
