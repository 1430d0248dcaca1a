/**
 * This end of a child's pseudoterminal, whoever forked the child: output without loss, input without blocking.
 *
 * The slave side is held open here until the leader's output is read: while somebody holds it the kernel reports no
 * hang-up, so that an empty read after the exit proves that nothing is left (DESIGN §10).
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { ChildListener, TerminalSize } from './host-child.js';
import { loadNativePty } from './pty-native.js';

const READ_BYTES = 16 * 1024;
/** More than a terminal holds: what comes after that much is not the leader's last output. */
const DRAIN_BYTES = 256 * 1024;
/** A terminal whose program does not read takes no more input; the kernel does not tell when it does again. */
const INPUT_RETRY_MS = 10;
const END_OF_TRANSMISSION = Buffer.from([4]);

export class TerminalStream {
  readonly #master: number;
  readonly #stream: ReadStream;
  readonly #listener: ChildListener;
  readonly #streamEnded: () => void;
  #slave: number | undefined;
  #input: Uint8Array[] = [];
  #queuedInput = 0;
  #retry: NodeJS.Timeout | undefined;
  #paused = false;
  #exited = false;
  #drained = 0;
  #closed = false;

  /** Owns both descriptors from now on, unless it throws. `ended` follows the last output. */
  constructor(master: number, slave: number, listener: ChildListener, ended: () => void) {
    this.#master = master;
    this.#slave = slave;
    this.#listener = listener;
    this.#streamEnded = ended;
    this.#stream = new ReadStream(master);
    this.#stream.on('data', (bytes: Buffer) => listener.output('pty', bytes));
    this.#stream.on('error', () => {
      // EIO: nobody holds the terminal any more; `close` follows.
    });
    // The kernel may hand over an end while bytes are left; they are read before the descriptor is closed.
    this.#stream.once('end', () => this.#readAll());
    this.#stream.once('close', () => this.#ended());
  }

  get queuedInput(): number {
    return this.#queuedInput;
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#exited || bytes.byteLength === 0) return;
    this.#input.push(bytes);
    this.#queuedInput += bytes.byteLength;
    if (this.#retry === undefined) this.#writeInput();
  }

  endInput(): void {
    this.write(END_OF_TRANSMISSION);
  }

  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#exited && this.#slave !== undefined) this.#drain();
    else this.#stream.resume();
  }

  /** False when the terminal is hung up: its descriptor may belong to something else by now. */
  resize({ rows, cols }: TerminalSize): boolean {
    if (this.#closed || this.#stream.destroyed) return false;
    loadNativePty().resize(this.#master, cols, rows);
    return true;
  }

  abandon(): void {
    this.#stream.destroy();
  }

  /** Its last output is read before this returns, unless paused. */
  leaderExited(): void {
    this.#exited = true;
    this.#dropInput();
    this.#stream.pause();
    if (!this.#paused) this.#drain();
  }

  /** Reads what the leader left; then only descendants can still write, and the stream tells when they are gone. */
  #drain(): void {
    // What the stream read before it was paused comes first; `read` hands it to the `data` listener.
    while (!this.#paused && this.#stream.readableLength > 0) this.#stream.read();
    while (!this.#paused && !this.#closed && this.#drained < DRAIN_BYTES) {
      const bytes = this.#readOnce();
      if (bytes === undefined) break;
      this.#drained += bytes.byteLength;
      this.#listener.output('pty', bytes);
    }
    if (this.#paused || this.#closed) return;
    this.#releaseSlave();
    this.#stream.resume();
  }

  #readAll(): void {
    for (let bytes = this.#readOnce(); bytes !== undefined; bytes = this.#readOnce()) {
      this.#listener.output('pty', bytes);
    }
  }

  #readOnce(): Buffer | undefined {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    try {
      const count = readSync(this.#master, buffer);
      return count === 0 ? undefined : buffer.subarray(0, count);
    } catch {
      // EAGAIN: empty; EIO: empty, and nobody holds the other side.
      return undefined;
    }
  }

  #writeInput(): void {
    this.#retry = undefined;
    for (let next = this.#input[0]; next !== undefined; next = this.#input[0]) {
      const written = this.#writeOnce(next);
      if (written === 0) {
        this.#retry = setTimeout(() => this.#writeInput(), INPUT_RETRY_MS);
        return;
      }
      this.#queuedInput -= written;
      if (written < next.byteLength) this.#input[0] = next.subarray(written);
      else this.#input.shift();
      this.#listener.inputTaken();
    }
  }

  #writeOnce(bytes: Uint8Array): number {
    try {
      return writeSync(this.#master, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      // EIO: the terminal is hung up; its input goes nowhere.
      return bytes.byteLength;
    }
  }

  #dropInput(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#input = [];
    this.#queuedInput = 0;
    this.#listener.inputTaken();
  }

  #releaseSlave(): void {
    if (this.#slave === undefined) return;
    closeSync(this.#slave);
    this.#slave = undefined;
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#releaseSlave();
    this.#dropInput();
    this.#streamEnded();
  }
}
