/** Lays one area out with ELK: where its boxes, arrows and labels are. It decides nothing else. */
import type { ElkNode } from 'elkjs';
import Elk from 'elkjs/lib/elk.bundled.js';
import { headerSize } from './box-size.js';
import { ChartError, statesOf } from './chart.js';
import { type AreaToPlace, elkGraph, isTurned, START, type Way } from './elk-graph.js';
import type {
  PlacedArrow,
  PlacedChart,
  PlacedReference,
  PlacedStart,
  PlacedState,
  Point,
  Size,
} from './placed-chart.js';

export interface PlacedArea {
  readonly chart: PlacedChart;
  /** Where the parallel states that were finished before go. */
  readonly boxes: ReadonlyMap<string, Point>;
}

const elk = new Elk.default();

/** The inside of the area's root, without its own box. */
export async function layOutArea(input: AreaToPlace, way: Way): Promise<PlacedArea> {
  const spare = new Map<string, number>();
  for (;;) {
    const nodes = new Map<string, ElkNode>();
    const graph = await elk.layout(elkGraph(input, way, spare));
    collect(graph, nodes);
    // ELK keeps no minimal width of a state that arrows enter or leave.
    const narrow = statesOf(input.area.root).filter((state) => lackOf(state.id, nodes) > 0.5);
    if (narrow.length === 0) return read(graph, nodes, input, way);
    for (const { id } of narrow) spare.set(id, (spare.get(id) ?? 0) + lackOf(id, nodes));
  }

  /** Pixels by which a state with others inside is narrower than what is written above them. */
  function lackOf(id: string, nodes: ReadonlyMap<string, ElkNode>): number {
    const node = nodes.get(id);
    const state = statesOf(input.area.root).find((some) => some.id === id);
    if (!node?.children || !state || state === input.area.root) return 0;
    return headerSize(state, input.rowsOf(state)).width - (node.width ?? 0);
  }
}

function collect(node: ElkNode, nodes: Map<string, ElkNode>): void {
  nodes.set(node.id, node);
  for (const child of node.children ?? []) collect(child, nodes);
}

function read(
  graph: ElkNode,
  nodes: ReadonlyMap<string, ElkNode>,
  { area, rowsOf, finished }: AreaToPlace,
  way: Way,
): PlacedArea {
  const rectOf = (id: string) => rectangle(id, nodes.get(id));
  const inside = statesOf(area.root).filter((state) => state !== area.root && nodes.has(state.id));
  const states = inside
    .filter((state) => !finished.has(state.id))
    .map((state): PlacedState => ({ state, rows: rowsOf(state), ...rectOf(state.id) }));
  const references = area.references.map((reference): PlacedReference => ({ reference, ...rectOf(reference.box) }));
  const arrows = area.arrows.map((arrow, index): PlacedArrow => {
    const edge = graph.edges?.[index];
    const section = edge?.sections?.[0];
    if (!section) throw new ChartError(`${arrow.source}: the layout has lost a transition to ${arrow.target}`);
    const points = [section.startPoint, ...(section.bendPoints ?? []), section.endPoint];
    return {
      arrow,
      points: isTurned(arrow, area) ? points.reverse() : points,
      label: rectangle(arrow.source, edge?.labels?.[0]),
    };
  });
  const starts = [area.root, ...inside].flatMap((state) =>
    state.initial.filter((id) => nodes.has(id)).map((id) => startOf(state.id, rectOf(id), way)),
  );
  const chart = { width: graph.width ?? 0, height: graph.height ?? 0, states, references, arrows, starts };
  return { chart, boxes: new Map([...finished.keys()].map((id) => [id, rectOf(id)])) };
}

function startOf(around: string, { x, y }: Point, { direction }: Way): PlacedStart {
  return direction === 'RIGHT'
    ? { around, dot: { x: x + 12, y: y - START + 5 }, tip: { x: x + 12, y } }
    : { around, dot: { x: x - START + 5, y: y + 12 }, tip: { x, y: y + 12 } };
}

function rectangle(id: string, shape: Partial<Point & Size> | undefined): Point & Size {
  if (shape?.x === undefined || shape.y === undefined) throw new ChartError(`${id}: the layout has no place for it`);
  return { x: shape.x, y: shape.y, width: shape.width ?? 0, height: shape.height ?? 0 };
}
