/**
 * How a connection stands, for whoever uses it: whether it is open, why not, and how it ended. It looks at the chart and
 * writes into the log; it tells the chart nothing.
 */
import type { ConnectionEnd } from '../../machines/connection-types.js';
import type { Logger } from '../observe/log.js';
import { ConnectionLog } from './connection-log.js';
import type { ConnectionActor } from './relay-endpoint-options.js';

export class ConnectionWatch {
  /** Resolves when the connection has ended for good; never rejects. */
  readonly over: Promise<ConnectionEnd>;
  readonly #connection: ConnectionActor;

  /** `ended` is called once, before `over` resolves. */
  constructor(connection: ConnectionActor, logger: Logger, ended: () => void) {
    this.#connection = connection;
    const log = new ConnectionLog(logger);
    this.over = new Promise((resolve) => {
      const settle = (end: ConnectionEnd) => {
        ended();
        resolve(end);
      };
      connection.subscribe({
        next: (snapshot) => log.report(snapshot),
        complete: () => settle((connection.getSnapshot().output as ConnectionEnd | undefined) ?? { kind: 'closed' }),
        error: (error) => settle({ kind: 'refused', error: error instanceof Error ? error : new Error(String(error)) }),
      });
    });
  }

  get isOnline(): boolean {
    return this.#connection.getSnapshot().matches({ attached: 'online' });
  }

  /** Why there is no socket, or why the last one did not live long. */
  get lastFailure(): Error | undefined {
    return this.#connection.getSnapshot().context.lastFailure;
  }

  /** Resolves once the socket is open; rejects with the reason when the connection ends before. */
  async online(): Promise<void> {
    if (this.isOnline) return;
    await new Promise<void>((resolve, reject) => {
      const subscription = this.#connection.subscribe(() => {
        if (!this.isOnline) return;
        subscription.unsubscribe();
        resolve();
      });
      void this.over.then((end) => {
        subscription.unsubscribe();
        reject(end.kind === 'refused' ? end.error : new Error('the connection was closed before it was open'));
      });
    });
  }
}
