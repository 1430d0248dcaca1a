/**
 * Trying for a moment to get to the other end, before it is taken for not there: a rendezvous or an executor may be just
 * coming back. Nothing has run yet, so nothing can run twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionLostError } from '../../machines/connection-types.js';
import { HarnessError } from '../../machines/harness.machine.js';

const RETRY_MS = 250;

/** Rejects with what the last try rejected with. */
export async function arrive<T>(open: () => Promise<T>, patienceMs: number, signal?: AbortSignal): Promise<T> {
  const giveUp = performance.now() + patienceMs;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (signal?.aborted || !mayPass(error) || performance.now() > giveUp) throw error;
      await sleep(RETRY_MS, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** Whether it may be otherwise in a moment, with nobody doing anything about it. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof HarnessError) || error.initiator === 'local') return false;
  if (error.cause instanceof ConnectionLostError && error.cause.code === 'upgrade_refused') return false;
  return error.code === 'unreachable' || error.code === 'transport_lost';
}
