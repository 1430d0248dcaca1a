/**
 * One process as `process/list` tells it (docs/extensions.md). Nothing of its arguments, environment or output may be in
 * it: they hold secrets, and a listing is read by whoever looks at a session.
 */
export interface ProcessListing {
  readonly processId: string;
  /** Null while it is starting. */
  readonly pid: number | null;
  readonly command: string;
  readonly tty: boolean;
  readonly running: boolean;
  readonly exitCode: number | null;
  readonly closed: boolean;
  /** Milliseconds since 1970; null while it is starting. */
  readonly startedAt: number | null;
  /** Bytes it has written, of which so many can still be read. */
  readonly outputBytes: number;
  readonly retainedBytes: number;
  readonly nextSeq: number;
}
