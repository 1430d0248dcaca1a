/**
 * One measured figure of docs/reliability.md, beside what it should be, and how many of a sample lie below a part of it.
 */

export interface Figure {
  readonly name: string;
  /** In words, with its unit. */
  readonly measured: string;
  /** Nothing was promised when there is none. */
  readonly target?: string;
  /** Undefined with a target: the machine was too busy to tell. */
  readonly met?: boolean;
}

/** What is measured together, in one run. */
export interface Experiment {
  readonly name: string;
  /** Real time, sockets and processes: its figures depend on the machine. */
  readonly real: boolean;
  run(): Promise<readonly Figure[]>;
}

/** The smallest value that `part` (0 to 1) of all do not exceed. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

/** A time in round trips, for figures that no machine changes. */
export function inRoundTrips(ms: number, roundTripMs: number): string {
  return `${(ms / roundTripMs).toFixed(2)} round trips`;
}

export function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(2)} %`;
}
