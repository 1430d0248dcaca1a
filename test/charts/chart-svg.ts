/** Writes a placed chart as an SVG, by the contract of docs/charts/README.md. It moves nothing. */
import { DOUBLE, indented, LABEL_GAP, LINE, NAME_BASE, PAD, plainRows } from './box-size.js';
import { before, head, outside, path, round } from './chart-path.js';
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
  const parts = outside([...points.slice(0, -1), before(last, tip)], label)
    .map(path)
    .join('');
  let y = label.y;
  return arrow.labels.map((written, index) => {
    // Of several on one line, one draws it; the others show it when they are taken.
    const shared = index === 0 ? '' : ' shared';
    const lines = written.text.map((words, row) =>
      text('label middle', label.x + label.width / 2, y + row * LINE + 11, words),
    );
    y += written.text.length * LINE + LABEL_GAP;
    return group(`edge ${written.transition.kind}`, edgeData(written), [
      `<title>${escaped(sentence(written))}</title>`,
      `<path class="line${shared}" d="${parts}"/>`,
      head(last, tip, shared),
      ...lines,
    ]);
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

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
