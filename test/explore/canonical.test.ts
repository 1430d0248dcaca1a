import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { observeRoundTrip, unmeasuredRoundTrip } from '../../machines/protocol/round-trip.js';
import * as resuming from '../../machines/stream-resume.js';
import * as steps from '../../machines/stream-steps.js';
import type { Move } from './explore.js';
import type { StreamEndState } from './stream-end.js';
import { type Side, StreamSystem } from './stream-system.js';

const NAMES = ['harness', 'executor'] as const;

/** An end that lives in time: what the canonical text leaves out is all there. */
class LivingEnd {
  readonly #system: StreamSystem;
  readonly #side: Side;
  #state: StreamEndState;
  #now = 0;

  constructor(system: StreamSystem, side: Side) {
    this.#system = system;
    this.#side = side;
    const { context, ...rest } = system.codec(side).fresh;
    this.#state = { ...rest, context: { ...context, meter: { current: unmeasuredRoundTrip } } };
  }

  get text(): string {
    return this.#system.codec(this.#side).encode(this.#state);
  }

  wait(ms: number): void {
    this.#now += ms;
  }

  /** Does what a move of the explorer is named after. */
  act(move: string): void {
    const [, frame] = move.split(' gets ');
    const { context, given } = this.#state;
    const message = this.#system.codec(this.#side).load.messages[given];
    if (frame !== undefined) {
      this.#apply(steps.receiveReliable(context, [this.#system.frame(frame, this.#side)], this.#now));
    } else if (move.endsWith('sends again')) this.#apply(steps.retransmitDue(context, this.#now, 0.3));
    else if (move.endsWith('sends') && message !== undefined) {
      this.#state = { ...this.#state, given: given + 1 };
      const isAttached = context.carrier === 'attached';
      this.#apply(
        isAttached ? steps.sendReliable(context, [message], this.#now, true) : steps.keep(context, [message]),
      );
    } else if (move.endsWith('acknowledges')) this.#apply(steps.acknowledgeAlone(context));
    else if (move.endsWith('announces')) this.#apply(resuming.announce(context));
    else if (move.endsWith('loses its carrier')) this.#apply(resuming.loseCarrier(context, this.#now));
    else if (move.endsWith('has a new carrier')) {
      this.#apply(resuming.resume(context, this.#now));
      this.#apply(resuming.sendUnasked(this.#state.context, this.#now));
    } else throw new Error(`nobody knows how to do: ${move}`);
  }

  #apply({ patch, messages, roundTripMs, fact }: steps.Step): void {
    expect(fact).toBeUndefined();
    const context = { ...this.#state.context, ...patch };
    if (roundTripMs !== undefined) context.meter.current = observeRoundTrip(context.meter.current, roundTripMs);
    this.#state = { ...this.#state, context, delivered: this.#state.delivered + messages.length };
  }
}

describe('the canonical text of a stream', () => {
  const turns = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 0, 1, 12, 95, 3000)), { maxLength: 60 });

  it('leaves out nothing that decides what can happen: whatever an end does in time, the explorer does', () => {
    const system = new StreamSystem({ windowSegments: 3, harness: [1, 2, 1], executor: [2, 1], carrierLosses: 2 });
    fc.assert(
      fc.property(turns, (choices) => {
        const ends = [new LivingEnd(system, 0), new LivingEnd(system, 1)] as const;
        let state = system.initial;
        for (const [choice, waitMs] of choices) {
          for (const end of ends) end.wait(waitMs);
          const moves = system.moves(state);
          if (moves.length === 0) break;
          const { name } = moves[choice % moves.length] as Move;
          const side: Side = name.startsWith(NAMES[0]) ? 0 : 1;
          ends[side].act(name);
          const texts = ends.map((end) => end.text).join('|');
          const next = moves.find((move) => move.name === name && move.next.startsWith(`${texts}|`));
          expect(next, `${state}\n${name} leads to\n${texts}`).toBeDefined();
          state = next?.next ?? state;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
