/**
 * What can be wrong with a file that should be a recording. The message names the file, the line where there is one, and
 * what to do.
 */
import { SignalboxError } from '../../proto/signalbox-error.js';

export type RecordingFaultCode =
  | 'recording_unreadable'
  | 'recording_unwritable'
  | 'recording_unreachable'
  | 'recording_foreign'
  | 'recording_version_unknown'
  | 'recording_malformed';

export class RecordingError extends SignalboxError {
  declare readonly code: RecordingFaultCode;
  /** From 1; undefined where it is the whole file. */
  readonly line: number | undefined;

  constructor(
    code: RecordingFaultCode,
    message: string,
    options: { readonly line?: number; readonly cause?: unknown } = {},
  ) {
    super(code, message, { scope: 'connection', initiator: 'local', cause: options.cause });
    this.line = options.line;
  }
}
