/**
 * Children with pipes, forked by this process. The child leads a session and group of its own, so that it can be
 * killed with all it started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { type ChildListener, type ChildSpec, type HostChild, signalGroup } from './host-child.js';
import { asOsError, callSystem } from './os-error.js';

export function spawnChildProcess(spec: ChildSpec, listener: ChildListener): HostChild {
  const child = callSystem(() =>
    spawn(spec.program, [...spec.args], {
      cwd: spec.cwd,
      env: { ...spec.env },
      detached: true,
      stdio: [spec.stdin === 'pipe' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      ...(spec.arg0 === undefined ? {} : { argv0: spec.arg0 }),
    }),
  );
  return new PipedChild(child, listener);
}

class PipedChild implements HostChild {
  readonly #child: ChildProcess;
  readonly #listener: ChildListener;
  readonly #stdin: Writable | null;
  readonly #outputs: readonly Socket[];
  #reaped = false;

  constructor(child: ChildProcess, listener: ChildListener) {
    this.#child = child;
    this.#listener = listener;
    this.#stdin = child.stdin;
    this.#outputs = [child.stdout, child.stderr].filter((stream) => stream !== null) as Socket[];
    child.stdin?.on('error', () => {
      // EPIPE: the child closed its input or is gone. Its exit tells the rest.
    });
    if (child.pid === undefined) {
      child.once('error', (error) => listener.failed(asOsError(error)));
      return;
    }
    child.on('error', () => {
      // Only kill() can fail from here on, and it is not used.
    });
    child.once('exit', (code, signal) => {
      this.#reaped = true;
      listener.exited(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
    this.#read();
    listener.spawned(child.pid);
  }

  get queuedInput(): number {
    return this.#stdin?.writableLength ?? 0;
  }

  write(bytes: Uint8Array): void {
    if (this.#stdin === null || !this.#stdin.writable) return;
    this.#stdin.write(bytes, () => this.#listener.inputTaken());
  }

  endInput(): void {
    this.#stdin?.end();
  }

  pause(): void {
    for (const stream of this.#outputs) stream.pause();
  }

  resume(): void {
    for (const stream of this.#outputs) stream.resume();
  }

  signalGroup(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined) signalGroup(this.#child.pid, signal, this.#reaped);
  }

  abandonStreams(): void {
    for (const stream of this.#outputs) stream.destroy();
    this.#stdin?.destroy();
  }

  #read(): void {
    let open = this.#outputs.length;
    for (const [index, stream] of this.#outputs.entries()) {
      const name = index === 0 ? 'stdout' : 'stderr';
      stream.on('data', (bytes: Buffer) => this.#listener.output(name, bytes));
      stream.on('error', () => {
        // `close` follows and ends the stream.
      });
      stream.once('close', () => {
        open--;
        if (open === 0) this.#listener.streamsEnded();
      });
    }
  }
}
