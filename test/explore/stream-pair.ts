/**
 * Two streams on one carrier: each makes its moves by itself, except that a carrier is lost and replaced for both at
 * once. Nothing else joins them (the round trip they share only decides how long is waited, which the explorer does
 * not count), so what is shown of one stream alone holds for each of two: this system is there to show that.
 */
import type { Move, System } from './explore.js';

const BETWEEN = '#';

export class StreamPair implements System {
  readonly #stream: System;

  constructor(stream: System) {
    this.#stream = stream;
  }

  get initial(): string {
    return [this.#stream.initial, this.#stream.initial].join(BETWEEN);
  }

  moves(state: string): readonly Move[] {
    const [one, two] = streamsOf(state);
    const ofOne = this.#stream.moves(one);
    const ofTwo = this.#stream.moves(two);
    const shared = ofOne.filter(({ isShared }) => isShared);
    return [
      ...ofOne.filter(({ isShared }) => !isShared).map((move) => ({ ...move, next: move.next + BETWEEN + two })),
      ...ofTwo.filter(({ isShared }) => !isShared).map((move) => ({ ...move, next: one + BETWEEN + move.next })),
      ...shared.flatMap((move) => {
        const same = ofTwo.find(({ name }) => name === move.name);
        if (same === undefined) throw new Error(`only one of two streams: ${move.name}`);
        return { ...move, next: move.next + BETWEEN + same.next };
      }),
    ];
  }

  fault(state: string): string | undefined {
    const [one, two] = streamsOf(state);
    return this.#stream.fault(one) ?? this.#stream.fault(two);
  }
}

export function streamsOf(state: string): [string, string] {
  const [one = '', two = ''] = state.split(BETWEEN);
  return [one, two];
}
