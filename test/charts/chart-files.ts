/** What belongs into docs/charts beside its README, from the machines as they are. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AnyStateMachine, StateMachine } from 'xstate';
import { type ChartState, statesOf } from './chart.js';
import { layOutChart } from './chart-layout.js';
import { toSvg } from './chart-svg.js';
import { type DrawingPlan, planDrawing } from './drawing-plan.js';
import { toMermaid } from './mermaid.js';
import type { PlacedChart } from './placed-chart.js';
import { readMachine } from './read-machine.js';

const MACHINES = join(import.meta.dirname, '../../machines');
export const CHARTS = join(import.meta.dirname, '../../docs/charts');

/** A chart with more states than this is drawn in parts, too. */
const MOST_STATES = 15;
/** And so is what is inside a part. */
const MOST_INNER_STATES = 5;

export async function allMachines(): Promise<AnyStateMachine[]> {
  const files = readdirSync(MACHINES).filter((name) => name.endsWith('.machine.ts'));
  const found: AnyStateMachine[] = [];
  for (const file of files.sort()) {
    const exported: Record<string, unknown> = await import(pathToFileURL(join(MACHINES, file)).href);
    found.push(...Object.values(exported).filter((value) => value instanceof StateMachine));
  }
  return found;
}

export interface Picture {
  readonly plan: DrawingPlan;
  readonly placed: PlacedChart;
}

export async function allPictures(): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for (const machine of await allMachines()) {
    const chart = readMachine(machine);
    for (const root of partsOf(chart)) {
      const plan = planDrawing(chart, root);
      pictures.push({ plan, placed: await layOutChart(plan) });
    }
  }
  return pictures;
}

export function chartFiles(pictures: readonly Picture[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const { plan, placed } of pictures) {
    const { id } = plan.root;
    files.set(`${id}.svg`, toSvg(placed));
    if (!id.includes('.')) files.set(`${id}.mmd`, toMermaid(plan));
  }
  return files;
}

/** What of a chart has a picture of its own: the whole, and of a big one its parts, and what is big in them. */
function partsOf(chart: ChartState): ChartState[] {
  if (statesOf(chart).length <= MOST_STATES) return [chart];
  const parts = chart.children.flatMap((child) => (child.kind === 'parallel' ? child.children : [child]));
  const inner = parts.flatMap((part) => part.children.filter((child) => statesOf(child).length > MOST_INNER_STATES));
  return [
    chart,
    ...parts.filter((part) => part.children.length > 0),
    ...inner.filter(({ kind }) => kind === 'compound'),
  ];
}
