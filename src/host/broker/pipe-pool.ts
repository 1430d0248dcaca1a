/**
 * The daemon's ends of pipes whose other ends the helper holds ready, so that a start costs neither of them a file
 * system call. When the helper is gone they lead nowhere and are closed.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { callSystem } from '../os-error.js';
import type { PipeMade, PipesMade } from './helper-message.js';

export interface PipeEnd {
  /** The helper's name for it. */
  readonly number: number;
  readonly descriptor: number;
}

/** Fewer than this, and more are asked for; input only once some child wanted it. */
const LOW = { output: 16, input: 2 };
/** The helper makes its first pipes before it is ready, so these are few. */
const FIRST = { output: 16, input: 0 };
const MORE = { output: 64, input: 8 };
/** No more at a time, however many starts wait: they wait for their turn in the helper anyway. */
const MOST_AT_A_TIME = 128;

export class PipePool {
  readonly #output: PipeEnd[] = [];
  readonly #input: PipeEnd[] = [];
  #inputTaken = false;

  get first(): { readonly output: number; readonly input: number } {
    return FIRST;
  }

  /** What to ask for, given the starts that wait; undefined while there is enough. */
  shortage(waiting: number, waitingForInput: number): { readonly output: number; readonly input: number } | undefined {
    const output = this.#output.length < LOW.output + 2 * waiting;
    const input = this.#inputTaken || waitingForInput > 0 ? this.#input.length < LOW.input + waitingForInput : false;
    if (!output && !input) return undefined;
    return {
      output: output ? Math.min(Math.max(MORE.output, 2 * waiting), MOST_AT_A_TIME) : 0,
      input: input ? Math.min(Math.max(MORE.input, waitingForInput), MOST_AT_A_TIME) : 0,
    };
  }

  has(output: number, input: number): boolean {
    return this.#output.length >= output && this.#input.length >= input;
  }

  takeOutput(): PipeEnd {
    return taken(this.#output);
  }

  takeInput(): PipeEnd {
    this.#inputTaken = true;
    return taken(this.#input);
  }

  /** Opens our ends. Throws OsError, with none of them kept. */
  add(made: PipesMade): void {
    const opened: PipeEnd[] = [];
    const open = ({ number, path }: PipeMade, mode: number): PipeEnd => {
      const end = { number, descriptor: callSystem(() => openSync(path, mode | constants.O_NONBLOCK)) };
      opened.push(end);
      return end;
    };
    try {
      const output = made.output.map((pipe) => open(pipe, constants.O_RDONLY));
      const input = made.input.map((pipe) => open(pipe, constants.O_WRONLY));
      this.#output.push(...output);
      this.#input.push(...input);
    } catch (error) {
      for (const { descriptor } of opened) closeSync(descriptor);
      throw error;
    }
  }

  clear(): void {
    for (const { descriptor } of [...this.#output, ...this.#input]) closeSync(descriptor);
    this.#output.length = 0;
    this.#input.length = 0;
  }
}

/** Oldest first: the order in which the helper made them. */
function taken(ends: PipeEnd[]): PipeEnd {
  const end = ends.shift();
  if (end === undefined) throw new Error('no pipe is left: ask has() first');
  return end;
}
