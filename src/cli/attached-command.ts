/**
 * A command on the other machine as if it ran here: its input, output, terminal, signals and exit code. What is done when
 * this end leaves first is for whoever attached it to say.
 */
import { finished, pipeline } from 'node:stream/promises';
import type { RemoteProcess } from '../harness/remote-process.js';
import { descriptorStream } from '../host/descriptor-stream.js';
import { EscapeWatch, LocalTerminal } from './local-terminal.js';
import { isFateUnknown, unreached } from './reach.js';

export interface Attachment {
  /** Whether standard input goes to the command. */
  readonly input: boolean;
  /** Whether it has a terminal, shown in ours. */
  readonly terminal: boolean;
  /** `kill` ends the command with this end; `detach` lets it go on. */
  readonly leaving: 'kill' | 'detach';
}

const SIGPIPE_EXIT_CODE = 141;
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** From attaching to the end; resolves with the exit code for this program. Throws CliError when the command is lost. */
export async function runAttached(child: RemoteProcess, attachment: Attachment): Promise<number> {
  return await new AttachedCommand(child, attachment).run();
}

class AttachedCommand {
  readonly #child: RemoteProcess;
  readonly #attachment: Attachment;
  /** The exit code of a command that this end has left or killed. */
  #left: number | undefined;
  #inputLost: Error | undefined;
  #release: () => void = () => {};
  readonly #detached: Promise<void>;

  constructor(child: RemoteProcess, attachment: Attachment) {
    this.#child = child;
    this.#attachment = attachment;
    this.#detached = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  async run(): Promise<number> {
    const child = this.#child;
    const forget = this.#forwardSignals();
    const terminal = this.#attachment.terminal
      ? new LocalTerminal((size) => void child.resize(size).catch(() => {}))
      : undefined;
    if (this.#attachment.input) this.#feed();
    const copied = [this.#show(child.stdout, 1), this.#show(child.stderr, 2)];
    try {
      const end = await Promise.race([child.closed, this.#detached]);
      if (end === undefined) return this.#left ?? 0;
      await Promise.all(copied);
      if (this.#inputLost !== undefined && this.#left === undefined) throw unreached(this.#inputLost);
      return this.#left ?? end.exitCode;
    } catch (error) {
      await Promise.allSettled(copied);
      if (this.#left !== undefined) return this.#left;
      throw unreached(error);
    } finally {
      terminal?.restore();
      forget();
    }
  }

  #show(from: RemoteProcess['stdout'], descriptor: 1 | 2): Promise<void> {
    return pipeline(from, descriptorStream(descriptor)).catch((error: NodeJS.ErrnoException) => {
      // Nobody reads any more (`| head`): a local program would have got SIGPIPE.
      if (error.code === 'EPIPE') this.#leave(SIGPIPE_EXIT_CODE);
      else if (this.#left === undefined) throw unreached(error);
    });
  }

  #feed(): void {
    const { stdin } = this.#child;
    // A process that reads no more is no error here; it may simply have ended. Input whose fate is unknown is one.
    stdin.on('error', (error: Error) => {
      process.stdin.destroy();
      if (!isFateUnknown(error)) return;
      this.#inputLost = error;
      void this.#child.terminate().catch(() => {});
    });
    process.stdin.on('error', () => stdin.end());
    if (this.#attachment.terminal && process.stdin.isTTY) {
      process.stdin.pipe(new EscapeWatch(() => this.#leave(128 + SIGNAL_NUMBERS.SIGHUP))).pipe(stdin);
    } else process.stdin.pipe(stdin);
    void finished(stdin).catch(() => {});
  }

  #leave(exitCode: number): void {
    if (this.#left !== undefined) {
      // Whoever asks once more does not want to wait until the other machine can be told.
      if (exitCode !== SIGPIPE_EXIT_CODE) process.exit(exitCode);
      return;
    }
    this.#left = exitCode;
    if (this.#attachment.leaving === 'detach') this.#release();
    else void this.#child.terminate().catch(() => {});
  }

  /** The first ^C goes to the command, the second leaves it; other endings of this program leave it at once. */
  #forwardSignals(): () => void {
    let interrupted = false;
    const onInterrupt = () => {
      const exitCode = 128 + SIGNAL_NUMBERS.SIGINT;
      if (interrupted) return this.#leave(exitCode);
      interrupted = true;
      // The first releases know no signals.
      this.#child.signal('interrupt').catch(() => this.#leave(exitCode));
    };
    const onHangup = () => this.#leave(128 + SIGNAL_NUMBERS.SIGHUP);
    const onTerminate = () => this.#leave(128 + SIGNAL_NUMBERS.SIGTERM);
    process.on('SIGINT', onInterrupt);
    process.on('SIGHUP', onHangup);
    process.on('SIGTERM', onTerminate);
    return () => {
      process.off('SIGINT', onInterrupt);
      process.off('SIGHUP', onHangup);
      process.off('SIGTERM', onTerminate);
    };
  }
}
