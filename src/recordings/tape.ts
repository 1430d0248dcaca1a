/**
 * What is observed, written down as lines of a recording, as fast as whoever takes them can. It never waits and never
 * drops in silence: what could not be taken is counted, said, and followed by everything that is there.
 */
import type { Clock } from '../../machines/clock.js';
import type { ObservationRecord } from '../observe/record.js';

/** Where lines go: a file, a socket. */
export interface TapeSink {
  /** Bytes handed over that were not taken yet. */
  readonly waitingBytes: number;
  /** Whole lines, each with its end. */
  write(lines: string): void;
}

/** Where records come from: begins with the head and everything that is there, and answers with how to stop. */
export type TapeSource = (write: (one: ObservationRecord) => void) => () => void;

/** Between two writes: what happens in a burst is one. */
const TICK_MS = 20;
/** Whoever has so much to take gets nothing more until half of it is taken. */
const SLOW_BYTES = 8 * 1024 * 1024;

export class Tape {
  readonly #source: TapeSource;
  readonly #sink: TapeSink;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #timer: NodeJS.Timeout;
  #stop: () => void;
  #lines: string[] = [];
  #lineBytes = 0;
  /** Dropped since whoever takes them was found to be slow; 0 when it keeps up. */
  #dropped = 0;

  /** `clock` is the one that the records go by. */
  constructor(source: TapeSource, sink: TapeSink, clock: Pick<Clock, 'now'>) {
    this.#source = source;
    this.#sink = sink;
    this.#clock = clock;
    this.#stop = this.#record();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Hands over what is there, and stops. */
  close(): void {
    clearInterval(this.#timer);
    this.#stop();
    if (this.#dropped > 0) this.#keep(this.#droppedRecord());
    this.#handOver();
  }

  #record(): () => void {
    return this.#source((one) => this.#write(one));
  }

  #write(one: ObservationRecord): void {
    if (this.#dropped > 0 || this.#lineBytes + this.#sink.waitingBytes > SLOW_BYTES) this.#dropped += 1;
    else this.#keep(one);
  }

  #keep(one: ObservationRecord): void {
    const line = `${JSON.stringify(one)}\n`;
    this.#lines.push(line);
    this.#lineBytes += line.length;
  }

  #tick(): void {
    this.#handOver();
    if (this.#dropped > 0 && this.#sink.waitingBytes <= SLOW_BYTES / 2) this.#beginAnew();
  }

  #handOver(): void {
    if (this.#lines.length === 0) return;
    this.#sink.write(this.#lines.join(''));
    this.#lines = [];
    this.#lineBytes = 0;
  }

  /** What was dropped may have been anything, so it is told again what is there. */
  #beginAnew(): void {
    this.#stop();
    this.#keep(this.#droppedRecord());
    this.#dropped = 0;
    this.#stop = this.#record();
  }

  #droppedRecord(): ObservationRecord {
    return { type: 'records.dropped', at: this.#clock.now(), count: this.#dropped, why: 'slow' };
  }
}
