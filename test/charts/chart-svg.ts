/** Writes a placed chart as an SVG, by the contract of docs/charts/README.md. It moves nothing. */
import { DOUBLE, indented, LABEL_GAP, LINE, NAME_BASE, PAD, plainRows } from './box-size.js';
import { CHART_STYLE } from './chart-style.js';
import type { Written } from './drawing-plan.js';
import type {
  PlacedArrow,
  PlacedChart,
  PlacedReference,
  PlacedStart,
  PlacedState,
  Point,
  Size,
} from './placed-chart.js';

const MARGIN = 8;
const CORNER = 5;
const HEAD = 7;

export function toSvg(chart: PlacedChart): string {
  const root = chart.states[0]?.state;
  const width = Math.ceil(chart.width + 2 * MARGIN);
  const height = Math.ceil(chart.height + 2 * MARGIN);
  const body = [
    ...chart.states.map(state),
    ...chart.references.map(reference),
    ...chart.starts.map(start),
    ...chart.arrows.flatMap(arrow),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" data-chart="${root?.id}" role="img" width="${width}" height="${height}" viewBox="${-MARGIN} ${-MARGIN} ${width} ${height}">`,
    `<title>${escaped(`${root?.id}: ${root?.description}`)}</title>`,
    `<style>${CHART_STYLE}</style>`,
    `<rect class="paper" x="${-MARGIN}" y="${-MARGIN}" width="${width}" height="${height}"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

function state(placed: PlacedState): string {
  const { state, rows, x, y } = placed;
  const classes = ['state', state.kind, ...(state.isRegion ? ['region'] : [])].join(' ');
  const isFinal = state.kind === 'final';
  const top = isFinal ? y + DOUBLE : y;
  let base = top + NAME_BASE;
  const next = () => {
    base += LINE;
    return base;
  };
  const left = x + PAD;
  const own = [
    `<title>${escaped(state.description)}</title>`,
    rect('box', placed, isFinal ? 9 : 7),
    isFinal ? rect('rim', inset(placed), 6) : '',
    text('name', left, base, state.name),
    ...plainRows(state).map((row) => text('row', left, next(), row)),
  ];
  // Beside the state's group, not in it: a transition that was taken is lit by itself.
  const inner = rows.map(({ transition, text: lines }) => {
    const written = indented(lines).map((line) => text('label', left, next(), line));
    return group(`edge ${transition.kind} inner`, edgeData({ transition }), written);
  });
  return [group(classes, { 'data-state': state.id }, own), ...inner].join('\n');
}

function reference(placed: PlacedReference): string {
  const { reference, x, y } = placed;
  return group('reference', { 'data-reference': reference.state }, [
    `<title>${escaped(reference.description)}</title>`,
    rect('box', placed, 6),
    text('row', x + PAD, y + 15, reference.name),
  ]);
}

function start({ around, dot, tip }: PlacedStart): string {
  return group('initial', { 'data-initial': around }, [
    `<circle class="dot" cx="${round(dot.x)}" cy="${round(dot.y)}" r="4.5"/>`,
    `<path class="line" d="${path([dot, before(dot, tip)])}"/>`,
    head(dot, tip),
  ]);
}

function arrow({ arrow, points, label }: PlacedArrow): string[] {
  const [tip, last] = [points.at(-1), points.at(-2)];
  if (!tip || !last) return [];
  // Of several on one line, one draws it; the others show it when they are taken.
  const line = (shared: string) =>
    `<path class="line${shared}" d="${path([...points.slice(0, -1), before(last, tip)])}"/>`;
  let y = label.y;
  return arrow.labels.map((written, index) => {
    const shared = index === 0 ? '' : ' shared';
    const ground = index === 0 ? rect('ground', label, 0) : '';
    const lines = written.text.map((words, row) =>
      text('label middle', label.x + label.width / 2, y + row * LINE + 11, words),
    );
    y += written.text.length * LINE + LABEL_GAP;
    const parts = [
      `<title>${escaped(sentence(written))}</title>`,
      line(shared),
      head(last, tip, shared),
      ground,
      ...lines,
    ];
    return group(`edge ${written.transition.kind}`, edgeData(written), parts);
  });
}

function sentence({ transition, text }: Written): string {
  return `${transition.source}: ${text.join(' ')} → ${transition.targets.join(', ')}`;
}

function edgeData({ transition }: Pick<Written, 'transition'>): Record<string, string> {
  return { 'data-edge': transition.key, 'data-target': transition.targets.join(' ') };
}

function group(classes: string, data: Readonly<Record<string, string>>, parts: readonly string[]): string {
  const attributes = Object.entries(data).map(([name, value]) => ` ${name}="${escaped(value)}"`);
  return `<g class="${classes}"${attributes.join('')}>${parts.join('')}</g>`;
}

function rect(name: string, { x, y, width, height }: Point & Size, radius: number): string {
  const corner = radius > 0 ? ` rx="${radius}"` : '';
  return `<rect class="${name}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"${corner}/>`;
}

function inset({ x, y, width, height }: Point & Size): Point & Size {
  return { x: x + DOUBLE, y: y + DOUBLE, width: width - 2 * DOUBLE, height: height - 2 * DOUBLE };
}

function text(name: string, x: number, y: number, words: string): string {
  const marked = escaped(words).replace(/→ .+/, '<tspan class="to">$&</tspan>');
  return `<text class="${name}" x="${round(x)}" y="${round(y)}">${marked}</text>`;
}

/** A line through the points, its corners rounded. */
function path(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  let from = first;
  const steps = [`M${place(first)}`];
  rest.forEach((point, index) => {
    const next = rest[index + 1];
    if (!next) steps.push(`L${place(point)}`);
    else {
      const radius = Math.min(CORNER, distance(from, point) / 2, distance(point, next) / 2);
      steps.push(`L${place(towards(point, from, radius))}Q${place(point)} ${place(towards(point, next, radius))}`);
    }
    from = point;
  });
  return steps.join('');
}

/** The head of an arrow whose last stretch goes from one point to the other, along an axis. */
function head(from: Point, tip: Point, shared = ''): string {
  const back = before(from, tip);
  const [dx, dy] = Math.abs(from.x - tip.x) < Math.abs(from.y - tip.y) ? [HEAD / 2, 0] : [0, HEAD / 2];
  const wing = (sign: number) => place({ x: back.x + sign * dx, y: back.y + sign * dy });
  return `<path class="head${shared}" d="M${place(tip)}L${wing(1)}L${wing(-1)}z"/>`;
}

function before(from: Point, tip: Point): Point {
  return towards(tip, from, Math.min(HEAD, distance(tip, from)));
}

function towards(point: Point, goal: Point, by: number): Point {
  const whole = distance(point, goal);
  if (whole === 0) return point;
  return { x: point.x + ((goal.x - point.x) * by) / whole, y: point.y + ((goal.y - point.y) * by) / whole };
}

function distance(one: Point, other: Point): number {
  return Math.hypot(other.x - one.x, other.y - one.y);
}

function place({ x, y }: Point): string {
  return `${round(x)} ${round(y)}`;
}

/** To half a pixel. */
function round(value: number): number {
  return Math.round(value * 2) / 2;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
