/**
 * Small plots of one stream over the last half minute: round trip, retransmit timeout, window, queue.
 */
import { byId, setText } from './element.js';
import { type KnownActor, lastUpTo } from './history.js';
import type { View } from './view.js';
import { bytesText, msText } from './words.js';

const SPAN_MS = 30_000;
/** A line is drawn anew only so often. */
const DRAW_MS = 100;

interface Plot {
  readonly fact: string;
  /** A second line, thinner: what the first is measured against. */
  readonly against?: string;
  readonly text: (value: number) => string;
  readonly least: number;
}

const plots: Readonly<Record<string, Plot>> = {
  'plot-round-trip': { fact: 'roundTrip.smoothedMs', against: 'roundTrip.latestMs', text: msText, least: 1 },
  'plot-retransmit': { fact: 'retransmitMs', text: msText, least: 10 },
  'plot-window': { fact: 'send.inFlight', against: 'send.peerWindow', text: (value) => `${value} in flight`, least: 4 },
  'plot-queue': { fact: 'send.queuedBytes', text: bytesText, least: 1024 },
};

interface Point {
  readonly at: number;
  readonly value: number;
  readonly against: number | undefined;
}

export class Plots {
  readonly #view: View;
  #drawnAt = 0;
  #drawn = '';

  constructor(view: View) {
    this.#view = view;
  }

  draw(): void {
    const { selected, moment, history, isLive } = this.#view;
    byId('plots', HTMLElement).hidden = selected?.chart !== 'stream';
    const now = performance.now();
    const key = `${selected?.actor} ${moment} ${isLive}`;
    if (selected?.chart !== 'stream' || key === this.#drawn || now - this.#drawnAt < DRAW_MS) return;
    this.#drawn = key;
    this.#drawnAt = now;
    const end = isLive ? history.nowAt : history.timeOf(moment);
    for (const [id, plot] of Object.entries(plots)) drawPlot(id, plot, pointsOf(selected, plot, moment, end), end);
  }
}

function pointsOf(actor: KnownActor, { fact, against }: Plot, moment: number, end: number): Point[] {
  const points: Point[] = [];
  for (let index = lastUpTo(actor.own, moment); index >= 0; index -= 1) {
    const record = actor.own[index]?.record;
    if (record?.type !== 'actor.changed') continue;
    const value = record.facts[fact];
    const other = against === undefined ? undefined : record.facts[against];
    if (typeof value !== 'number') continue;
    points.push({ at: record.at, value, against: typeof other === 'number' ? other : undefined });
    if (record.at < end - SPAN_MS) break;
  }
  return points.reverse();
}

function drawPlot(id: string, { text, least }: Plot, points: readonly Point[], end: number): void {
  const figure = byId(id, HTMLElement);
  const canvas = figure.querySelector('canvas');
  const value = figure.querySelector('output');
  const last = points.at(-1);
  if (value !== null) setText(value, last === undefined ? '–' : text(last.value));
  const paint = canvas?.getContext('2d');
  if (!canvas || !paint) return;
  const scale = window.devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== width * scale || canvas.height !== height * scale) {
    canvas.width = width * scale;
    canvas.height = height * scale;
  }
  paint.setTransform(scale, 0, 0, scale, 0, 0);
  paint.clearRect(0, 0, width, height);
  const colours = getComputedStyle(canvas);
  const most = Math.max(least, ...points.flatMap((point) => [point.value, point.against ?? 0])) * 1.1;
  const x = (at: number) => width - ((end - at) / SPAN_MS) * width;
  const y = (amount: number) => height - 1.5 - (amount / most) * (height - 4);
  const line = (pick: (point: Point) => number | undefined, colour: string, thickness: number, isFilled: boolean) => {
    paint.beginPath();
    let begun = false;
    for (const point of points) {
      const amount = pick(point);
      if (amount === undefined) continue;
      // A value holds until the next one.
      if (begun) paint.lineTo(x(point.at), lastY);
      lastY = y(amount);
      if (begun) paint.lineTo(x(point.at), lastY);
      else paint.moveTo(Math.max(0, x(point.at)), lastY);
      begun = true;
    }
    if (!begun) return;
    paint.lineTo(width, lastY);
    paint.strokeStyle = colour;
    paint.lineWidth = thickness;
    paint.stroke();
    if (!isFilled) return;
    paint.lineTo(width, height);
    paint.lineTo(Math.max(0, x(points[0]?.at ?? end)), height);
    paint.globalAlpha = 0.14;
    paint.fillStyle = colour;
    paint.fill();
    paint.globalAlpha = 1;
  };
  let lastY = height;
  line((point) => point.against, colours.caretColor, 1, false);
  line((point) => point.value, colours.color, 1.75, true);
}
