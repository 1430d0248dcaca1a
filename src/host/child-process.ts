/**
 * Children with pipes, forked by this process. The child leads a session and group of its own, so that it can be
 * killed with all it started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { ChildPipes } from './child-pipes.js';
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
  readonly #pipes: ChildPipes | undefined;
  #reaped = false;

  constructor(child: ChildProcess, listener: ChildListener) {
    this.#child = child;
    const { pid, stdin, stdout, stderr } = child;
    if (pid === undefined || stdout === null || stderr === null) {
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
    this.#pipes = new ChildPipes(stdin, stdout as Socket, stderr as Socket, listener);
    this.#pipes.read(() => listener.streamsEnded());
    listener.spawned(pid);
  }

  get queuedInput(): number {
    return this.#pipes?.queuedInput ?? 0;
  }

  write(bytes: Uint8Array): void {
    this.#pipes?.write(bytes);
  }

  endInput(): void {
    this.#pipes?.endInput();
  }

  pause(): void {
    this.#pipes?.pause();
  }

  resume(): void {
    this.#pipes?.resume();
  }

  signalGroup(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined) signalGroup(this.#child.pid, signal, this.#reaped);
  }

  abandonStreams(): void {
    this.#pipes?.abandon();
  }
}
