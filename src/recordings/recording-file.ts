/**
 * The file of a recording as it is written: only its owner can read it, nobody waits for its disk, and the first failure
 * of the disk is the last.
 */
import { once } from 'node:events';
import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { RecordingError } from './recording-error.js';
import type { TapeSink } from './tape.js';

const OWNER_ONLY = 0o600;

export class RecordingFile implements TapeSink {
  readonly path: string;
  readonly #stream: WriteStream;
  #failure: RecordingError | undefined;

  /** What is at that path is replaced. Rejects with {@link RecordingError}. */
  static async create(path: string, failed: (error: RecordingError) => void): Promise<RecordingFile> {
    try {
      const handle = await open(path, 'w', OWNER_ONLY);
      // One that was there before may be anybody's to read.
      if ((await handle.stat()).isFile()) await handle.chmod(OWNER_ONLY);
      return new RecordingFile(path, handle.createWriteStream(), failed);
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  private constructor(path: string, stream: WriteStream, failed: (error: RecordingError) => void) {
    this.path = path;
    this.#stream = stream;
    stream.on('error', (error) => {
      this.#failure ??= unwritable(path, error);
      failed(this.#failure);
    });
  }

  get waitingBytes(): number {
    return this.#failure === undefined ? this.#stream.writableLength : 0;
  }

  write(lines: string): void {
    if (this.#failure === undefined) this.#stream.write(lines);
  }

  /** Calls back when everything handed over is with the system. */
  onDrained(drained: () => void): void {
    this.#stream.once('drain', drained);
  }

  /** Resolves when everything handed over is with the system, or cannot be. */
  async close(): Promise<void> {
    if (this.#stream.closed) return;
    const closed = once(this.#stream, 'close');
    this.#stream.end();
    await closed.catch(() => {});
  }
}

function unwritable(path: string, error: unknown): RecordingError {
  const why = error instanceof Error ? error.message : String(error);
  return new RecordingError('recording_unwritable', `cannot write the recording ${path}: ${why}`, { cause: error });
}
