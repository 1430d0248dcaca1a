/**
 * An area as the graph that ELK lays out. Every number ELK is given is the same each time, so is every answer of it.
 */
import type { ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs';
import { headerSize, labelSize, referenceSize } from './box-size.js';
import { type ChartState, isWithin, statesOf } from './chart.js';
import type { Area, Arrow, Written } from './drawing-plan.js';
import type { PlacedChart, Size } from './placed-chart.js';

/** One of the ways in which an area can be laid out. */
export interface Way {
  readonly direction: 'RIGHT' | 'DOWN';
  readonly placement: 'NETWORK_SIMPLEX' | 'BRANDES_KOEPF';
}

export interface AreaToPlace {
  readonly area: Area;
  readonly rowsOf: (state: ChartState) => readonly Written[];
  /** What is laid out already: the parallel states in the area, which are boxes here. */
  readonly finished: ReadonlyMap<string, PlacedChart>;
}

/** Room for the dot and the arrow that show where a state starts: above the box, or left of it. */
export const START = 20;
const START_ALONG = 24;
/** Between the border of a state and what is inside. */
const INNER = 14;

const OPTIONS: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.randomSeed': '1',
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',
  'elk.layered.thoroughness': '40',
  'elk.separateConnectedComponents': 'false',
  'elk.spacing.nodeNode': '22',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeLabel': '2',
  'elk.spacing.labelLabel': '8',
  'elk.layered.spacing.nodeNodeBetweenLayers': '20',
  'elk.layered.spacing.edgeNodeBetweenLayers': '14',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
};

/** `spare` says by how much states have to be wider than what is inside them wants, in pixels by their ids. */
export function elkGraph(
  { area, rowsOf, finished }: AreaToPlace,
  way: Way,
  spare: ReadonlyMap<string, number>,
): ElkNode {
  const states = statesOf(area.root);
  const starting = new Set(states.flatMap((state) => state.initial));
  const options = {
    ...OPTIONS,
    'elk.direction': way.direction,
    'elk.layered.nodePlacement.strategy': way.placement,
  };
  return {
    id: area.root.id,
    layoutOptions: { ...options, 'elk.padding': padding(0, 0) },
    children: [
      ...area.root.children.filter((child) => !area.ends.includes(child)).map(nodeOf),
      ...area.references.map(({ box, name }) => ({ id: box, ...referenceSize(name) })),
    ],
    edges: edgesOf(area),
  };

  function nodeOf(state: ChartState): ElkNode {
    const start = starting.has(state.id) ? startRoom(way) : { layoutOptions: {} };
    const header = headerSize(state, rowsOf(state));
    if (state.children.length > 0 && !finished.has(state.id)) {
      const inside = {
        ...options,
        ...start.layoutOptions,
        'elk.padding': padding(header.height, spare.get(state.id) ?? 0),
      };
      return { id: state.id, ...start, layoutOptions: inside, children: state.children.map(nodeOf) };
    }
    const size = finished.get(state.id) ?? leafSize(state.id, header, area, way);
    return { id: state.id, width: size.width, height: size.height, ...start };
  }
}

/** The answer gives the points of a turned arrow from its target to its source. */
function edgesOf(area: Area): ElkExtendedEdge[] {
  return area.arrows.map((arrow, index) => {
    const turned = isTurned(arrow, area);
    return {
      id: String(index),
      sources: [turned ? arrow.target : arrow.source],
      targets: [turned ? arrow.source : arrow.target],
      labels: [{ text: ' ', ...labelSize(arrow), layoutOptions: { 'elk.edgeLabels.inline': 'true' } }],
      layoutOptions: {
        'elk.layered.priority.direction': isBack(arrow.source, arrow.target, area) && !turned ? '0' : '10',
      },
    };
  });
}

/**
 * What leads back to an earlier state is given the other way round, so that ELK places every state after those it comes
 * from. Not if it leaves a state around it: it would cross what is written there.
 */
export function isTurned({ source, target }: Arrow, area: Area): boolean {
  const around = source.slice(0, source.lastIndexOf('.'));
  return isWithin(target, around) && isBack(source, target, area);
}

function isBack(source: string, target: string, area: Area): boolean {
  const ids = statesOf(area.root).map(({ id }) => id);
  const end = ids.indexOf(target);
  return end !== -1 && end < ids.indexOf(source);
}

/** A box is big enough for the arrows of its side, which are this far from each other. */
const ARROW_GAP = 13;

function leafSize(id: string, { width, height }: Size, area: Area, { direction }: Way): Size {
  const ends = area.arrows.map((arrow) =>
    isTurned(arrow, area) ? [arrow.target, arrow.source] : [arrow.source, arrow.target],
  );
  const most = Math.max(ends.filter(([from]) => from === id).length, ends.filter(([, to]) => to === id).length);
  const along = (most + 1) * ARROW_GAP;
  return direction === 'RIGHT' ? { width, height: Math.max(height, along) } : { width: Math.max(width, along), height };
}

/** A label outside the box keeps everything else out of where the dot will be. */
function startRoom({ direction }: Way): Required<Pick<ElkNode, 'labels' | 'layoutOptions'>> {
  return direction === 'RIGHT'
    ? {
        labels: [{ text: ' ', width: START_ALONG, height: START }],
        layoutOptions: { 'elk.nodeLabels.placement': 'OUTSIDE V_TOP H_LEFT' },
      }
    : {
        labels: [{ text: ' ', width: START, height: START_ALONG }],
        layoutOptions: { 'elk.nodeLabels.placement': 'OUTSIDE H_LEFT V_TOP H_PRIORITY' },
      };
}

function padding(top: number, spare: number): string {
  const side = INNER + spare / 2;
  return `[top=${top + INNER},left=${side},bottom=${INNER},right=${side}]`;
}
