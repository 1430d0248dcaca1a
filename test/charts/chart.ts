/** What a machine's definition says, as plain data that can be drawn. Positions are not its business. */

export type StateKind = 'atomic' | 'compound' | 'parallel' | 'final' | 'history';

/** What makes a transition be taken. */
export type TransitionKind = 'event' | 'after' | 'always' | 'done' | 'error';

export interface ChartTransition {
  /** `<source id>|<event type>|<index among the candidates of that event at that source>`, as XState has them. */
  readonly key: string;
  readonly source: string;
  /** Ids; none when the state is not left. */
  readonly targets: readonly string[];
  readonly kind: TransitionKind;
  /** As a person reads it: `frames`, `after ackDelay`, `always`, `done(locate)`. */
  readonly trigger: string;
  readonly guard: string | undefined;
  readonly actions: readonly string[];
  /** The state around source and target is left and entered anew. */
  readonly reenters: boolean;
  /** From 1, when the event has more than one candidate here. */
  readonly candidate: number | undefined;
}

export interface ChartState {
  /** The dotted path from the root of the machine. */
  readonly id: string;
  readonly name: string;
  readonly kind: StateKind;
  /** One of the regions of a parallel state. */
  readonly isRegion: boolean;
  readonly description: string;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** Ids of the actors it invokes. */
  readonly invoked: readonly string[];
  /** Ids of the states it starts in; none for parallel states and leaves. */
  readonly initial: readonly string[];
  readonly transitions: readonly ChartTransition[];
  readonly children: readonly ChartState[];
}

/** A definition that cannot be drawn as it is; the message says what to give a name or a description. */
export class ChartError extends Error {
  override readonly name = 'ChartError';
}

/** The state and everything in it, parents first. */
export function statesOf(state: ChartState): ChartState[] {
  return [state, ...state.children.flatMap(statesOf)];
}

/** Whether `id` is a state inside `ancestor`, or that state itself. */
export function isWithin(id: string, ancestor: string): boolean {
  return id === ancestor || id.startsWith(`${ancestor}.`);
}
