/**
 * What a command tells its user when it cannot go on: one line on stderr, and the exit code of the program.
 */
import { SignalboxError } from '../../proto/signalbox-error.js';

export class CliError extends SignalboxError {
  readonly exitCode: number;

  constructor(message: string, options: { readonly exitCode?: number; readonly cause?: unknown } = {}) {
    super('command_failed', oneLine(message), { scope: 'connection', initiator: 'local', cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** What somebody else wrote may be in it, and must neither look like more lines nor speak to the terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}

/** Errors of ours become a message for the user; anything else is a defect and keeps its stack. */
export function asCliError(error: unknown): unknown {
  if (error instanceof CliError || !(error instanceof SignalboxError)) return error;
  return new CliError(error.message, { cause: error });
}
