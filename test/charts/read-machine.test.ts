import { describe, expect, it } from 'vitest';
import { fromPromise, not, setup } from 'xstate';
import { ChartError, statesOf } from './chart.js';
import { readMachine } from './read-machine.js';

const words = setup({
  actions: { note: () => {}, tell: (_, _params: { text: string }) => {} },
  guards: { isReady: () => true },
  delays: { patience: 10 },
  actors: { fetch: fromPromise(async () => 1) },
});

/** A machine of one state, which has a description, and what is under test. */
function machineOf(state: Parameters<typeof words.createMachine>[0]) {
  return words.createMachine({ id: 'm', description: 'A machine.', ...state });
}

function only(state: Parameters<typeof words.createMachine>[0]) {
  return readMachine(machineOf(state));
}

describe('reading a machine', () => {
  it('keys a transition by its source, its event and its place among the candidates, as xstate has them', () => {
    const machine = machineOf({ on: { go: [{ guard: 'isReady', actions: 'note' }, { actions: 'note' }] } });
    const transitions = readMachine(machine).transitions;
    const kept = machine.root.transitions.get('go') ?? [];
    expect(transitions.map(({ key }) => key)).toEqual(
      kept.map((one) => `${one.source.id}|${one.eventType}|${kept.indexOf(one)}`),
    );
    expect(transitions).toMatchObject([
      { trigger: 'go', guard: 'isReady', actions: ['note'], candidate: 1, targets: [], kind: 'event' },
      { guard: undefined, candidate: 2 },
    ]);
  });

  it('names parameterised guards and actions by their type', () => {
    const { transitions } = only({ on: { go: { actions: { type: 'tell', params: () => ({ text: 'x' }) } } } });
    expect(transitions[0]?.actions).toEqual(['tell']);
  });

  it('tells events from delays, from guards alone, and from the ends of actors', () => {
    const { transitions } = only({
      invoke: { id: 'fetch', src: 'fetch', onDone: { actions: 'note' }, onError: { actions: 'note' } },
      always: { guard: 'isReady', actions: 'note' },
      after: { patience: { actions: 'note' } },
    });
    expect(transitions.map(({ kind, trigger }) => [kind, trigger])).toEqual([
      ['always', 'always'],
      ['done', 'done(fetch)'],
      ['error', 'error(fetch)'],
      ['after', 'after patience'],
    ]);
    expect(transitions[0]?.key).toBe('m||0');
  });

  it('calls an actor without an id by its source', () => {
    const state = only({ invoke: { src: 'fetch', onDone: { actions: 'note' } } });
    expect(state.invoked).toEqual(['fetch']);
    expect(state.transitions[0]).toMatchObject({ trigger: 'done(fetch)', key: 'm|xstate.done.actor.0.m|0' });
  });

  it('leaves out the actions with which xstate keeps its timers', () => {
    const state = only({ after: { patience: { actions: 'note' } }, entry: 'note' });
    expect(state).toMatchObject({ entry: ['note'], exit: [] });
  });

  it('knows regions, where a state starts, and what is final', () => {
    const chart = only({
      type: 'parallel',
      states: { one: { description: '1', initial: 'a', states: { a: { description: 'a', type: 'final' } } } },
    });
    expect(statesOf(chart).map(({ id, kind, isRegion, initial }) => [id, kind, isRegion, initial])).toEqual([
      ['m', 'parallel', false, []],
      ['m.one', 'compound', true, ['m.one.a']],
      ['m.one.a', 'final', false, []],
    ]);
  });

  it.each([
    ['a state without a description', { initial: 'dumb', states: { dumb: {} } }, 'm.dumb has no description'],
    ['a description that says nothing', { description: ' ' }, 'm has no description'],
    ['an action written in place', { entry: () => {} }, 'an action has no name'],
    ['a guard written in place', { always: { guard: () => false, actions: 'note' } }, 'a guard has no name'],
    ['guards joined in place', { always: { guard: not('isReady'), actions: 'note' } }, 'a guard has no name'],
    ['a number for a delay', { after: { 50: { actions: 'note' } } }, 'a delay of 50 has no name'],
    ['an actor written in place', { invoke: { src: fromPromise(async () => 1) } }, 'an invoked actor has no name'],
    [
      'a state with an id of its own',
      { initial: 'a', states: { a: { id: 'mine', description: 'a' } } },
      'its id is its path',
    ],
  ] as const)('refuses %s', (_, state, message) => {
    const read = () => only(state as Parameters<typeof words.createMachine>[0]);
    expect(read).toThrow(ChartError);
    expect(read).toThrow(message);
  });
});
