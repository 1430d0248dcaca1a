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

/** What a chart's pictures could only call "inline": functions and numbers in place of names, with where they stand. */
export function unnamedParts(machine: AnyStateMachine): string[] {
  return [machine.root, ...allStates(machine)].flatMap(({ id, config }) => {
    const { entry, exit, on, after, always, invoke } = config;
    const delays = Object.keys(after ?? {}).filter((delay) => /^\d/.test(delay));
    const sources = listOf(invoke).filter((invoked) => typeof invoked.src !== 'string');
    const ends = listOf(invoke).flatMap((invoked) => [...listOf(invoked.onDone), ...listOf(invoked.onError)]);
    const tables = [...Object.values(on ?? {}), ...Object.values(after ?? {})].flatMap(listOf);
    const transitions = [...tables, ...listOf(always), ...ends].filter((transition) => typeof transition !== 'string');
    const actions = [...listOf(entry), ...listOf(exit), ...transitions.flatMap(({ actions }) => listOf(actions))];
    const guards = transitions.flatMap(({ guard }) => listOf(guard));
    const unnamed = [...actions, ...guards].filter((part) => typeof (part.type ?? part) !== 'string');
    return [...delays, ...sources, ...unnamed].map((part) => `${id}: ${String(part)}`);
  });
}

// The parts of a configuration are one of many shapes each; only names are looked for in them.
type Part = Record<string, unknown> & { readonly type?: unknown; readonly guard?: unknown; readonly actions?: unknown };

function listOf(parts: unknown): Part[] {
  if (parts === undefined) return [];
  return (Array.isArray(parts) ? parts : [parts]) as Part[];
}
