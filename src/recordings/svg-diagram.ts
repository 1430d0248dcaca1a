/**
 * A sequence diagram as an SVG that stands alone, light or dark as whoever looks at it prefers: this end on the left, the
 * peer on the right, and beside them where the chart of the stream went.
 */
import type { DiagramRow, StreamDiagram } from './stream-rows.js';

const ROW = 26;
const PAUSE_ROW = 30;
const HEAD = 74;
const LEFT = 96;
const RIGHT = 664;
const CHART = 738;
const WIDTH = 1120;
const LONGEST_CHART = 56;
const LONGEST_LABEL = 74;
const PAUSE_MS = 200;
const CELL = 5;
/** More make a picture that nobody can open. */
const MOST_ROWS = 5000;

export interface SvgDiagram {
  readonly svg: string;
  /** Rows there was no room for. */
  readonly leftOut: number;
}

export function svgDiagram(diagram: StreamDiagram, startAt: number): SvgDiagram {
  const rows = diagram.rows.slice(0, MOST_ROWS);
  const parts: string[] = [];
  let y = HEAD;
  let before: number | undefined;
  for (const row of rows) {
    if (before !== undefined && row.at - before >= PAUSE_MS) {
      parts.push(pause(y, row.at - before));
      y += PAUSE_ROW;
    }
    before = row.at;
    parts.push(drawn(row, y, startAt));
    y += ROW;
  }
  const height = y + 24;
  const { role, stream } = diagram;
  const local = role === undefined ? 'harness' : `this end (${role})`;
  const peer = role === 'harness' || role === undefined ? 'executor' : 'harness';
  const frames = rows.filter(({ dir }) => dir !== undefined).length;
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escaped(`stream ${stream}: ${frames} frames between ${local} and ${peer}`)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
    text('title', 20, 26, `stream ${stream}`),
    end(LEFT, local),
    end(RIGHT, peer),
    text('head', CHART, HEAD - 21, 'chart of the stream'),
    `<line class="life" x1="${LEFT}" x2="${LEFT}" y1="${HEAD - 12}" y2="${height - 14}"/>`,
    `<line class="life" x1="${RIGHT}" x2="${RIGHT}" y1="${HEAD - 12}" y2="${height - 14}"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
  return { svg, leftOut: diagram.rows.length - rows.length };
}

function end(x: number, name: string): string {
  const width = 20 + 7.4 * name.length;
  const box = `<rect class="end" x="${x - width / 2}" y="${HEAD - 38}" width="${width}" height="25" rx="6"/>`;
  return `${box}<text class="head middle" x="${x}" y="${HEAD - 21}">${escaped(name)}</text>`;
}

function pause(y: number, ms: number): string {
  const words = ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 1000).toFixed(0)} s`;
  const lines = [LEFT, RIGHT].map((x) => `<line class="gone" x1="${x}" x2="${x}" y1="${y - 4}" y2="${y + 22}"/>`);
  return `${lines.join('')}<text class="soft middle" x="${(LEFT + RIGHT) / 2}" y="${y + 13}">⋮ ${words}</text>`;
}

function drawn(row: DiagramRow, y: number, startAt: number): string {
  const base = y + 15;
  const time = text('time', 16, base, ((row.at - startAt) / 1000).toFixed(3));
  const beside = row.chart === '' ? '' : chartText(row.chart, base);
  return `<g class="row ${row.kind}" data-line="${row.line}">${time}${body(row, y, base)}${beside}</g>`;
}

function body(row: DiagramRow, y: number, base: number): string {
  const words = row.note === '' ? row.label : `${row.label} · ${row.note}`;
  const shown = cut(words, LONGEST_LABEL);
  const full = `<title>${escaped(words)}</title>`;
  if (row.dir !== undefined) {
    const [from, to] = row.dir === 'out' ? [LEFT, RIGHT] : [RIGHT, LEFT];
    const tip = row.dir === 'out' ? to - 2 : to + 2;
    const back = row.dir === 'out' ? tip - 8 : tip + 8;
    const line = `<line class="arrow" x1="${from}" x2="${back}" y1="${y + 20}" y2="${y + 20}"/>`;
    const head = `<path class="tip" d="M${tip} ${y + 20}L${back} ${y + 16}L${back} ${y + 24}Z"/>`;
    const place = row.dir === 'out' ? LEFT + 12 : RIGHT - 12;
    const side = row.dir === 'out' ? 'label' : 'label right';
    return `${full}${line}${head}${text(side, place, base, shown)}${cells(row, y)}`;
  }
  if (row.kind === 'carrier' || row.kind === 'missing' || row.kind === 'end') {
    const middle = (LEFT + RIGHT) / 2;
    const half = 10 + 3.4 * shown.length;
    const band = `<line class="band" x1="${LEFT}" x2="${RIGHT}" y1="${y + 11}" y2="${y + 11}"/>`;
    const box = `<rect class="paper" x="${middle - half}" y="${y + 2}" width="${2 * half}" height="18"/>`;
    return `${full}${band}${box}<text class="label middle" x="${middle}" y="${base}">${escaped(shown)}</text>`;
  }
  return `${full}<circle class="dot" cx="${LEFT}" cy="${y + 11}" r="3"/>${text('label', LEFT + 12, base, shown)}`;
}

