/**
 * What is observed, written down as lines of a recording, as fast as whoever takes them can. It never waits and never
 * drops in silence: what could not be taken is counted, said, and followed by everything that is there.
 */
import type { Observation } from '../observe/observation.js';
import type { ObservationRecord } from '../observe/record.js';
import { record } from '../observe/recorder.js';

/** Where lines go: a file, a socket. */
export interface TapeSink {
  /** Bytes handed over that were not taken yet. */
  readonly waitingBytes: number;
  /** Whole lines, each with its end. */
  write(lines: string): void;
}

export interface TapeOptions {
  /** Frames carry their payload. */
  readonly payloads?: boolean;
  /** Of the program's chance. */
  readonly seed?: number;
}

/** Between two writes: what happens in a burst is one. */
const TICK_MS = 20;
/** Whoever has so much to take gets nothing more until half of it is taken. */
const SLOW_BYTES = 8 * 1024 * 1024;

export class Tape {
  readonly #observation: Observation;
  readonly #sink: TapeSink;
  readonly #options: TapeOptions;
  readonly #timer: NodeJS.Timeout;
  #stop: () => void;
  #lines: string[] = [];
  #lineBytes = 0;
  /** Dropped since whoever takes them was found to be slow; 0 when it keeps up. */
  #dropped = 0;

  constructor(observation: Observation, sink: TapeSink, options: TapeOptions = {}) {
    this.#observation = observation;
    this.#sink = sink;
    this.#options = options;
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
    return record(this.#observation, { ...this.#options, write: (one) => this.#write(one) });
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
    return { type: 'records.dropped', at: this.#observation.clock.now(), count: this.#dropped, why: 'slow' };
  }
}
