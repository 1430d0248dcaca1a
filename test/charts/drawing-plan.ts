/**
 * Decides what of a chart is a line between boxes and what is a line of text in one. A transition that stays where it is
 * (no target, to its own state, into it, or to one around it) is text. Every other is drawn, within its region: what leads
 * out of the region ends at a box that stands for its target, and what leads into a state from outside ends at its border,
 * with the target's name in the label. So no line crosses a box, or what is written in one.
 */
import { type ChartState, type ChartTransition, isWithin, statesOf } from './chart.js';
import { wrap } from './text-size.js';

/** Where the label of a drawn transition is broken. */
const LABEL_WIDTH = 150;
const ROW_WIDTH = 330;
/** A final state that at least so many others lead to is a junction; so is any other, of twice as many. */
const JUNCTION = 3;

/** A transition as lines of text. */
export interface Written {
  readonly transition: ChartTransition;
  readonly text: readonly string[];
}

/** Transitions that lead from one box to the same other, and are drawn by the same stroke. */
export interface Arrow {
  readonly source: string;
  /** Id of a state in the same area, or of a reference. */
  readonly target: string;
  readonly labels: readonly Written[];
}

/** A state of the chart that is drawn elsewhere. */
export interface Reference {
  /** Of its box: one for each area that refers to it. */
  readonly box: string;
  readonly state: string;
  readonly name: string;
  readonly description: string;
}

/** What has one layout: the root of the picture or a region, down to the next parallel states. */
export interface Area {
  readonly root: ChartState;
  readonly arrows: readonly Arrow[];
  readonly references: readonly Reference[];
  /** Final states that only lines of text lead to. */
  readonly ends: readonly ChartState[];
}

export interface DrawingPlan {
  readonly root: ChartState;
  readonly areas: ReadonlyMap<string, Area>;
  /** Lines of text of a state, by its id. */
  readonly rows: ReadonlyMap<string, readonly Written[]>;
}

/** `machine` is the whole chart; `root`, in it, what is to be drawn. */
export function planDrawing(machine: ChartState, root: ChartState): DrawingPlan {
  const everything = new Map(statesOf(machine).map((state) => [state.id, state]));
  const junctions = junctionsOf(machine);
  const drawn = statesOf(root);
  const rows = new Map<string, Written[]>();
  const areas = new Map(
    drawn.filter((state) => state === root || state.isRegion).map((state) => [state.id, newArea(state)]),
  );
  for (const state of drawn) {
    const area = areas.get(areaIdOf(state.id, areas)) ?? newArea(root);
    const written: Written[] = [];
    rows.set(state.id, written);
    for (const transition of state.transitions) {
      const jumps = transition.targets.some((target) => isJump(transition.source, target));
      const ends = jumps ? undefined : endsOf(transition, area, areas, everything);
      if (ends === undefined) written.push({ transition, text: rowText(transition) });
      for (const { target, suffix } of ends ?? []) addArrow(area, transition, target, suffix);
    }
  }
  for (const area of areas.values()) {
    const reached = new Set(area.arrows.map(({ target }) => target));
    area.ends.push(...area.root.children.filter(({ id, kind }) => kind === 'final' && !reached.has(id)));
  }
  return { root, areas, rows };

  function isJump(source: string, target: string): boolean {
    return junctions.has(target) && (parentId(source) !== parentId(target) || everything.get(target)?.kind === 'final');
  }

  function newArea(state: ChartState): Area & { arrows: Arrow[]; references: Reference[]; ends: ChartState[] } {
    return { root: state, arrows: [], references: [], ends: [] };
  }
}

/** Ids of the states that so many others lead to that arrows from all of them would hide the rest. */
function junctionsOf(machine: ChartState): Set<string> {
  const sources = new Map<string, Set<string>>();
  for (const { source, targets } of statesOf(machine).flatMap((state) => state.transitions)) {
    for (const target of targets.filter((target) => target !== source)) {
      sources.set(target, (sources.get(target) ?? new Set()).add(source));
    }
  }
  const finals = new Set(
    statesOf(machine)
      .filter(({ kind }) => kind === 'final')
      .map(({ id }) => id),
  );
  const most = (target: string) => (finals.has(target) ? JUNCTION : 2 * JUNCTION);
  return new Set([...sources].filter(([target, from]) => from.size >= most(target)).map(([target]) => target));
}

