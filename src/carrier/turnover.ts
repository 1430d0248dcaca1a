/**
 * Streams that come and go together, a few in each turn of the event loop: a handshake costs a stream actor and what comes
 * with it, an end costs as much again, and streams that run must not wait for a hundred of them. It keeps what comes for
 * such a stream meanwhile, in order; whether a stream may be is decided elsewhere.
 */
import type { Clock } from '../../machines/clock.js';
import type { Frame } from '../../proto/frame.js';

/** Frames kept of one stream whose turn has not come: a handshake or a reset, what precedes it, and little else. */
const MOST_FRAMES = 64;

/** What one turn has room for: a handshake, or some resets. */
const ROOM = 4;

/**
 * Handshakes whose first message is being read. One thread does the work of all: with more, all would be begun before the
 * first is done, and each has its actor and its keys meanwhile.
 */
const READ_AT_A_TIME = 1;

interface Waiting {
  readonly cost: number;
  readonly isArrival: boolean;
  readonly frames: Frame[];
}

export class Turnover {
  readonly #clock: Clock;
  readonly #mostArrivals: number;
  readonly #pass: (streamId: string, frames: readonly Frame[]) => void;
  readonly #waiting = new Map<string, Waiting>();
  #arrivals = 0;
  #reading = 0;
  #room = ROOM;
  /** Armed while this turn has not all its room any more. */
  #turn: unknown;

  /** At most `mostArrivals` wait; a further one is let in, or turned away, at once. */
  constructor(clock: Clock, mostArrivals: number, pass: (streamId: string, frames: readonly Frame[]) => void) {
    this.#clock = clock;
    this.#mostArrivals = mostArrivals;
    this.#pass = pass;
  }

  /** Whether these frames are kept for a later turn; `isServed` when the stream is there. */
  holds(streamId: string, frames: readonly Frame[], isServed: boolean): boolean {
    const waiting = this.#waiting.get(streamId);
    if (waiting !== undefined) {
      waiting.frames.push(...frames.slice(0, Math.max(0, MOST_FRAMES - waiting.frames.length)));
      return true;
    }
    const isArrival = !isServed && frames.some(({ body }) => body.kind === 'handshake');
    const isEnd = isServed && frames.some(({ body }) => body.kind === 'reset');
    if (!isArrival && !isEnd) return false;
    const cost = isArrival ? ROOM : 1;
    if (this.#waiting.size === 0 && this.#hasRoom(cost, isArrival)) {
      this.#room -= cost;
      this.#arm();
      return false;
    }
    if (isArrival && this.#arrivals >= this.#mostArrivals) return false;
    this.#waiting.set(streamId, { cost, isArrival, frames: [...frames] });
    if (isArrival) this.#arrivals += 1;
    this.#arm();
    return true;
  }

  /** The first message of one that was let in is being read until this settles, as which it does. */
  async reading<Result>(read: Promise<Result>): Promise<Result> {
    this.#reading += 1;
    try {
      return await read;
    } finally {
      this.#reading -= 1;
      if (this.#waiting.size > 0) this.#arm();
    }
  }

  /** The socket they came on is gone: no stream arrives on it any more, and every end is passed on now. */
  finish(): void {
    if (this.#turn !== undefined) this.#clock.clearTimeout(this.#turn);
    this.#turn = undefined;
    this.#room = ROOM;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#arrivals = 0;
    for (const [streamId, { isArrival, frames }] of waiting) if (!isArrival) this.#pass(streamId, frames);
  }

  #hasRoom(cost: number, isArrival: boolean): boolean {
    return this.#room >= cost && !(isArrival && this.#reading >= READ_AT_A_TIME);
  }

  #arm(): void {
    this.#turn ??= this.#clock.setTimeout(() => this.#next(), 0);
  }

  #next(): void {
    this.#turn = undefined;
    this.#room = ROOM;
    const passing: [string, Waiting][] = [];
    for (const [streamId, waiting] of this.#waiting) {
      if (this.#room === 0) break;
      if (!this.#hasRoom(waiting.cost, waiting.isArrival)) continue;
      this.#room -= waiting.cost;
      this.#waiting.delete(streamId);
      if (waiting.isArrival) this.#arrivals -= 1;
      passing.push([streamId, waiting]);
    }
    if (passing.length > 0) this.#arm();
    for (const [streamId, { frames }] of passing) this.#pass(streamId, frames);
  }
}
