/**
 * The terminal this program runs in, while a remote one is shown in it: raw, so that every key goes over there, and put
 * back as it was whatever happens. `~.` at the start of a line leaves, as with ssh.
 */
import { Transform, type TransformCallback } from 'node:stream';
import type { TerminalSize } from '../harness/remote-process.js';

const TILDE = 0x7e;
const DOT = 0x2e;
const CARRIAGE_RETURN = 0x0d;
const NEWLINE = 0x0a;

/** The size of the terminal that output goes to; undefined where it goes to none. */
export function terminalSize(): TerminalSize | undefined {
  const { columns: cols, rows, isTTY } = process.stdout;
  return isTTY && cols > 0 && rows > 0 ? { rows, cols } : undefined;
}

export class LocalTerminal {
  readonly #onResize: () => void;
  #isRaw = false;

  /** `resized` is called with each new size, until `restore`. */
  constructor(resized: (size: TerminalSize) => void) {
    this.#onResize = () => {
      const size = terminalSize();
      if (size !== undefined) resized(size);
    };
    process.stdout.on('resize', this.#onResize);
    process.once('exit', this.restore);
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    this.#isRaw = true;
  }

  /** May be called again. */
  readonly restore = (): void => {
    process.stdout.off('resize', this.#onResize);
    process.off('exit', this.restore);
    if (this.#isRaw) process.stdin.setRawMode(false);
    this.#isRaw = false;
  };
}

/** Keys on their way, but for `~.` at the start of a line: then `leave` is called. `~~` there is one `~`. */
export class EscapeWatch extends Transform {
  readonly #leave: () => void;
  #place: 'lineStart' | 'tilde' | 'line' = 'lineStart';

  constructor(leave: () => void) {
    super();
    this.#leave = leave;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const passed: number[] = [];
    for (const key of chunk) {
      if (this.#place === 'tilde') {
        this.#place = 'line';
        if (key === DOT) {
          this.#leave();
          continue;
        }
        if (key !== TILDE) passed.push(TILDE);
      } else if (this.#place === 'lineStart' && key === TILDE) {
        this.#place = 'tilde';
        continue;
      }
      passed.push(key);
      this.#place = key === CARRIAGE_RETURN || key === NEWLINE ? 'lineStart' : 'line';
    }
    done(null, Buffer.from(passed));
  }
}