function stays(source: string, target: string): boolean {
  return isWithin(target, source) || isWithin(source, target);
}

/** Id of the innermost area that a state is in; an area's root is in that area. */
function areaIdOf(id: string, areas: ReadonlyMap<string, unknown>): string {
  let at = id;
  while (at !== '' && !areas.has(at)) at = at.slice(0, Math.max(0, at.lastIndexOf('.')));
  return at;
}

interface End {
  readonly target: string;
  readonly suffix: readonly string[];
}

/** Where the arrows of a transition end; undefined when it is written as text. */
function endsOf(
  { source, targets }: ChartTransition,
  area: Area & { references: Reference[] },
  areas: ReadonlyMap<string, unknown>,
  everything: ReadonlyMap<string, ChartState>,
): End[] | undefined {
  if (targets.every((target) => stays(source, target)) || source === area.root.id) return undefined;
  const ends = new Map<string, string[]>();
  for (const target of targets) {
    const home = areaIdOf(target, areas);
    if (home !== '' && isWithin(home, area.root.id) && target !== area.root.id) {
      const border = outermostBeside(source, target);
      if (border === target) ends.set(target, []);
      else ends.set(border, [...(ends.get(border) ?? []), lastName(target)]);
    } else ends.set(referTo(target, area, everything), []);
  }
  return [...ends].map(([target, names]) => ({ target, suffix: names.length > 0 ? [`→ ${names.join(', ')}`] : [] }));
}

/** Of the states around a target, and itself, the outermost that is not around the source, too. */
function outermostBeside(source: string, target: string): string {
  const parts = target.split('.');
  const beside = parts.map((_, index) => parts.slice(0, index + 1).join('.')).find((id) => !isWithin(source, id));
  return beside ?? target;
}

function referTo(
  state: string,
  area: Area & { references: Reference[] },
  everything: ReadonlyMap<string, ChartState>,
): string {
  const box = `${area.root.id}>${state}`;
  if (!area.references.some((reference) => reference.box === box)) {
    const description = everything.get(state)?.description ?? '';
    area.references.push({ box, state, name: state.slice(state.indexOf('.') + 1), description });
  }
  return box;
}

function addArrow(area: { arrows: Arrow[] }, transition: ChartTransition, target: string, suffix: readonly string[]) {
  const label = { transition, text: [...labelText(transition), ...suffix] };
  const same = area.arrows.findIndex(
    ({ source, target: other, labels }) =>
      source === transition.source && other === target && strokeOf(labels[0]?.transition) === strokeOf(transition),
  );
  const before = area.arrows[same];
  if (before) area.arrows[same] = { ...before, labels: [...before.labels, label] };
  else area.arrows.push({ source: transition.source, target, labels: [label] });
}

/** What happens is told from time passing, and from nothing happening; not from each other. */
function strokeOf(transition: ChartTransition | undefined): string | undefined {
  const { kind } = transition ?? {};
  return kind === 'done' || kind === 'error' ? 'event' : kind;
}

/** Trigger and guard, then what is done. */
function labelText(transition: ChartTransition): string[] {
  const { actions } = transition;
  return [...wrap(conditionWords(transition), LABEL_WIDTH), ...wrap(actionWords(actions), LABEL_WIDTH)];
}

function rowText(transition: ChartTransition): string[] {
  const { source, targets, reenters, actions } = transition;
  const where = targets.filter((target) => target !== source).map(lastName);
  const words = [...conditionWords(transition), ...actionWords(actions)];
  if (where.length > 0) words.push(`→ ${where.join(', ')}`);
  if (reenters) words.push('↻');
  if (targets.length === 0 && actions.length === 0) words.push('is ignored');
  return wrap(words, ROW_WIDTH);
}

export function conditionWords({ candidate, trigger, guard }: ChartTransition): string[] {
  const event = candidate === undefined ? trigger : `${candidate}. ${trigger}`;
  return guard === undefined ? [event] : [event, `[${guard}]`];
}

export function actionWords(actions: readonly string[]): string[] {
  return actions.map((action, index) => {
    const comma = index < actions.length - 1 ? ',' : '';
    return index === 0 ? `/ ${action}${comma}` : `${action}${comma}`;
  });
}

function parentId(id: string): string {
  return id.slice(0, id.lastIndexOf('.'));
}

function lastName(id: string): string {
  return id.slice(id.lastIndexOf('.') + 1);
}
