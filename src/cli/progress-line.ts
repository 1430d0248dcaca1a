/**
 * How a copy goes, on one line of a terminal: what, how much of it, how fast, and for how long still.
 */
import type { WriteStream } from 'node:tty';

const PERIOD_MS = 200;
/** Of the mean that the speed is, so that the line can be read. */
const SPEED_MS = 3000;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export class ProgressLine {
  readonly #terminal: WriteStream;
  readonly #timer: NodeJS.Timeout;
  #name = '';
  #started = 0;
  #done = 0;
  #total = 0;
  #speed = 0;
  #lastDone = 0;
  #lastMs = performance.now();

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.#draw(), PERIOD_MS).unref();
  }

  /** Bytes that are to be copied, beside those named before. */
  expected(bytes: number): void {
    this.#total += bytes;
  }

  started(name: string): void {
    this.#name = name;
    this.#started += 1;
  }

  advanced(bytes: number): void {
    this.#done += bytes;
  }

  /** Out of the way of something that is to be read. */
  clear(): void {
    this.#terminal.write('\r\x1b[K');
  }

  /** Leaves the last state in place. */
  finish(): void {
    clearInterval(this.#timer);
    this.#draw();
    this.#terminal.write('\n');
  }

  #draw(): void {
    const now = performance.now();
    const elapsed = now - this.#lastMs;
    if (elapsed > 0) {
      const latest = ((this.#done - this.#lastDone) / elapsed) * 1000;
      const weight = this.#lastDone === 0 ? 1 : Math.min(1, elapsed / SPEED_MS);
      this.#speed += (latest - this.#speed) * weight;
    }
    this.#lastDone = this.#done;
    this.#lastMs = now;
    this.#terminal.write(`\r${this.#text().slice(0, this.#terminal.columns - 1)}\x1b[K`);
  }

  #text(): string {
    const share = this.#total === 0 ? 100 : Math.min(100, Math.floor((this.#done / this.#total) * 100));
    const left = this.#speed > 0 ? Math.max(0, this.#total - this.#done) / this.#speed : 0;
    const what = this.#started > 1 ? `${this.#started} files` : printable(this.#name);
    const amount = `${formatBytes(this.#done)} of ${formatBytes(Math.max(this.#total, this.#done))}`;
    return `${what}  ${share}%  ${amount}  ${formatBytes(this.#speed)}/s  ${formatTime(left)}`;
  }
}

/** Names may hold anything, and what a terminal would do with it. */
function printable(name: string): string {
  return name.replace(/\p{C}/gu, '?');
}

function formatBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${value.toFixed(step === 0 || value >= 100 ? 0 : 1)} ${UNITS[step]}`;
}

function formatTime(seconds: number): string {
  const whole = Math.round(seconds);
  const tail = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, '0')).join(':');
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${tail}` : tail;
}
