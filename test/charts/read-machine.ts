/**
 * Reads the definition of a machine into a chart. Everything must have a name: what is written in place (a function as
 * an action or a guard, a number as a delay) says nothing to who looks at the picture, and is refused.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { ChartError, type ChartState, type ChartTransition, type TransitionKind } from './chart.js';

/** What xstate keeps an action or a guard as. */
type Named = string | { readonly type: string } | ((...args: never[]) => unknown);

export function readMachine(machine: AnyStateMachine): ChartState {
  return readState(machine.root);
}

function readState(node: AnyStateNode): ChartState {
  if (node.id !== [node.machine.id, ...node.path].join('.')) {
    throw new ChartError(`${node.id}: a state may have no id of its own; its id is its path`);
  }
  const description = node.description?.trim();
  if (!description) throw new ChartError(`${node.id} has no description`);
  const always = node.always ?? [];
  const listed = [...node.transitions].flatMap(([type, candidates]) => candidatesOf(node, type, candidates));
  return {
    id: node.id,
    name: node.key,
    kind: node.type,
    isRegion: node.parent?.type === 'parallel',
    description,
    entry: actionsOf(node, node.entry),
    exit: actionsOf(node, node.exit),
    invoked: node.invoke.map((invoked) => invokedName(node, invoked)),
    initial: node.type === 'compound' ? (node.initial.target ?? []).map((target) => target.id) : [],
    transitions: [...candidatesOf(node, '', always), ...listed],
    children: Object.values(node.states).map(readState),
  };
}

function candidatesOf(
  node: AnyStateNode,
  type: string,
  candidates: readonly AnyTransitionDefinition[],
): ChartTransition[] {
  return candidates.map((transition, index) => ({
    key: `${node.id}|${type}|${index}`,
    source: node.id,
    targets: (transition.target ?? []).map((target) => target.id),
    ...triggerOf(node, type, transition),
    guard: transition.guard === undefined ? undefined : nameOf(node, 'guard', transition.guard as Named),
    actions: actionsOf(node, transition.actions),
    reenters: transition.reenter && transition.target !== undefined,
    candidate: candidates.length > 1 ? index + 1 : undefined,
  }));
}

function triggerOf(
  node: AnyStateNode,
  type: string,
  transition: AnyTransitionDefinition,
): { kind: TransitionKind; trigger: string } {
  if (type === '') return { kind: 'always', trigger: 'always' };
  if ('delay' in transition && transition.delay !== undefined) {
    if (typeof transition.delay === 'number')
      throw new ChartError(`${node.id}: a delay of ${transition.delay} has no name`);
    return { kind: 'after', trigger: `after ${String(transition.delay)}` };
  }
  const [, outcome, actor] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(type) ?? [];
  if (outcome !== undefined) {
    const invoked = node.invoke.find(({ id }) => id === actor);
    const name = invoked && !hasOwnId(node, invoked.id) ? invoked.src : actor;
    return { kind: outcome as 'done' | 'error', trigger: `${outcome}(${name})` };
  }
  if (type.startsWith('xstate.done.state.')) return { kind: 'done', trigger: 'done' };
  return { kind: 'event', trigger: type };
}

function actionsOf(node: AnyStateNode, actions: readonly unknown[]): string[] {
  return actions.filter((action) => !isTimer(action)).map((action) => nameOf(node, 'action', action as Named));
}

/** `after` is kept by xstate as an action on entry and another on exit, which nobody wrote. */
function isTimer(action: unknown): boolean {
  if (typeof action !== 'function') return false;
  const { id, sendId } = action as { id?: unknown; sendId?: unknown };
  return String(id ?? sendId).startsWith('xstate.after.');
}

function nameOf(node: AnyStateNode, what: 'guard' | 'action', named: Named): string {
  if (typeof named === 'string') return named;
  if (typeof named === 'object' && !named.type.startsWith('xstate.')) return named.type;
  throw new ChartError(`${node.id}: ${what === 'action' ? 'an' : 'a'} ${what} has no name; give it one in setup()`);
}

function invokedName(node: AnyStateNode, { id, src }: { readonly id: string; readonly src: unknown }): string {
  if (typeof src !== 'string' || src.startsWith('xstate.'))
    throw new ChartError(`${node.id}: an invoked actor has no name`);
  return id === src || !hasOwnId(node, id) ? src : `${id} (${src})`;
}

/** Where none is given, xstate makes one of the place in the chart. */
function hasOwnId(node: AnyStateNode, id: string): boolean {
  return !id.endsWith(`.${node.id}`);
}
