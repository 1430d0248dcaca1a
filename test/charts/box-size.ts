/** How big the parts of a picture are, from what is written in them; svg.ts writes by the same measures. */
import type { ChartState } from './chart.js';
import type { Arrow, Written } from './drawing-plan.js';
import type { Size } from './placed-chart.js';
import { nameWidth, textWidth } from './text-size.js';

export const PAD = 10;
/** From the top of a box to the base of its name. */
export const NAME_BASE = 18;
const NAME_HEIGHT = 26;
export const LINE = 14.5;
/** Between two labels of one arrow. */
export const LABEL_GAP = 3;
/** How far the outer border of a final state is from the inner one. */
export const DOUBLE = 3;

/** Lines of a box that are no transitions. */
export function plainRows(state: ChartState): string[] {
  const row = (word: string, names: readonly string[]) => (names.length > 0 ? [`${word} / ${names.join(', ')}`] : []);
  return [...state.invoked.map((actor) => `invoke ${actor}`), ...row('entry', state.entry), ...row('exit', state.exit)];
}

/** The name and the lines under it: a leaf's whole box, or what stands above the states inside. */
export function headerSize(state: ChartState, written: readonly Written[]): Size {
  const lines = [...plainRows(state), ...written.flatMap(({ text }) => indented(text))];
  const width = Math.max(nameWidth(state.name), ...lines.map(textWidth)) + 2 * PAD;
  const height = NAME_HEIGHT + (lines.length > 0 ? lines.length * LINE + 2 : 0);
  return { width: Math.max(width, 56), height: state.kind === 'final' ? height + 2 * DOUBLE : height };
}

/** The second and later lines of one transition are set back. */
export function indented(text: readonly string[]): string[] {
  return text.map((line, index) => (index === 0 ? line : `    ${line}`));
}

export function labelSize({ labels }: Arrow): Size {
  const lines = labels.flatMap(({ text }) => text);
  return {
    width: Math.max(...lines.map(textWidth)) + 8,
    height: lines.length * LINE + (labels.length - 1) * LABEL_GAP + 2,
  };
}

export function referenceSize(name: string): Size {
  return { width: textWidth(name) + 2 * PAD, height: 22 };
}
