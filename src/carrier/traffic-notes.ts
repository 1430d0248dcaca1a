/**
 * Keeps the connection's chart informed of what passes over its carrier, at the cost of a few numbers a frame: the chart
 * reads them when its timers fire, and is told only that something is owed after nothing was.
 */
import type { Clock } from '../../machines/clock.js';
import { newTraffic, type Traffic } from '../../machines/protocol/traffic.js';
import { type Frame, isReliable } from '../../proto/frame.js';

export class TrafficNotes {
  readonly traffic: Traffic = newTraffic();
  readonly #clock: Clock;
  readonly #owed: () => void;

  constructor(clock: Clock, owed: () => void) {
    this.#clock = clock;
    this.#owed = owed;
  }

  /** Anything came: a message, a pong, or a whole new socket. */
  heard(): void {
    const { traffic } = this;
    traffic.heardAt = this.#clock.now();
    traffic.owedSince = undefined;
    traffic.plainBytes = 0;
  }

  sent(frames: readonly Frame[]): void {
    const { traffic } = this;
    let owes = false;
    for (const frame of frames) {
      // An acknowledgement is never answered.
      if (frame.body.kind === 'ack') continue;
      owes = true;
      if (frame.body.kind === 'data' && !isReliable(frame)) traffic.plainBytes += frame.body.payload.length;
    }
    if (!owes || traffic.owedSince !== undefined) return;
    traffic.owedSince = this.#clock.now();
    if (!traffic.watched) this.#owed();
  }
}
