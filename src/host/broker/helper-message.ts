/**
 * What the daemon and its spawn helper say to each other, one JSON text a line. Also loaded by the helper, which must
 * stay small: no imports here.
 */

/** Make pipes: so many for output, so many for input. */
export interface PipesWanted {
  readonly op: 'pipes';
  readonly output: number;
  readonly input: number;
}

/** The daemon has opened its ends of every pipe made so far. */
export interface PipesOpened {
  readonly op: 'opened';
}

export interface StartWanted {
  readonly op: 'start';
  readonly id: number;
  readonly program: string;
  readonly args: readonly string[];
  readonly arg0?: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** What becomes its standard streams. */
  readonly stdio: PipeNumbers | TerminalPath;
}

export interface PipeNumbers {
  /** Null: /dev/null. */
  readonly stdin: number | null;
  readonly stdout: number;
  readonly stderr: number;
}

export interface TerminalPath {
  /** The slave side; it becomes the controlling terminal. */
  readonly terminal: string;
  /** Absolute path of setsid(1). */
  readonly setsid: string;
}

/** A child of an earlier helper: to be killed like the own ones when the daemon is gone. */
export interface Guard {
  readonly op: 'guard';
  readonly id: number;
  readonly pid: number;
  readonly exited: boolean;
}

/** Nothing of this child is left that matters. */
export interface Release {
  readonly op: 'release';
  readonly id: number;
}

export type HelperRequest = PipesWanted | PipesOpened | StartWanted | Guard | Release;

export interface PipesMade {
  readonly op: 'pipes';
  readonly output: readonly PipeMade[];
  readonly input: readonly PipeMade[];
}

export interface PipeMade {
  readonly number: number;
  /** Where the daemon opens its end, before it says `opened`. */
  readonly path: string;
}

export interface PipesFailed {
  readonly op: 'pipesFailed';
  readonly message: string;
  /** Positive; absent when no system call failed. */
  readonly errno?: number;
}

/** Written before the fork: without it, a start surely never ran. */
export interface Begun {
  readonly op: 'begun';
  readonly id: number;
}

export interface Started {
  readonly op: 'started';
  readonly id: number;
  readonly pid: number;
}

export interface Failed {
  readonly op: 'failed';
  readonly id: number;
  readonly message: string;
  readonly errno?: number;
  /** Node's own, for what it refuses before asking the system. */
  readonly code?: string;
}

export interface Exited {
  readonly op: 'exited';
  readonly id: number;
  /** Signal by number, 0 for none. */
  readonly signal: number;
  readonly status: number;
}

export type HelperReport = PipesMade | PipesFailed | Begun | Started | Failed | Exited;

export function encodeLine(message: HelperRequest | HelperReport): string {
  return `${JSON.stringify(message)}\n`;
}

const LINE_FEED = 10;

/** Cuts a byte stream into messages. Both ends are ours: what is no message of theirs is a defect and throws. */
export class LineDecoder<Message> {
  #parts: Buffer[] = [];

  decode(bytes: Buffer): Message[] {
    const messages: Message[] = [];
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      this.#parts.push(bytes.subarray(from, end));
      messages.push(JSON.parse(Buffer.concat(this.#parts).toString()) as Message);
      this.#parts = [];
      from = end + 1;
    }
    if (from < bytes.byteLength) this.#parts.push(bytes.subarray(from));
    return messages;
  }
}
