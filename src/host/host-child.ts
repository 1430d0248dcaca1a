/**
 * A child process as the executor sees it, whoever forks it and whatever carries its output.
 */
import type { OutputStream } from '../../machines/protocol/output-log.js';
import { readProcess } from './process-table.js';

/** Of a terminal, in characters: 1 to 65535 each. */
export interface TerminalSize {
  readonly rows: number;
  readonly cols: number;
}

export interface ChildSpec {
  /** A path, or a bare name that is looked up in the child's own PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** What the child sees as argv[0]; absent, the program. */
  readonly arg0?: string;
  /** Absolute. */
  readonly cwd: string;
  /** The complete environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Absent stdin is /dev/null. */
  readonly stdin: 'pipe' | 'null';
  /** Of its terminal, when it gets one; absent, 24 by 80. */
  readonly size?: TerminalSize;
  /** A terminal tells 128 + n for signal n, as pipes do, where releases tell 1. */
  readonly tellsSignals?: boolean;
}

/** Of a child whose helper ended before it, when somebody else took its exit status. */
export const UNKNOWN_EXIT_CODE = -1;

/** How a child ended: by itself, or by a signal (its number, else 0). */
export interface ChildEnd {
  readonly status: number;
  readonly signal: number;
}

export interface ChildListener {
  /** Either this or `failed` comes first, once, possibly before the spawning call returns. */
  spawned(pid: number): void;
  /** It never ran; nothing else follows. */
  failed(error: unknown): void;
  /** The bytes are good only until it returns: whoever keeps them copies them. */
  output(stream: OutputStream, bytes: Buffer): void;
  /** Exit status, or 128 + signal (1 on a PTY); -1 when nobody could know it. Once. */
  exited(exitCode: number): void;
  /** No output can follow. Once, also after `abandonStreams`. */
  streamsEnded(): void;
  /** Queued input became less. */
  inputTaken(): void;
}

export interface HostChild {
  /** Queues input. Bytes for a child that is gone are dropped. */
  write(bytes: Uint8Array): void;
  /** End of input, after what is queued. */
  endInput(): void;
  /** Bytes of input the child has not taken. */
  readonly queuedInput: number;
  /** Stop and go on reading output; a child that writes more than a pipe holds stands still meanwhile. */
  pause(): void;
  resume(): void;
  /**
   * To the whole group; nothing when it is gone. SIGKILL before it is there means that it is not wanted any more: it
   * never runs, or is killed as soon as it does.
   */
  signalGroup(signal: NodeJS.Signals): void;
  /** Stop reading for good and close this end. */
  abandonStreams(): void;
  /** Absent without a terminal. The kernel tells the program in the foreground (SIGWINCH); false: it is hung up. */
  resize?(size: TerminalSize): boolean;
}

/** Direct, `spawned` or `failed` comes before it returns, or it throws; through the spawn broker, later. */
export type SpawnChild = (spec: ChildSpec, listener: ChildListener) => HostChild;

/**
 * Signals the group a child leads. The leader's id is not reused while its group has members, so a living process
 * of that id that is not ours would mean that the group is gone.
 */
export function signalGroup(pid: number, signal: NodeJS.Signals, leaderReaped: boolean): void {
  try {
    if (leaderReaped && isAlive(pid)) return;
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: nobody is left; EPERM: only members that changed their user are.
    if (!leaderReaped && (error as NodeJS.ErrnoException).code === 'ESRCH') signalAlone(pid, signal);
  }
}

/** On a terminal the leader makes its group itself, a moment after it was forked. */
function signalAlone(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone.
  }
}

/** Zombies are dead; in containers whose init reaps nobody, they stay. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return readProcess(pid)?.state !== 'Z';
}
