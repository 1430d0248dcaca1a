/**
 * Writes a chart as a Mermaid state diagram, for pages that render it. Mermaid knows fewer signs than the picture: a
 * region is written as a state inside its parallel state, and what a state does by itself is its description.
 */
import { plainRows } from './box-size.js';
import type { ChartState, ChartTransition } from './chart.js';
import { actionWords, conditionWords, type DrawingPlan } from './drawing-plan.js';

export function toMermaid(plan: DrawingPlan): string {
  const arrows = [...plan.areas.values()].flatMap((area) => area.arrows);
  const lines = arrows.flatMap(({ source, target, labels }) =>
    labels.map(({ transition }) => `${nameOf(source)} --> ${nameOf(target)} : ${label(transition)}`),
  );
  const ends = [...plan.areas.values()].flatMap((area) => area.references);
  const elsewhere = ends.map(({ box, name }) => `state "${name} (elsewhere)" as ${nameOf(box)}`);
  return ['stateDiagram-v2', ...indent([...stateLines(plan.root, plan), ...elsewhere, ...lines]), ''].join('\n');
}

function stateLines(state: ChartState, plan: DrawingPlan): string[] {
  const id = nameOf(state.id);
  const rows = [...plainRows(state), ...(plan.rows.get(state.id) ?? []).map(({ text }) => text.join(' '))].map(escaped);
  if (state.children.length === 0) return [`state "${state.name}" as ${id}`, ...rows.map((row) => `${id} : ${row}`)];
  const inside = state.children.flatMap((child) => stateLines(child, plan));
  const starts = state.initial.map((initial) => `[*] --> ${nameOf(initial)}`);
  const note = rows.length > 0 ? [`note right of ${id}`, ...indent(rows), 'end note'] : [];
  return [`state "${state.name}" as ${id} {`, ...indent([...starts, ...inside]), '}', ...note];
}

function label(transition: ChartTransition): string {
  return escaped([...conditionWords(transition), ...actionWords(transition.actions)].join(' '));
}

function escaped(words: string): string {
  return words.replaceAll(':', '#58;').replaceAll(';', '#59;');
}

function nameOf(id: string): string {
  return id.replaceAll(/[.>]/g, '_');
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
