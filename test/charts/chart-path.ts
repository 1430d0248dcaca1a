/** Lines of a picture as SVG path data: with rounded corners, arrow heads, and a gap where a label is. */
import type { Point, Size } from './placed-chart.js';

const CORNER = 5;
const HEAD = 7;

/** A line through the points, its corners rounded. */
export function path(points: readonly Point[]): string {
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
export function head(from: Point, tip: Point, shared = ''): string {
  const back = before(from, tip);
  const [dx, dy] = Math.abs(from.x - tip.x) < Math.abs(from.y - tip.y) ? [HEAD / 2, 0] : [0, HEAD / 2];
  const wing = (sign: number) => place({ x: back.x + sign * dx, y: back.y + sign * dy });
  return `<path class="head${shared}" d="M${place(tip)}L${wing(1)}L${wing(-1)}z"/>`;
}

export function before(from: Point, tip: Point): Point {
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
export function round(value: number): number {
  return Math.round(value * 2) / 2;
}

/** What of a line along the axes is not in the rectangle, in pieces. */
export function outside(points: readonly Point[], rect: Point & Size): Point[][] {
  const pieces: Point[][] = [];
  let piece: Point[] = points.slice(0, 1);
  points.slice(1).forEach((to, index) => {
    const from = points[index] ?? to;
    const [enter, leave] = within(from, to, rect);
    if (enter >= leave) {
      piece.push(to);
      return;
    }
    if (enter > 0) piece.push(along(from, to, enter));
    if (piece.length > 1) pieces.push(piece);
    piece = leave < 1 ? [along(from, to, leave), to] : [to];
  });
  if (piece.length > 1) pieces.push(piece);
  return pieces;
}

/** The part of a stretch that is in the rectangle, from 0 to 1; of nothing the end is not after the beginning. */
function within(from: Point, to: Point, { x, y, width, height }: Point & Size): [number, number] {
  const [left, right] = span(from.x, to.x, x, x + width);
  const [top, bottom] = span(from.y, to.y, y, y + height);
  return [Math.max(0, left, top), Math.min(1, right, bottom)];
}

function span(from: number, to: number, low: number, high: number): [number, number] {
  if (Math.abs(to - from) < 0.01) return from > low && from < high ? [0, 1] : [1, 0];
  const [one, other] = [(low - from) / (to - from), (high - from) / (to - from)];
  return [Math.min(one, other), Math.max(one, other)];
}

function along(from: Point, to: Point, part: number): Point {
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}
