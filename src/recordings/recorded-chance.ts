/**
 * The random numbers of a recording, given out again to whoever drew them, each once and in order.
 */
import type { ChanceRecord } from '../observe/record.js';
import type { RecordedLine } from './recording-reader.js';

export class RecordedChance {
  readonly #draws: { readonly index: number; readonly record: ChanceRecord }[] = [];
  #next = 0;

  constructor(lines: readonly RecordedLine[]) {
    for (const [index, { record }] of lines.entries()) {
      if (record.type === 'chance.drawn') this.#draws.push({ index, record });
    }
  }

  /** The first number of that endpoint that was drawn on this line of the recording or later; 0 where there is none. */
  draw(endpoint: number, line: number): number {
    for (let index = this.#next; index < this.#draws.length; index += 1) {
      const draw = this.#draws[index];
      if (draw === undefined || draw.index < line || draw.record.endpoint !== endpoint) continue;
      if (index === this.#next) this.#next += 1;
      else this.#draws.splice(index, 1);
      return draw.record.value;
    }
    return 0;
  }
}
