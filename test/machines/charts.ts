/**
 * Looks at a statechart from outside: all its states, and those that a walk over its events reaches.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

export function allStates(machine: AnyStateMachine): AnyStateNode[] {
  const below = (node: AnyStateNode): AnyStateNode[] =>
    Object.values(node.states).flatMap((child) => [child, ...below(child)]);
  return below(machine.root);
}

/** Paths of the states active in a state value, such as `live.leader.running`. */
export function activePaths(value: unknown, prefix = ''): string[] {
  if (typeof value === 'string') return [prefix + value];
  return Object.entries(value as object).flatMap(([key, inner]) => [
    prefix + key,
    ...(typeof inner === 'object' && Object.keys(inner as object).length === 0
      ? []
      : activePaths(inner, `${prefix}${key}.`)),
  ]);
}
