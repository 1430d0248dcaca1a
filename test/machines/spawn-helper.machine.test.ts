import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import { type SpawnHelperEffects, spawnHelperMachine } from '../../machines/spawn-helper.machine.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { activePaths, allStates, unnamedParts } from './charts.js';

const noEffects: SpawnHelperEffects = { startHelper: () => {}, killHelper: () => {}, dismissHelper: () => {} };

function started() {
  const clock = new StepClock();
  const done: string[] = [];
  const effects: SpawnHelperEffects = {
    startHelper: () => done.push('start'),
    killHelper: () => done.push('kill'),
    dismissHelper: () => done.push('dismiss'),
  };
  const actor = createActor(spawnHelperMachine, { clock, input: { effects } });
  actor.start();
  return { actor, clock, done };
}

describe('the spawn helper chart', () => {
  it('describes every state, names every part and reaches each state', () => {
    expect(unnamedParts(spawnHelperMachine)).toEqual([]);
    for (const state of allStates(spawnHelperMachine)) expect(state.description, state.id).toBeTruthy();
    const map = getAdjacencyMap(spawnHelperMachine, {
      input: { effects: noEffects },
      events: [
        { type: 'helper.wanted' },
        { type: 'helper.ready' },
        { type: 'helper.silent' },
        { type: 'helper.gone' },
        { type: 'broker.close' },
        ...['starting', 'serving', 'backingOff'].flatMap((state) =>
          ['startDeadline', 'provenTime', 'restartDelay'].map(
            (delay) => ({ type: `xstate.after.${delay}.spawnHelper.${state}` }) as never,
          ),
        ),
      ],
      // Failures only ever lengthen a delay.
      serializeState: (snapshot) => JSON.stringify(snapshot.value),
      limit: 10_000,
    });
    const reached = new Set(Object.values(map).flatMap(({ state }) => activePaths(state.value)));
    const paths = allStates(spawnHelperMachine).map((state) => state.path.join('.'));
    expect([...reached].sort()).toEqual(paths.sort());
  });

  it('starts a helper when the first child is wanted, and only one', () => {
    const { actor, done } = started();
    expect(done).toEqual([]);
    actor.send({ type: 'helper.wanted' });
    actor.send({ type: 'helper.wanted' });
    actor.send({ type: 'helper.ready' });
    actor.send({ type: 'helper.wanted' });
    expect(done).toEqual(['start']);
  });

  it('starts the next one at once, then ever later, and forgets failures of one that proved itself', () => {
    const { actor, clock, done } = started();
    actor.send({ type: 'helper.wanted' });
    const pauses: number[] = [];
    for (let failure = 0; failure < 9; failure++) {
      actor.send({ type: 'helper.gone' });
      const from = clock.now();
      clock.advance(Math.max(...clock.pending()) - from);
      pauses.push(clock.now() - from);
    }
    expect(pauses).toEqual([0, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
    expect(done).toHaveLength(10);
    actor.send({ type: 'helper.ready' });
    clock.advance(10_000);
    actor.send({ type: 'helper.gone' });
    clock.advance(0);
    expect(done).toHaveLength(11);
  });

  it('kills a helper that does not become ready or does not answer, and waits for its end', () => {
    const { actor, clock, done } = started();
    actor.send({ type: 'helper.wanted' });
    clock.advance(10_000);
    expect(done).toEqual(['start', 'kill']);
    clock.advance(60_000);
    expect(done).toEqual(['start', 'kill']);
    actor.send({ type: 'helper.gone' });
    clock.advance(0);
    actor.send({ type: 'helper.ready' });
    actor.send({ type: 'helper.silent' });
    expect(done).toEqual(['start', 'kill', 'start', 'kill']);
  });

  it('dismisses the helper once and starts none after the end', () => {
    const { actor, clock, done } = started();
    actor.send({ type: 'helper.wanted' });
    actor.send({ type: 'helper.ready' });
    actor.send({ type: 'broker.close' });
    clock.advance(60_000);
    expect(done).toEqual(['start', 'dismiss']);
    expect(actor.getSnapshot().status).toBe('done');
  });
});
