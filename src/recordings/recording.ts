/**
 * A recording of what is observed of this program, from now until it is closed: to a file, or to whoever attached for it.
 */
import type { WebSocket } from 'ws';
import type { Observation } from '../observe/observation.js';
import { record } from '../observe/recorder.js';
import type { RecordingError } from './recording-error.js';
import { RecordingFile } from './recording-file.js';
import { Tape } from './tape.js';

export interface RecordingOptions {
  /** Frames carry their payload. */
  readonly payloads?: boolean;
  /** Of the program's chance. */
  readonly seed?: number;
  /** The file cannot be written any more; called once. */
  failed(error: RecordingError): void;
}

export interface Recording {
  /** Resolves when all of it is with the system. */
  close(): Promise<void>;
}

/** Rejects with {@link RecordingError} when the file cannot be made. */
export async function recordToFile(
  observation: Observation,
  path: string,
  { failed, payloads = false, seed }: RecordingOptions,
): Promise<Recording> {
  const file = await RecordingFile.create(path, failed);
  const options = { payloads, ...(seed === undefined ? {} : { seed }) };
  const tape = new Tape((write) => record(observation, { ...options, write }), file, observation.clock);
  return {
    close: async () => {
      tape.close();
      await file.close();
    },
  };
}

/** Never with payloads: whoever runs the program did not ask for them. */
export function recordToSocket(observation: Observation, socket: WebSocket): void {
  const sink = {
    get waitingBytes() {
      return socket.bufferedAmount;
    },
    write: (lines: string) => socket.send(lines),
  };
  const tape = new Tape((write) => record(observation, { write }), sink, observation.clock);
  socket.on('error', () => {});
  socket.on('close', () => tape.close());
}
