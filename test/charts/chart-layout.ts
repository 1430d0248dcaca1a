/**
 * Puts the areas of a picture together, inner ones first: of each parallel state the regions, in rows that fit the width
 * of a page, and around them the area that the state is in. Which way each area's time goes is chosen by what fits.
 */
import { layOutArea } from './area-layout.js';
import { headerSize } from './box-size.js';
import type { ChartState } from './chart.js';
import type { DrawingPlan } from './drawing-plan.js';
import { joined, moved, type PlacedChart, type PlacedState } from './placed-chart.js';

/** Pixels; what a documentation page shows without scrolling. */
const PAGE_WIDTH = 1000;
const DIRECTIONS = ['RIGHT', 'DOWN'] as const;
const PLACEMENTS = ['NETWORK_SIMPLEX', 'BRANDES_KOEPF'] as const;
const END_GAP = 16;
/** Square pixels that a pixel of line is worth. */
const LINE_COST = 40;
const NOTHING: PlacedChart = { width: 0, height: 0, states: [], references: [], arrows: [], starts: [] };
/** Around and between regions. */
const GAP = 12;

/** The picture of the plan's root, its own box included. */
export async function layOutChart(plan: DrawingPlan): Promise<PlacedChart> {
  const choices = await layOut(plan, plan.root, PAGE_WIDTH);
  return best(choices, PAGE_WIDTH);
}

/** Different pictures of one state, each as good as it can be in its way. */
async function layOut(plan: DrawingPlan, state: ChartState, width: number): Promise<PlacedChart[]> {
  const rowsOf = (some: ChartState) => plan.rows.get(some.id) ?? [];
  const header = headerSize(state, rowsOf(state));
  if (state.kind === 'parallel') {
    const regions = [];
    for (const region of state.children) regions.push(await layOut(plan, region, width - 2 * GAP));
    return [withBox(packed(regions, width - 2 * GAP), GAP)];
  }
  const area = plan.areas.get(state.id) ?? { root: state, arrows: [], references: [], ends: [] };
  const finished = new Map<string, PlacedChart>();
  for (const parallel of outermostParallels(state)) {
    const [only] = await layOut(plan, parallel, width - 40);
    if (only) finished.set(parallel.id, only);
  }
  const choices: PlacedChart[] = [];
  for (const direction of DIRECTIONS) {
    const pictures: PlacedChart[] = [];
    for (const placement of PLACEMENTS) {
      const inside = await layOutArea({ area, rowsOf, finished }, { direction, placement });
      const filled = [...finished].map(([id, chart]) => {
        const at = inside.boxes.get(id) ?? { x: 0, y: 0 };
        return moved(chart, at.x, at.y);
      });
      pictures.push(withBox(withEnds(joined(inside.chart, [], [inside.chart, ...filled]), area.ends), 0));
    }
    choices.push(best(pictures, width));
  }
  return choices;

  /** Below everything, where things end. */
  function withEnds(chart: PlacedChart, ends: readonly ChartState[]): PlacedChart {
    if (ends.length === 0) return chart;
    let x = END_GAP;
    const row = ends.map((end): PlacedState => {
      const placed = { state: end, rows: rowsOf(end), x, y: chart.height, ...headerSize(end, rowsOf(end)) };
      x += placed.width + END_GAP;
      return placed;
    });
    const width = Math.max(chart.width, x);
    const height = chart.height + Math.max(...row.map((end) => end.height)) + END_GAP;
    const middle = row.map((end) => ({ ...end, x: end.x + (width - x) / 2 }));
    return joined({ width, height }, [], [chart, { ...NOTHING, states: middle }]);
  }

  function withBox(inside: PlacedChart, gap: number): PlacedChart {
    const size = { width: Math.max(inside.width + 2 * gap, header.width), height: header.height + inside.height + gap };
    const box = { state, rows: rowsOf(state), x: 0, y: 0, ...size };
    return joined(size, [box], [moved(inside, gap, header.height)]);
  }
}

function outermostParallels(state: ChartState): ChartState[] {
  return state.children.flatMap((child) => (child.kind === 'parallel' ? [child] : outermostParallels(child)));
}

/** Regions in their order, in rows of equal height, with the choice of each that makes the whole the lowest. */
function packed(regions: readonly (readonly PlacedChart[])[], width: number): PlacedChart {
  const combinations = regions.reduce<PlacedChart[][]>(
    (some, choices) => some.flatMap((before) => choices.map((choice) => [...before, choice])),
    [[]],
  );
  return best(
    combinations.map((charts) => inRows(charts, width)),
    width,
  );
}

function inRows(charts: readonly PlacedChart[], width: number): PlacedChart {
  const rows: PlacedChart[][] = [];
  for (const chart of charts) {
    const row = rows.at(-1);
    if (row && rowWidth([...row, chart]) <= width) row.push(chart);
    else rows.push([chart]);
  }
  const whole = Math.max(...rows.map(rowWidth));
  const placed: PlacedChart[] = [];
  let y = 0;
  for (const row of rows) {
    const height = Math.max(...row.map((chart) => chart.height));
    const spare = (whole - rowWidth(row)) / row.length;
    let x = 0;
    for (const chart of row) {
      placed.push(moved(stretched(chart, chart.width + spare, height), x, y));
      x += chart.width + spare + GAP;
    }
    y += height + GAP;
  }
  return joined({ width: whole, height: y - GAP }, [], placed);
}

function rowWidth(charts: readonly PlacedChart[]): number {
  return charts.reduce((sum, chart) => sum + chart.width + GAP, -GAP);
}

/** Its outer box bigger, with what is inside in the middle of the width. */
function stretched(chart: PlacedChart, width: number, height: number): PlacedChart {
  const [box, ...inside] = chart.states;
  if (!box) return chart;
  const rest = moved({ ...chart, states: inside }, (width - chart.width) / 2, 0);
  return { ...rest, width, height, states: [{ ...box, width, height }, ...rest.states] };
}

/** What fits the width, then what covers little and has no long lines. */
function best(charts: readonly PlacedChart[], width: number): PlacedChart {
  const cost = (chart: PlacedChart) =>
    Math.max(0, chart.width - width) * 1e6 + chart.width * chart.height + LINE_COST * lineLength(chart);
  return charts.reduce((one, other) => (cost(other) < cost(one) ? other : one));
}

function lineLength({ arrows }: PlacedChart): number {
  const lengths = arrows.flatMap(({ points }) =>
    points
      .slice(1)
      .map((point, index) => Math.hypot(point.x - (points[index]?.x ?? 0), point.y - (points[index]?.y ?? 0))),
  );
  return lengths.reduce((sum, length) => sum + length, 0);
}
