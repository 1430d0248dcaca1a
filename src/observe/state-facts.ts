/**
 * Where in its chart an actor stands and which edges it took, in the ids the drawn charts carry (docs/charts/README.md).
 */
import type { AnyMachineSnapshot, AnyStateNode, AnyTransitionDefinition, Snapshot } from 'xstate';

const none: readonly string[] = [];

export function isMachineSnapshot(snapshot: Snapshot<unknown> | undefined): snapshot is AnyMachineSnapshot {
  return snapshot !== undefined && 'machine' in snapshot;
}

/** Ids of the active states without child states. */
export function activeStates(snapshot: Snapshot<unknown> | undefined): readonly string[] {
  if (!isMachineSnapshot(snapshot)) return none;
  const states: string[] = [];
  for (const node of snapshot._nodes as readonly AnyStateNode[]) {
    if (node.type === 'atomic' || node.type === 'final') states.push(node.id);
  }
  return states;
}

/** A chart's transitions live as long as the chart. */
const edgeIds = new WeakMap<AnyTransitionDefinition, string>();

/** `SOURCE STATE|EVENT TYPE|INDEX`: the event type is empty for a transition that needs none. */
export function edgeId(transition: AnyTransitionDefinition): string | undefined {
  const { source, eventType } = transition;
  // Entering the initial states is no edge of the chart.
  if (eventType === null || eventType === undefined) return undefined;
  const known = edgeIds.get(transition);
  if (known !== undefined) return known;
  const siblings: readonly AnyTransitionDefinition[] =
    eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  const index = siblings.indexOf(transition);
  if (index === -1) return undefined;
  const id = `${source.id}|${eventType}|${index}`;
  edgeIds.set(transition, id);
  return id;
}
