/**
 * This end of a child's standard streams, whoever forked the child.
 */
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { ChildListener } from './host-child.js';

export class ChildPipes {
  readonly #stdin: Writable | null;
  readonly #outputs: readonly Socket[];
  readonly #listener: ChildListener;
  #open: number;

  constructor(stdin: Writable | null, stdout: Socket, stderr: Socket, listener: ChildListener) {
    this.#stdin = stdin;
    this.#outputs = [stdout, stderr];
    this.#listener = listener;
    this.#open = this.#outputs.length;
    stdin?.on('error', () => {
      // EPIPE: the child closed its input or is gone. Its exit tells the rest.
    });
  }

  get queuedInput(): number {
    return this.#stdin?.writableLength ?? 0;
  }

  write(bytes: Uint8Array): void {
    if (this.#stdin === null || !this.#stdin.writable) return;
    this.#stdin.write(bytes, () => this.#listener.inputTaken());
  }

  endInput(): void {
    this.#stdin?.end();
  }

  closeInput(): void {
    this.#stdin?.destroy();
  }

  pause(): void {
    for (const stream of this.#outputs) stream.pause();
  }

  resume(): void {
    for (const stream of this.#outputs) stream.resume();
  }

  abandon(): void {
    for (const stream of this.#outputs) stream.destroy();
    this.#stdin?.destroy();
  }

  /** Hands over output from now on, unless paused. `ended` follows the last of it. */
  read(ended: () => void): void {
    for (const [index, stream] of this.#outputs.entries()) {
      const name = index === 0 ? 'stdout' : 'stderr';
      stream.on('data', (bytes: Buffer) => this.#listener.output(name, bytes));
      stream.on('error', () => {
        // `close` follows and ends the stream.
      });
      stream.once('close', () => {
        this.#open--;
        if (this.#open === 0) ended();
      });
    }
  }
}
