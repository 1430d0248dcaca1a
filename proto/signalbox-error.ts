/**
 * The one base of every error this project throws or reports.
 * It carries what a program needs to decide (code, scope, initiator); the message tells a person what to do.
 * It must not know about any transport, file or process.
 */

/** What the error ends: one stream, or everything on the connection. */
export type ErrorScope = 'stream' | 'connection';

/** Who caused it: this end, or the other one. */
export type ErrorInitiator = 'local' | 'peer';

export interface SignalboxErrorOptions {
  readonly scope: ErrorScope;
  readonly initiator: ErrorInitiator;
  readonly cause?: unknown;
}

export class SignalboxError extends Error {
  /** Stable, machine-readable, snake_case; never changes between releases. */
  readonly code: string;
  readonly scope: ErrorScope;
  readonly initiator: ErrorInitiator;

  constructor(code: string, message: string, options: SignalboxErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.scope = options.scope;
    this.initiator = options.initiator;
  }
}
