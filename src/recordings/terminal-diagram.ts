/**
 * A sequence diagram for a terminal: this end on the left, the peer on the right, time downwards, and beside it where the
 * chart of the stream went. It fits any width; where there is no room beside, things go below each other.
 */
import type { DiagramRow, StreamDiagram } from './stream-rows.js';

export interface TerminalStyle {
  /** Columns; at least {@link NARROWEST}. */
  readonly width: number;
  readonly colour: boolean;
}

export const NARROWEST = 40;
/** Between the ends at most: longer arrows say no more. */
const WIDEST_LANES = 84;
/** From here on the chart has a column of its own. */
const BESIDE_FROM = 100;
const NARROWEST_CHART = 34;
/** A pause this long is told. */
const PAUSE_MS = 200;
const CELLS = 8;

/** SGR codes by what a row is. */
const COLOURS: Readonly<Record<DiagramRow['kind'], string>> = {
  plain: '',
  twice: '2',
  gap: '33',
  fills: '32',
  again: '1;38;5;208',
  reset: '1;31',
  resume: '35',
  held: '36',
  carrier: '1;35',
  input: '2',
  change: '2',
  end: '1',
  missing: '1;33',
};

interface Layout {
  readonly time: number;
  /** Columns between the two ends. */
  readonly lanes: number;
  /** Columns of the chart beside; 0 where there is none. */
  readonly chart: number;
}

export function* terminalDiagram(diagram: StreamDiagram, startAt: number, style: TerminalStyle): Generator<string> {
  const { rows, role, hadPast, stream } = diagram;
  const layout = layoutFor(Math.max(NARROWEST, style.width));
  const paint = painter(style.colour);
  const peer = role === undefined ? 'executor' : role === 'harness' ? 'executor' : 'harness';
  const local = role === undefined ? 'harness' : `this end (${role})`;
  yield paint('1', cut(`stream ${stream}`, style.width));
  if (hadPast) yield paint('2', cut('it was there before the recording began', style.width));
  yield '';
  yield headLine(layout, local, peer, paint);
  let before: number | undefined;
  for (const row of rows) {
    if (before !== undefined && row.at - before >= PAUSE_MS) yield pauseLine(layout, row.at - before, paint);
    before = row.at;
    yield* rowLines(row, startAt, layout, paint);
  }
  if (rows.length === 0) yield paint('2', 'nothing of it is recorded');
  yield '';
}

function layoutFor(width: number): Layout {
  const time = width < 60 ? 7 : 9;
  const room = width - time - 1;
  if (width < BESIDE_FROM) return { time, lanes: Math.min(room - 2, WIDEST_LANES), chart: 0 };
  const chart = Math.max(NARROWEST_CHART, Math.min(60, width - time - 3 - WIDEST_LANES));
  return { time, lanes: Math.min(room - chart - 4, WIDEST_LANES), chart };
}

function headLine({ time, lanes, chart }: Layout, local: string, peer: string, paint: Paint): string {
  const gap = Math.max(1, lanes + 2 - local.length - peer.length);
  const ends =
    lanes + 2 >= local.length + peer.length + 1 ? `${local}${' '.repeat(gap)}${peer}` : cut(local, lanes + 2);
  const beside = chart === 0 ? '' : '  chart of the stream';
  return paint('1', `${'s'.padStart(time)} ${ends}${beside}`);
}

function pauseLine({ time, lanes }: Layout, ms: number, paint: Paint): string {
  const text = ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 1000).toFixed(0)} s`;
  return paint('2', `${' '.repeat(time)} ┊${centred(`⋮ ${text}`, lanes)}┊`);
}

function* rowLines(row: DiagramRow, startAt: number, layout: Layout, paint: Paint): Generator<string> {
  const { lanes, chart } = layout;
  const time = paint('2', cut(((row.at - startAt) / 1000).toFixed(3), layout.time).padStart(layout.time));
  const blank = ' '.repeat(layout.time);
  const colour = COLOURS[row.kind];
  const bits = row.bits === 0 ? '' : ` ${cells(row.bits)}`;
  const label = `${row.label}${bits}`;
  const whole = row.note === '' ? label : `${label} · ${row.note}`;
  const fits = row.dir === undefined || whole.length + 6 <= lanes;
  const beside = chart === 0 || row.chart === '' ? '' : `  ${paint('36', cut(row.chart, chart))}`;
  yield `${time} ${between(row, fits ? whole : label, lanes, colour, paint)}${beside}`;
  if (!fits) yield `${blank} │${paint(colour, placed(row.note, lanes, row.dir === 'in'))}│`;
  if (chart === 0 && row.chart !== '') yield `${blank} │${paint('36', placed(`→ ${row.chart}`, lanes, false))}│`;
}

/** What is between the two ends, and the ends. */
function between(row: DiagramRow, text: string, lanes: number, colour: string, paint: Paint): string {
  switch (row.dir) {
    case 'out': {
      const shown = cut(text, lanes - 5);
      return `├${paint(colour, `─ ${shown} ${'─'.repeat(lanes - shown.length - 4)}▶`)}│`;
    }
    case 'in': {
      const shown = cut(text, lanes - 5);
      return `│${paint(colour, `◀${'─'.repeat(lanes - shown.length - 4)} ${shown} ─`)}┤`;
    }
    default:
      return row.kind === 'carrier' || row.kind === 'missing' || row.kind === 'end'
        ? paint(colour, `╞${ruled(text, lanes)}╡`)
        : `│${paint(colour, placed(text, lanes, false))}│`;
  }
}

function placed(text: string, lanes: number, right: boolean): string {
  const shown = cut(text, lanes - 4);
  return right ? `${shown.padStart(lanes - 2)}  ` : `  ${shown.padEnd(lanes - 2)}`;
}

function ruled(text: string, lanes: number): string {
  const shown = ` ${cut(text, lanes - 4)} `;
  const left = Math.floor((lanes - shown.length) / 2);
  return `${'═'.repeat(left)}${shown}${'═'.repeat(lanes - shown.length - left)}`;
}

function centred(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2);
  return `${' '.repeat(left)}${text}${' '.repeat(width - text.length - left)}`;
}

/** Bit 0 first, as the page draws it; what lies beyond the last one that is set is nothing. */
function cells(bits: number): string {
  const used = 32 - Math.clz32(bits);
  const shown = Array.from({ length: Math.min(used, CELLS) }, (_, bit) => ((bits >>> bit) & 1 ? '▮' : '▯')).join('');
  return used > CELLS ? `${shown}…` : shown;
}

/** A recording is somebody's file: what would steer the terminal is shown, not obeyed. */
function cut(text: string, width: number): string {
  const plain = text.replaceAll(/\p{Cc}/gu, '·');
  return plain.length <= width ? plain : `${plain.slice(0, Math.max(0, width - 1))}…`;
}

type Paint = (code: string, text: string) => string;

function painter(colour: boolean): Paint {
  return (code, text) => (colour && code !== '' && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text);
}
