/**
 * The log of a running program: JSON lines (pino) on stderr, never on stdout, which belongs to the user's data.
 * Secrets and payloads are never logged; the redaction here is the second line of defence, not the first.
 */
import { destination, type Logger, pino } from 'pino';

export type { Logger };

export interface LogOptions {
  /** pino's level names; `silent` for tests and libraries. */
  readonly level?: string;
}

export function createLog(options: LogOptions = {}): Logger {
  const redact = { paths: ['token', 'bearerToken', '*.token', '*.bearerToken', 'authorization', '*.authorization'] };
  return pino({ level: options.level ?? 'info', base: null, redact }, destination({ fd: 2, sync: true }));
}

/** For programs that embed an executor or a harness and did not ask for a log. */
export const silentLog: Logger = pino({ level: 'silent' });
