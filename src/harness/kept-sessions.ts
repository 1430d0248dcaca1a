/**
 * Sessions that stay when their connection ends (docs/extensions.md), as a client sees and handles them. Taking one over
 * is `connect({ resumeSessionId })`.
 */
import { requireCapability } from './capability.js';
import type { EnvironmentInfo } from './environment-info.js';
import type { ProcessListing, Signal } from './remote-process.js';

export interface KeptSession {
  readonly sessionId: string;
  /** Somebody is connected to it now. */
  readonly attached: boolean;
  readonly processes: readonly ProcessListing[];
}

/** Everything rejects with UnsupportedError where the executor does not keep sessions. */
export class KeptSessions {
  readonly #request: (method: string, params: object) => Promise<unknown>;
  readonly #environment: EnvironmentInfo;

  constructor(request: (method: string, params: object) => Promise<unknown>, environment: EnvironmentInfo) {
    this.#request = request;
    this.#environment = environment;
  }

  /**
   * Has this session stay for as long as a process of it can be read; those started from now on can be read for an hour
   * after their end. Rejects with RemoteError when too many stay already.
   */
  async keepThis(keep = true): Promise<void> {
    await this.#ask('session/keep', { keep }, 'keep what runs when nobody is connected');
  }

  /** Those of the executor, whoever began them, oldest first. */
  async list(): Promise<readonly KeptSession[]> {
    const answer = await this.#ask('session/list', {}, 'list what runs when nobody is connected');
    return (answer as { sessions: readonly KeptSession[] }).sessions;
  }

  /** To every process that runs in it; answers how many got it. Rejects with RemoteError when there is no such session. */
  async signal(sessionId: string, signal: Signal): Promise<number> {
    const known = signal === 'SIGINT' ? 'interrupt' : signal;
    const answer = await this.#ask(
      'session/signal',
      { sessionId, signal: known },
      'signal what runs when nobody is connected',
    );
    return (answer as { signalled: number }).signalled;
  }

  async #ask(method: string, params: object, what: string): Promise<unknown> {
    requireCapability(this.#environment, 'signalboxKeptSessions', what);
    return await this.#request(method, params);
  }
}
