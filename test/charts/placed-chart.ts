/** A chart with a place for everything, in pixels from the upper left corner of the picture. */
import type { ChartState } from './chart.js';
import type { Arrow, Reference, Written } from './drawing-plan.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface PlacedState extends Point, Size {
  readonly state: ChartState;
  readonly rows: readonly Written[];
}

export interface PlacedReference extends Point, Size {
  readonly reference: Reference;
}

export interface PlacedArrow {
  readonly arrow: Arrow;
  /** From the source to the target, with every bend. */
  readonly points: readonly Point[];
  /** Of the label block. */
  readonly label: Point & Size;
}

/** Where a state starts: a dot, and an arrow from it to the border of a box. */
export interface PlacedStart {
  readonly around: string;
  readonly dot: Point;
  readonly tip: Point;
}

export interface PlacedChart extends Size {
  /** Outer ones first. */
  readonly states: readonly PlacedState[];
  readonly references: readonly PlacedReference[];
  readonly arrows: readonly PlacedArrow[];
  readonly starts: readonly PlacedStart[];
}

/** The same, elsewhere. */
export function moved(chart: PlacedChart, dx: number, dy: number): PlacedChart {
  const shift = <P extends Point>(point: P): P => ({ ...point, x: point.x + dx, y: point.y + dy });
  return {
    ...chart,
    states: chart.states.map(shift),
    references: chart.references.map(shift),
    arrows: chart.arrows.map((arrow) => ({ ...arrow, points: arrow.points.map(shift), label: shift(arrow.label) })),
    starts: chart.starts.map((start) => ({ ...start, dot: shift(start.dot), tip: shift(start.tip) })),
  };
}

/** One picture of several. */
export function joined(size: Size, first: readonly PlacedState[], charts: readonly PlacedChart[]): PlacedChart {
  return {
    ...size,
    states: [...first, ...charts.flatMap((chart) => chart.states)],
    references: charts.flatMap((chart) => chart.references),
    arrows: charts.flatMap((chart) => chart.arrows),
    starts: charts.flatMap((chart) => chart.starts),
  };
}
