/**
 * Visits every state of a system, breadth first. A state is its whole canonical text: two states are the same when their
 * texts are, never because of a hash. What is wrong is told with the shortest way to it.
 */

export interface Move {
  readonly name: string;
  /** Canonical text of the state it leads to. */
  readonly next: string;
  /** It can only happen to several systems at once. */
  readonly isShared: boolean;
}

export interface System {
  readonly initial: string;
  /** Everything that can happen next. Throws where the step itself breaks the contract. */
  moves(state: string): readonly Move[];
  /** What is wrong with a state by itself; undefined when nothing is. */
  fault(state: string): string | undefined;
}

export interface Exploration {
  readonly states: readonly string[];
  readonly transitions: number;
  /** Moves on the way to the farthest state. */
  readonly depth: number;
}

export class ExplorationError extends Error {}

/** Throws {@link ExplorationError} at the first fault, and when there are more states than `mostStates`. */
export function explore(system: System, mostStates: number): Exploration {
  const places = new Map<string, number>([[system.initial, 0]]);
  const states = [system.initial];
  const parents = [-1];
  let transitions = 0;
  let depth = 0;
  let endOfLevel = 1;
  for (let place = 0; place < states.length; place += 1) {
    if (place === endOfLevel) {
      depth += 1;
      endOfLevel = states.length;
    }
    const state = states[place] as string;
    const fault = system.fault(state);
    if (fault !== undefined) throw new ExplorationError(`${fault}\n${way(place).join('\n')}`);
    for (const { next } of movesOf(place, state)) {
      transitions += 1;
      if (places.has(next)) continue;
      places.set(next, states.length);
      states.push(next);
      parents.push(place);
    }
    if (states.length > mostStates) throw new ExplorationError(`there are more than ${mostStates} states`);
  }
  return { states, transitions, depth };

  function movesOf(place: number, state: string): readonly Move[] {
    try {
      return system.moves(state);
    } catch (error) {
      throw new ExplorationError(`${(error as Error).message}\n${way(place).join('\n')}`, { cause: error });
    }
  }

  function way(place: number): string[] {
    const parent = parents[place] as number;
    const state = states[place] as string;
    if (parent === -1) return [`    ${state}`];
    const move = system.moves(states[parent] as string).find(({ next }) => next === state);
    return [...way(parent), `${move?.name}`, `    ${state}`];
  }
}
