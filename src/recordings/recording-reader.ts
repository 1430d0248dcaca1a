/**
 * Reads a recording line by line, in bounded memory, and says exactly where it is not one. What a newer program of the
 * same version adds is skipped and counted; a last line that was cut off is left out and noted.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { type ObservationRecord, RECORD_VERSION, type StartedRecord } from '../observe/record.js';
import { faultOf } from './record-schema.js';
import { RecordingError } from './recording-error.js';

/** A record, and the line it stands in, from 1. */
export interface RecordedLine {
  readonly line: number;
  readonly record: ObservationRecord;
}

/** A message of 64 MiB in base64, and the words around it. */
const LONGEST_LINE_BYTES = 96 * 1024 * 1024;
const BLOCK_BYTES = 256 * 1024;
const NEWLINE = 10;

export class RecordingReader {
  readonly path: string;
  /** Records of types that are not known here. */
  skipped = 0;
  /** The last line was cut off, as when the program was killed. */
  isTruncated = false;
  #header: StartedRecord | undefined;
  #line = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Known once the first line was read. */
  get header(): StartedRecord | undefined {
    return this.#header;
  }

  /** What a person should know of the file, besides what it says. */
  get notices(): string[] {
    const notices: string[] = [];
    if (this.isTruncated) {
      notices.push(`the last line (${this.#line}) is cut off, as when a program is killed; it is left out`);
    }
    if (this.skipped > 0) {
      notices.push(`${this.skipped} records of kinds that this version does not know were skipped`);
    }
    return notices;
  }

  /** From the first line to the last. Throws {@link RecordingError}. */
  async *records(): AsyncGenerator<RecordedLine, void, void> {
    this.#line = 0;
    for await (const { text, isWhole } of this.#lines()) {
      this.#line += 1;
      const record = this.#parse(text, isWhole);
      if (record !== undefined) yield { line: this.#line, record };
    }
    if (this.#header === undefined) throw this.#foreign('it is empty');
  }

  #parse(text: string, isWhole: boolean): ObservationRecord | undefined {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      if (this.#header === undefined) throw this.#foreign('its first line is not JSON');
      if (!isWhole) {
        this.isTruncated = true;
        return undefined;
      }
      throw this.#malformed('it is not JSON');
    }
    if (!isTyped(value)) {
      if (this.#header === undefined) throw this.#foreign('its first line is no record');
      throw this.#malformed('it is no record: an object with a type');
    }
    if (this.#header === undefined) this.#begin(value);
    const fault = faultOf(value);
    if (fault === 'unknown') {
      this.skipped += 1;
      return undefined;
    }
    if (fault !== undefined) throw this.#malformed(`${value.type}: ${fault}`);
    const record = value as ObservationRecord;
    if (record.type === 'observing.started') this.#header ??= record;
    return record;
  }

  #begin(first: { readonly type: string; readonly version?: unknown }): void {
    if (first.type !== 'observing.started' || typeof first.version !== 'number') {
      throw this.#foreign('its first line is not the head of one');
    }
    if (first.version !== RECORD_VERSION) {
      throw new RecordingError(
        'recording_version_unknown',
        `${this.path} is a recording of version ${first.version}; this signalbox reads version ${RECORD_VERSION}: use the one that wrote it`,
        { line: 1 },
      );
    }
  }

  #foreign(why: string): RecordingError {
    const message = `${this.path} is not a recording of signalbox: ${why}`;
    return new RecordingError('recording_foreign', message, { line: 1 });
  }

  #malformed(why: string): RecordingError {
    return new RecordingError('recording_malformed', `${this.path}, line ${this.#line}: ${why}`, { line: this.#line });
  }

  async *#lines(): AsyncGenerator<{ readonly text: string; readonly isWhole: boolean }, void, void> {
    const handle = await this.#open();
    try {
      let pending: Buffer[] = [];
      let pendingBytes = 0;
      for (;;) {
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(BLOCK_BYTES));
        const block = buffer.subarray(0, bytesRead);
        if (bytesRead === 0) break;
        let start = 0;
        for (let end = block.indexOf(NEWLINE); end !== -1; end = block.indexOf(NEWLINE, start)) {
          pending.push(block.subarray(start, end));
          const text = Buffer.concat(pending).toString('utf8');
          pending = [];
          pendingBytes = 0;
          start = end + 1;
          yield { text, isWhole: true };
        }
        pending.push(block.subarray(start));
        pendingBytes += block.length - start;
        if (pendingBytes > LONGEST_LINE_BYTES) {
          this.#line += 1;
          throw this.#header === undefined
            ? this.#foreign('its first line has no end')
            : this.#malformed('it has no end');
        }
      }
      if (pendingBytes > 0) yield { text: Buffer.concat(pending).toString('utf8'), isWhole: false };
    } finally {
      await handle.close();
    }
  }

  async #open(): Promise<FileHandle> {
    try {
      const handle = await open(this.path, 'r');
      if (!(await handle.stat()).isDirectory()) return handle;
      await handle.close();
      throw new Error('it is a folder');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new RecordingError('recording_unreadable', `cannot read ${this.path}: ${why}`, { cause: error });
    }
  }
}

function isTyped(value: unknown): value is { readonly type: string; readonly version?: unknown } {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
