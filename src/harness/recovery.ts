/**
 * A session whose transport was lost and that may be had again: who waits for that, how it is asked for, and what is
 * said of requests whose fate nobody knows. When each is done is for the harness chart.
 */
import { HarnessError } from '../../machines/harness.machine.js';
import { RemoteError, type RpcClient } from './rpc-client.js';

const INVALID_REQUEST = -32600;
const SESSION_ATTACHED = -32010;

/** Settles when the session is ready again, or over. */
export class Recovery {
  readonly settled: Promise<void>;
  #settle!: { resolve(): void; reject(error: Error): void };

  constructor() {
    this.settled = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Nobody may be waiting.
    this.settled.catch(() => {});
  }

  succeed(): void {
    this.#settle.resolve();
  }

  fail(error: Error): void {
    this.#settle.reject(error);
  }
}

/** The answer to the first `initialize`, which may ask for a session that is there already. */
export async function beginSession(
  ask: () => Promise<unknown>,
): Promise<{ readonly sessionId?: unknown; readonly environmentInfo?: unknown }> {
  try {
    return (await ask()) as { readonly sessionId?: unknown; readonly environmentInfo?: unknown };
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    if (error.rpcCode === SESSION_ATTACHED) {
      throw new HarnessError('session_attached', 'somebody else is attached to this session', { cause: error });
    }
    if (!/^unknown session/.test(error.message)) throw error;
    throw new HarnessError('session_lost', 'the executor has no such session, or no longer', { cause: error });
  }
}

/** Takes the session over on a new transport; rejects with `session_lost` when trying again cannot help. */
export async function resumeSession(rpc: RpcClient, clientName: string, sessionId: string): Promise<void> {
  try {
    await rpc.request('initialize', { clientName, resumeSessionId: sessionId });
  } catch (error) {
    // An executor may not have noticed yet that the old transport is gone: -32010, or these words.
    if (!(error instanceof RemoteError) || error.rpcCode !== INVALID_REQUEST) throw error;
    if (/already attached/.test(error.message)) throw error;
    throw new HarnessError('session_lost', `the executor no longer has this session (${error.message})`);
  }
  rpc.notify('initialized', {});
}

export function fateUnknown(method: string, cause: unknown): HarnessError {
  return new HarnessError(
    'fate_unknown',
    `the connection was lost while ${method} was under way: whether it was done is not known, and it is not repeated`,
    { cause },
  );
}
