/**
 * A child of the spawn broker and everything it told, for tests to wait on.
 */
import { BrokeredChild } from '../../src/host/broker/brokered-child.js';
import { BrokeredPty } from '../../src/host/broker/brokered-pty.js';
import type { SpawnBroker } from '../../src/host/broker/spawn-broker.js';
import type { ChildListener, ChildSpec, HostChild } from '../../src/host/host-child.js';

export const PATH = '/usr/bin:/bin';

export class WatchedChild implements ChildListener {
  readonly child: HostChild;
  readonly events: string[] = [];
  pid = 0;
  error: unknown;
  exitCode: number | undefined;
  ended = false;
  received = 0;
  /** Called with each piece instead of keeping it. */
  onOutput: ((bytes: Buffer) => void) | undefined;
  readonly #pieces: { readonly stream: string; readonly bytes: Buffer }[] = [];
  #wake: (() => void)[] = [];

  constructor(broker: SpawnBroker, spec: Partial<ChildSpec>, terminal = false) {
    const whole: ChildSpec = { program: '/bin/sh', args: [], cwd: '/', env: { PATH }, stdin: 'null', ...spec };
    this.child = terminal
      ? new BrokeredPty(broker, '/usr/bin/setsid', whole, this)
      : new BrokeredChild(broker, whole, this);
  }

  static script(broker: SpawnBroker, script: string, spec: Partial<ChildSpec> = {}): WatchedChild {
    return new WatchedChild(broker, { args: ['-c', script], ...spec });
  }

  static terminal(broker: SpawnBroker, script: string): WatchedChild {
    return new WatchedChild(broker, { args: ['-c', script] }, true);
  }

  spawned(pid: number): void {
    this.pid = pid;
    this.#note('spawned');
  }

  failed(error: unknown): void {
    this.error = error;
    this.#note('failed');
  }

  output(stream: string, bytes: Buffer): void {
    this.received += bytes.byteLength;
    if (this.onOutput === undefined) this.#pieces.push({ stream, bytes: Buffer.from(bytes) });
    else this.onOutput(Buffer.from(bytes));
    this.#note(stream);
  }

  exited(exitCode: number): void {
    this.exitCode = exitCode;
    this.#note('exited');
  }

  streamsEnded(): void {
    this.ended = true;
    this.#note('ended');
  }

  inputTaken(): void {}

  bytes(stream?: string): Buffer {
    return Buffer.concat(this.#pieces.filter((piece) => (stream ?? piece.stream) === piece.stream).map((p) => p.bytes));
  }

  text(stream?: string): string {
    return this.bytes(stream).toString();
  }

  /** Waits for news until it holds. Rejects when the child never ran. */
  async sees(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.error !== undefined) throw this.error;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  get started(): Promise<void> {
    return this.sees(() => this.pid !== 0);
  }

  /** The exit code, when everything was told. */
  async done(): Promise<number> {
    await this.sees(() => this.exitCode !== undefined && this.ended);
    return this.exitCode ?? Number.NaN;
  }

  /** The error of a start that failed. */
  async refusal(): Promise<Error & { readonly code?: string }> {
    try {
      await this.started;
    } catch (error) {
      return error as Error;
    }
    throw new Error('it was started');
  }

  #note(event: string): void {
    this.events.push(event);
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}
