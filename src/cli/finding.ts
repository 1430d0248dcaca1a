/**
 * What one check of `signalbox doctor` found. It says what is, and where something is amiss, what to do; never a secret.
 */
export type Level = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly level: Level;
  /** What was looked at, in a word or two; stable, for programs. */
  readonly check: string;
  readonly detail: string;
  /** Undefined when there is nothing to do. */
  readonly remedy?: string;
}

export function ok(check: string, detail: string): Finding {
  return { level: 'ok', check, detail };
}

/** It works, or may work, but not as well as it could. */
export function warn(check: string, detail: string, remedy: string): Finding {
  return { level: 'warn', check, detail, remedy };
}

/** It cannot work so. */
export function fail(check: string, detail: string, remedy: string): Finding {
  return { level: 'fail', check, detail, remedy };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
