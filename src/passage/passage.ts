/**
 * One client of a local endpoint, carried over the relay as a stream of its own: messages go through as they are, both
 * ways, and whoever is slow at one end slows down the other. It understands none of them.
 */
import type { HarnessTransport } from '../harness/harness-transport.js';
import type { Logger } from '../observe/log.js';
import type { RpcConnection, RpcTransport } from '../rpc/transport.js';

/** Opens the far end of one passage; rejects with what is to be told to whoever runs this. */
export type OpenFarEnd = (
  listener: { receive(messages: readonly Uint8Array[]): void; ended(reason: string): void },
  signal: AbortSignal,
) => Promise<HarnessTransport>;

export class Passage implements RpcConnection {
  readonly #near: RpcTransport;
  readonly #log: Logger;
  readonly #leaving = new AbortController();
  #far: HarnessTransport | undefined;
  /** What the client said before there was a far end. It is not read from meanwhile, so this stays small. */
  #early: Uint8Array[] = [];
  #isOver = false;
  /** Resolves when nothing of it is left. */
  readonly over: Promise<void>;
  #settle: () => void = () => {};

  constructor(near: RpcTransport, open: OpenFarEnd, log: Logger) {
    this.#near = near;
    this.#log = log;
    this.over = new Promise((resolve) => {
      this.#settle = resolve;
    });
    near.setReading(false);
    near.onWritable(() => this.#far?.setReading(true));
    const listener = {
      receive: (messages: readonly Uint8Array[]) => this.#receive(messages),
      ended: (reason: string) => this.#lose(reason),
    };
    open(listener, this.#leaving.signal).then(
      (far) => this.#join(far),
      (error: unknown) => this.#lose(error instanceof Error ? error.message : String(error)),
    );
  }

  receive(messages: readonly Uint8Array[]): void {
    const { rpc } = this.#far ?? {};
    if (rpc === undefined) {
      this.#early.push(...messages);
      return;
    }
    for (const message of messages) rpc.send(message);
    if (!rpc.writable) this.#near.setReading(false);
  }

  /** The client is gone: its stream ends in good order, and the executor keeps the session for whoever resumes it. */
  closed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#early = [];
    this.#leaving.abort();
    void this.#leave(this.#far);
  }

  #join(far: HarnessTransport): void {
    if (this.#isOver) {
      void this.#leave(far);
      return;
    }
    this.#far = far;
    far.rpc.onWritable(() => this.#near.setReading(true));
    const early = this.#early;
    this.#early = [];
    this.receive(early);
    if (far.rpc.writable) this.#near.setReading(true);
  }

  #receive(messages: readonly Uint8Array[]): void {
    for (const message of messages) this.#near.send(message);
    if (!this.#near.writable) this.#far?.setReading(false);
  }

  #lose(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#log.warn({ client: this.#near.peer }, `a client is disconnected: ${reason}`);
    this.#near.end(reason);
    this.#settle();
  }

  async #leave(far: HarnessTransport | undefined): Promise<void> {
    await far?.close();
    this.#settle();
  }
}
