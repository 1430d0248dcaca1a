/**
 * Children on a pseudoterminal of 24 rows and 80 columns. node-pty's native half forks; its JavaScript half is not
 * used, because it sets TERM and PWD, and because it loses the last output of programs that end quickly.
 *
 * The slave side is held open here until the leader's output is read: while somebody holds it the kernel reports no
 * hang-up, so that an empty read after the exit proves that nothing is left (DESIGN §10).
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { userInfo } from 'node:os';
import { ReadStream } from 'node:tty';
import { type ChildListener, type ChildSpec, type HostChild, signalGroup } from './host-child.js';
import { asOsError } from './os-error.js';
import { findProgram, requireFolder } from './program-lookup.js';

const ROWS = 24;
const COLUMNS = 80;
const READ_BYTES = 16 * 1024;
/** More than a terminal holds: what comes after that much is not the leader's last output. */
const DRAIN_BYTES = 256 * 1024;
/** A terminal whose program does not read takes no more input; the kernel does not tell when it does again. */
const INPUT_RETRY_MS = 10;
const END_OF_TRANSMISSION = Buffer.from([4]);
/** The peers report every death by signal on a terminal like this. */
const KILLED_EXIT_CODE = 1;

interface NativePty {
  fork(
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helper: string,
    exited: (code: number, signal: number) => void,
  ): { readonly fd: number; readonly pid: number; readonly pty: string };
}

let native: NativePty | undefined;
let helper = '';

function loadNative(): NativePty {
  if (native !== undefined) return native;
  const require = createRequire(import.meta.url);
  const { requireBinary } = require('@lydell/node-pty/requireBinary.js') as { requireBinary(name: string): NativePty };
  if (process.platform === 'darwin') helper = require.resolve(`@lydell/node-pty-darwin-${process.arch}/spawn-helper`);
  native = requireBinary('pty.node');
  return native;
}

export function spawnPty(spec: ChildSpec, listener: ChildListener): HostChild {
  requireFolder(spec.cwd);
  const file = findProgram(spec.program, spec.cwd, spec.env.PATH);
  const env = { ...spec.env };
  env.SHELL ??= userInfo().shell ?? '/bin/sh';
  const [program, args] = spec.arg0 === undefined ? [file, spec.args] : underName(spec.arg0, file, spec);
  return new PtyChild(program, args, env, spec.cwd, listener);
}

/** The native half cannot set argv[0]; bash can. */
function underName(arg0: string, file: string, spec: ChildSpec): [string, readonly string[]] {
  const bash = findProgram('bash', spec.cwd, '/bin:/usr/bin:/usr/local/bin');
  const script = 'unset SHLVL PWD OLDPWD; exec -a "$0" "$@"';
  return [bash, ['--noprofile', '--norc', '-c', script, arg0, file, ...spec.args]];
}

class PtyChild implements HostChild {
  readonly #pid: number;
  readonly #master: number;
  readonly #stream: ReadStream;
  readonly #listener: ChildListener;
  #slave: number | undefined;
  #input: Uint8Array[] = [];
  #queuedInput = 0;
  #retry: NodeJS.Timeout | undefined;
  #paused = false;
  #exited = false;
  #drained = 0;
  #closed = false;

  constructor(
    file: string,
    args: readonly string[],
    env: Record<string, string>,
    cwd: string,
    listener: ChildListener,
  ) {
    this.#listener = listener;
    const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const exited = (code: number, signal: number) => this.#leaderExited(signal > 0 ? KILLED_EXIT_CODE : code);
    const term = loadNative().fork(file, args, pairs, cwd, COLUMNS, ROWS, -1, -1, true, helper, exited);
    this.#pid = term.pid;
    this.#master = term.fd;
    try {
      this.#slave = openSync(term.pty, constants.O_RDWR | constants.O_NOCTTY);
      this.#stream = new ReadStream(term.fd);
    } catch (error) {
      // Out of descriptors: the child must not run on with nobody to read it.
      signalGroup(term.pid, 'SIGKILL', false);
      this.#releaseSlave();
      closeSync(term.fd);
      throw asOsError(error);
    }
    this.#stream.on('data', (bytes: Buffer) => listener.output('pty', bytes));
    this.#stream.on('error', () => {
      // EIO: nobody holds the terminal any more; `close` follows.
    });
    // The kernel may hand over an end while bytes are left; they are read before the descriptor is closed.
    this.#stream.once('end', () => this.#readAll());
    this.#stream.once('close', () => this.#ended());
    listener.spawned(term.pid);
  }

  get queuedInput(): number {
    return this.#queuedInput;
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#exited || bytes.byteLength === 0) return;
    this.#input.push(bytes);
    this.#queuedInput += bytes.byteLength;
    if (this.#retry === undefined) this.#writeInput();
  }

  endInput(): void {
    this.write(END_OF_TRANSMISSION);
  }

  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#exited && this.#slave !== undefined) this.#drain();
    else this.#stream.resume();
  }

  signalGroup(signal: NodeJS.Signals): void {
    signalGroup(this.#pid, signal, this.#exited);
  }

  abandonStreams(): void {
    this.#stream.destroy();
  }

  #leaderExited(exitCode: number): void {
    this.#exited = true;
    this.#dropInput();
    this.#stream.pause();
    if (!this.#paused) this.#drain();
    this.#listener.exited(exitCode);
  }

  /** Reads what the leader left; then only descendants can still write, and the stream tells when they are gone. */
  #drain(): void {
    // What the stream read before it was paused comes first; `read` hands it to the `data` listener.
    while (!this.#paused && this.#stream.readableLength > 0) this.#stream.read();
    while (!this.#paused && !this.#closed && this.#drained < DRAIN_BYTES) {
      const bytes = this.#readOnce();
      if (bytes === undefined) break;
      this.#drained += bytes.byteLength;
      this.#listener.output('pty', bytes);
    }
    if (this.#paused || this.#closed) return;
    this.#releaseSlave();
    this.#stream.resume();
  }

  #readAll(): void {
    for (let bytes = this.#readOnce(); bytes !== undefined; bytes = this.#readOnce()) {
      this.#listener.output('pty', bytes);
    }
  }

  #readOnce(): Buffer | undefined {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    try {
      const count = readSync(this.#master, buffer);
      return count === 0 ? undefined : buffer.subarray(0, count);
    } catch {
      // EAGAIN: empty; EIO: empty, and nobody holds the other side.
      return undefined;
    }
  }

  #writeInput(): void {
    this.#retry = undefined;
    for (let next = this.#input[0]; next !== undefined; next = this.#input[0]) {
      const written = this.#writeOnce(next);
      if (written === 0) {
        this.#retry = setTimeout(() => this.#writeInput(), INPUT_RETRY_MS);
        return;
      }
      this.#queuedInput -= written;
      if (written < next.byteLength) this.#input[0] = next.subarray(written);
      else this.#input.shift();
      this.#listener.inputTaken();
    }
  }

  #writeOnce(bytes: Uint8Array): number {
    try {
      return writeSync(this.#master, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      // EIO: the terminal is hung up; its input goes nowhere.
      return bytes.byteLength;
    }
  }

  #dropInput(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#input = [];
    this.#queuedInput = 0;
    this.#listener.inputTaken();
  }

  #releaseSlave(): void {
    if (this.#slave === undefined) return;
    closeSync(this.#slave);
    this.#slave = undefined;
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#releaseSlave();
    this.#dropInput();
    this.#listener.streamsEnded();
  }
}
