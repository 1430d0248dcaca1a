/**
 * Children on a pseudoterminal, forked by this process through node-pty's native half: for
 * systems without the spawn broker, or without setsid(1).
 */
import { closeSync, constants, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { type ChildListener, type ChildSpec, type HostChild, signalGroup, type TerminalSize } from './host-child.js';
import { asOsError } from './os-error.js';
import { findProgram, requireFolder } from './program-lookup.js';
import { loadNativePty, ptyForkHelper } from './pty-native.js';
import { TerminalStream } from './terminal-stream.js';

/** What a terminal has that nobody gave a size, as with the peers. */
export const USUAL_SIZE: TerminalSize = { rows: 24, cols: 80 };
/** The peers report every death by signal on a terminal like this. */
const KILLED_EXIT_CODE = 1;

/** Throws OsError when it cannot be started. */
export function spawnPty(spec: ChildSpec, listener: ChildListener): HostChild {
  return new PtyChild(terminalSpec(spec), listener);
}

/** What is really run: an absolute program, SHELL as the peers set it, and argv[0] by way of a shell. */
export function terminalSpec(spec: ChildSpec): ChildSpec {
  requireFolder(spec.cwd);
  const file = findProgram(spec.program, spec.cwd, spec.env.PATH);
  const env = { ...spec.env };
  env.SHELL ??= userInfo().shell ?? '/bin/sh';
  const { cwd, args } = spec;
  const { arg0: _, ...rest } = spec;
  if (spec.arg0 === undefined) return { ...rest, program: file, env };
  // Neither the native half nor setsid can set argv[0]; bash can.
  const program = findProgram('bash', cwd, '/bin:/usr/bin:/usr/local/bin');
  const script = 'unset SHLVL PWD OLDPWD; exec -a "$0" "$@"';
  return { ...rest, program, args: ['--noprofile', '--norc', '-c', script, spec.arg0, file, ...args], env };
}

/** The exit code of a process on a terminal that a signal ended. */
export function terminalSignalCode(signal: number, tellsSignals: boolean | undefined): number {
  return tellsSignals ? 128 + signal : KILLED_EXIT_CODE;
}

class PtyChild implements HostChild {
  readonly #pid: number;
  readonly #stream: TerminalStream;
  #exited = false;

  constructor({ program, args, env, cwd, size = USUAL_SIZE, tellsSignals }: ChildSpec, listener: ChildListener) {
    const { rows, cols } = size;
    const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const exited = (code: number, signal: number) => {
      this.#exited = true;
      this.#stream.leaderExited();
      listener.exited(signal > 0 ? terminalSignalCode(signal, tellsSignals) : code);
    };
    const term = loadNativePty().fork(program, args, pairs, cwd, cols, rows, -1, -1, true, ptyForkHelper(), exited);
    this.#pid = term.pid;
    let slave: number | undefined;
    try {
      slave = openSync(term.pty, constants.O_RDWR | constants.O_NOCTTY);
      this.#stream = new TerminalStream(term.fd, slave, listener, () => listener.streamsEnded());
    } catch (error) {
      // Out of descriptors: the child must not run on with nobody to read it.
      signalGroup(term.pid, 'SIGKILL', false);
      if (slave !== undefined) closeSync(slave);
      closeSync(term.fd);
      throw asOsError(error);
    }
    listener.spawned(term.pid);
  }

  get queuedInput(): number {
    return this.#stream.queuedInput;
  }

  write(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  endInput(): void {
    this.#stream.endInput();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  signalGroup(signal: NodeJS.Signals): void {
    signalGroup(this.#pid, signal, this.#exited);
  }

  abandonStreams(): void {
    this.#stream.abandon();
  }

  resize(size: TerminalSize): boolean {
    return this.#stream.resize(size);
  }
}