/** The row of ack_bits cells, at the end where the arrow begins. */
function cells({ bits, dir }: DiagramRow, y: number): string {
  if (bits === 0) return '';
  const used = 32 - Math.clz32(bits);
  const left = dir === 'out' ? RIGHT - 14 - used * CELL : LEFT + 14;
  return Array.from({ length: used }, (_, bit) => {
    const set = (bits >>> bit) & 1 ? 'set' : 'unset';
    return `<rect class="${set}" x="${left + bit * CELL}" y="${y + 7}" width="${CELL - 1}" height="8"/>`;
  }).join('');
}

function chartText(chart: string, base: number): string {
  return `<path class="into" d="M${CHART - 14} ${base - 8}l5 4l-5 4"/>${text('chart', CHART, base, cut(chart, LONGEST_CHART))}`;
}

function text(style: string, x: number, y: number, words: string): string {
  return `<text class="${style}" x="${x}" y="${y}">${escaped(words)}</text>`;
}

function cut(words: string, length: number): string {
  return words.length <= length ? words : `${words.slice(0, length - 1)}…`;
}

function escaped(words: string): string {
  const plain = words.replaceAll(/\p{Cc}/gu, '·');
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const LIGHT =
  '--paper:#fff;--line:#d5dce3;--ink:#17212b;--soft:#5c6b7a;--accent:#0b6bcb;--good:#0e8a5f;--again:#c25a00;--gap:#9a6b00;--twice:#6b7785;--resume:#7a3fc4;--reset:#c4282d;--box:#f6f8fa';
const DARK =
  '--paper:#151c23;--line:#2a3540;--ink:#e4ebf1;--soft:#93a3b3;--accent:#5cb0ff;--good:#2fbf8f;--again:#ff9d4d;--gap:#f2c14e;--twice:#8c9aa8;--resume:#b98cff;--reset:#ff6b6b;--box:#1b242d';
const KINDS = ['again', 'gap', 'twice', 'resume', 'reset'];

const STYLE = [
  `:root{color-scheme:light dark;${LIGHT}}`,
  `@media(prefers-color-scheme:dark){:root{${DARK}}}`,
  "text{font:12px ui-monospace,'SF Mono','Cascadia Code',Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:var(--ink)}",
  '.paper{fill:var(--paper)}.title{font-size:14px;font-weight:600}.head{font-weight:600}.middle{text-anchor:middle}',
  '.right{text-anchor:end}.time,.soft{fill:var(--soft)}.time{font-size:11px}.chart{fill:var(--accent);font-size:11px}',
  '.end{fill:var(--box);stroke:var(--line)}.life{stroke:var(--soft);stroke-width:1.5}',
  '.gone{stroke:var(--paper);stroke-width:3;stroke-dasharray:3 3}',
  '.row{--own:var(--soft)}.row .arrow{stroke:var(--own);stroke-width:1.4}.row .tip{fill:var(--own)}',
  '.into{fill:none;stroke:var(--accent)}.dot{fill:var(--paper);stroke:var(--soft);stroke-width:1.5}',
  '.set{fill:var(--good)}.unset{fill:var(--line)}',
  '.input .label,.change .label{fill:var(--soft)}.row.fills{--own:var(--good)}.row.held{--own:var(--accent)}',
  `${KINDS.map((kind) => `.row.${kind}{--own:var(--${kind})}`).join('')}`,
  `${[...KINDS, 'fills', 'held'].map((kind) => `.row.${kind} .label`).join()}{fill:var(--own)}`,
  '.row.again .arrow{stroke-width:2.2}.row.twice .arrow{stroke-dasharray:2 3}.row.carrier,.row.missing{--own:var(--resume)}',
  '.band{stroke:var(--own);stroke-width:1.2;stroke-dasharray:6 3}.row.carrier .label,.row.missing .label{fill:var(--own)}',
  '.row.end .label{font-weight:600}',
].join('');
