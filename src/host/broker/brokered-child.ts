/**
 * Children with pipes, forked by the spawn broker's helper.
 */
import { Socket } from 'node:net';
import { ChildPipes } from '../child-pipes.js';
import { type ChildEnd, type ChildListener, type ChildSpec, type HostChild, UNKNOWN_EXIT_CODE } from '../host-child.js';
import type { ChildEnds, ForkHandle, ForkListener } from './fork.js';
import { openOutputPipe } from './output-pipe.js';
import type { SpawnBroker } from './spawn-broker.js';

export class BrokeredChild implements HostChild, ForkListener {
  readonly #listener: ChildListener;
  readonly #fork: ForkHandle;
  #pipes: ChildPipes | undefined;
  // What was asked for before there were pipes.
  #paused = false;
  #inputEnded = false;
  #abandoned = false;

  constructor(broker: SpawnBroker, spec: ChildSpec, listener: ChildListener) {
    this.#listener = listener;
    this.#fork = broker.fork({ spec }, this);
  }

  get queuedInput(): number {
    return this.#pipes?.queuedInput ?? 0;
  }

  write(bytes: Uint8Array): void {
    this.#pipes?.write(bytes);
  }

  endInput(): void {
    this.#inputEnded = true;
    this.#pipes?.endInput();
  }

  pause(): void {
    this.#paused = true;
    this.#pipes?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#pipes?.resume();
  }

  signalGroup(signal: NodeJS.Signals): void {
    this.#fork.signalGroup(signal);
  }

  abandonStreams(): void {
    this.#abandoned = true;
    this.#pipes?.abandon();
  }

  started(pid: number, ends: ChildEnds | undefined): void {
    if (ends === undefined) throw new Error('a child without terminal was started without pipes');
    const { stdin, stdout, stderr } = ends;
    const pipes = new ChildPipes(
      stdin && new Socket({ fd: stdin.descriptor, readable: false, writable: true }),
      openOutputPipe(stdout.descriptor),
      openOutputPipe(stderr.descriptor),
      this.#listener,
    );
    this.#pipes = pipes;
    if (this.#paused) pipes.pause();
    pipes.read(() => {
      pipes.closeInput();
      this.#fork.release();
      this.#listener.streamsEnded();
    });
    if (this.#inputEnded) pipes.endInput();
    this.#listener.spawned(pid);
    if (this.#abandoned) pipes.abandon();
  }

  failed(error: unknown): void {
    this.#listener.failed(error);
  }

  exited(end: ChildEnd | undefined): void {
    this.#listener.exited(end === undefined ? UNKNOWN_EXIT_CODE : end.signal > 0 ? 128 + end.signal : end.status);
  }
}
