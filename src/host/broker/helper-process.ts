/**
 * The running helper as the daemon sees it: messages to it, reports from it, and its end, which is told only after
 * everything it reported.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { encodeLine, type HelperReport, type HelperRequest, LineDecoder } from './helper-message.js';

/** What node, mkfifo and the loader need; secrets stay with the daemon. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH'];
/** Of what it says on stderr, which is nothing unless it crashes. */
const LAST_WORDS_BYTES = 2_000;

/** A write to the helper wakes it up, which costs more than the message. */
const HOLD_MS = 100;

export interface HelperListener {
  report(report: HelperReport): void;
  /** Once. `lastWords` is what it wrote on stderr. */
  gone(how: string, lastWords: string): void;
}

export class HelperProcess {
  readonly #child: ChildProcess;
  readonly #input: Socket;
  readonly #reports: Socket;
  #held = '';
  #flush: NodeJS.Timeout | undefined;

  /** Throws when it cannot be forked. */
  constructor(pipeRoot: string, listener: HelperListener) {
    const env = Object.fromEntries(INHERITED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
    // A session of its own: Ctrl-C in the daemon's terminal is for the daemon.
    this.#child = spawn(process.execPath, [...programArguments(), pipeRoot], {
      cwd: '/',
      env,
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    });
    let error = '';
    this.#child.once('error', (cause) => {
      error = cause.message;
    });
    // Node tells the reason only later, and without descriptors it makes no streams to listen to.
    if (this.#child.pid === undefined) throw new Error('not forked: out of processes, memory or file descriptors');
    const [input, , words, reports] = this.#child.stdio;
    this.#input = input as Socket;
    this.#reports = reports as Socket;
    this.#input.on('error', () => {
      // EPIPE: it is gone, and its `close` says so.
    });
    const decoder = new LineDecoder<HelperReport>();
    this.#reports.on('data', (bytes: Buffer) => {
      for (const report of decoder.decode(bytes)) listener.report(report);
    });
    let lastWords = '';
    (words as Socket).on('data', (bytes: Buffer) => {
      lastWords = (lastWords + bytes.toString()).slice(-LAST_WORDS_BYTES);
    });
    (words as Socket).unref();
    // After `exit` and after the last report was read.
    this.#child.once('close', (code, signal) => listener.gone(error || (signal ?? `exit code ${code}`), lastWords));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(request: HelperRequest): void {
    if (!this.#input.writable) return;
    this.#input.write(this.#held + encodeLine(request));
    this.#held = '';
  }

  /** For what need not be known at once: leaves with the next `send`, at the latest after a while. */
  sendSoon(request: HelperRequest): void {
    this.#held += encodeLine(request);
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined;
      if (this.#input.writable) this.#input.write(this.#held);
      this.#held = '';
    }, HOLD_MS).unref();
  }

  /** Whether it keeps this program from ending. */
  hold(wanted: boolean): void {
    for (const part of [this.#child, this.#input, this.#reports]) {
      if (wanted) part.ref();
      else part.unref();
    }
  }

  dismiss(): void {
    clearTimeout(this.#flush);
    this.#input.end(this.#held);
    this.hold(false);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** MB of V8's young generation: left alone it grows the helper by 10 MB, and every fork with it. */
const SMALL = '--max-semi-space-size=1';

/** From TypeScript sources the helper needs the loader that tests run with; built, it is plain JavaScript. */
function programArguments(): string[] {
  const program = fileURLToPath(new URL('./spawn-helper.js', import.meta.url));
  if (!import.meta.url.endsWith('.ts')) return [SMALL, program];
  const loader = createRequire(import.meta.url).resolve('tsx');
  return [SMALL, '--import', pathToFileURL(loader).href, program.replace(/js$/, 'ts')];
}
