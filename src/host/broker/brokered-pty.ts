/**
 * Children on a pseudoterminal, forked by the spawn broker's helper. The terminal itself is
 * made and held here: it outlives the helper, and nothing of its output passes through it.
 */
import { closeSync } from 'node:fs';
import {
  type ChildEnd,
  type ChildListener,
  type ChildSpec,
  type HostChild,
  type TerminalSize,
  UNKNOWN_EXIT_CODE,
} from '../host-child.js';
import { callSystem } from '../os-error.js';
import { terminalSignalCode, terminalSpec, USUAL_SIZE } from '../pty.js';
import { loadNativePty } from '../pty-native.js';
import { TerminalStream } from '../terminal-stream.js';
import type { ForkHandle, ForkListener } from './fork.js';
import type { SpawnBroker } from './spawn-broker.js';

export class BrokeredPty implements HostChild, ForkListener {
  readonly #listener: ChildListener;
  readonly #fork: ForkHandle;
  readonly #master: number;
  readonly #slave: number;
  readonly #tellsSignals: boolean | undefined;
  #stream: TerminalStream | undefined;
  // What was asked for before there was a stream.
  #paused = false;
  #inputEnded = false;
  #abandoned = false;

  /** Throws OsError when the program cannot be started or no terminal is left. */
  constructor(broker: SpawnBroker, setsid: string, spec: ChildSpec, listener: ChildListener) {
    this.#listener = listener;
    this.#tellsSignals = spec.tellsSignals;
    const run = terminalSpec(spec);
    const { rows, cols } = spec.size ?? USUAL_SIZE;
    const { master, slave, pty } = callSystem(() => loadNativePty().open(cols, rows));
    this.#master = master;
    this.#slave = slave;
    this.#fork = broker.fork({ spec: run, terminal: { terminal: pty, setsid } }, this);
  }

  get queuedInput(): number {
    return this.#stream?.queuedInput ?? 0;
  }

  write(bytes: Uint8Array): void {
    this.#stream?.write(bytes);
  }

  endInput(): void {
    this.#inputEnded = true;
    this.#stream?.endInput();
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  signalGroup(signal: NodeJS.Signals): void {
    this.#fork.signalGroup(signal);
  }

  abandonStreams(): void {
    this.#abandoned = true;
    this.#stream?.abandon();
  }

  resize(size: TerminalSize): boolean {
    return this.#stream?.resize(size) ?? false;
  }

  started(pid: number): void {
    this.#stream = new TerminalStream(this.#master, this.#slave, this.#listener, () => {
      this.#fork.release();
      this.#listener.streamsEnded();
    });
    if (this.#paused) this.#stream.pause();
    if (this.#inputEnded) this.#stream.endInput();
    this.#listener.spawned(pid);
    if (this.#abandoned) this.#stream.abandon();
  }

  failed(error: unknown): void {
    closeSync(this.#slave);
    closeSync(this.#master);
    this.#listener.failed(error);
  }

  exited(end: ChildEnd | undefined): void {
    this.#stream?.leaderExited();
    if (end === undefined) this.#listener.exited(UNKNOWN_EXIT_CODE);
    else this.#listener.exited(end.signal > 0 ? terminalSignalCode(end.signal, this.#tellsSignals) : end.status);
  }
}
