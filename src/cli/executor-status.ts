/**
 * What an executor is like right now, found out by asking it: a session is opened, questions are timed, and the
 * session is closed again. Nothing is run there and nothing is remembered from before.
 */
import { connect } from '../harness/connect.js';
import { UNTOLD_FOLDER } from '../harness/environment-info.js';
import type { Harness } from '../harness/harness.js';
import type { TransportFacts } from '../harness/harness-transport.js';
import type { KeptSession } from '../harness/kept-sessions.js';
import { RemoteError } from '../harness/rpc-client.js';
import { silentLog } from '../observe/log.js';
import type { HarnessAddress } from './harness-address.js';

export interface ExecutorStatus {
  /** Of signalbox; anything else is a release. */
  readonly isSignalbox: boolean;
  /** Undefined when it does not tell, as the members below. */
  readonly version: string | undefined;
  readonly os: string | undefined;
  readonly cwd: string | undefined;
  readonly capabilities: ReadonlySet<string>;
  readonly kept: readonly KeptSession[] | undefined;
  readonly transport: TransportFacts;
  /** From nothing to a session; milliseconds. */
  readonly connectMs: number;
  /** Of a question and its answer on it; milliseconds. */
  readonly roundTripMs: number;
}

/** For every step of the way; milliseconds. */
const INITIALIZE_MS = 5000;

/** The quickest answer of so many: the first one pays for code that has not run yet. */
const QUESTIONS = 3;

/** Rejects with what kept it from being reached. */
export async function askExecutor(address: HarnessAddress): Promise<ExecutorStatus> {
  const start = performance.now();
  const harness = await connect({
    ...address,
    clientName: 'signalbox',
    initializeMs: INITIALIZE_MS,
    recoverMs: 0,
    log: silentLog,
  });
  const connectMs = performance.now() - start;
  try {
    let roundTripMs = Number.POSITIVE_INFINITY;
    for (let asked = 0; asked < QUESTIONS; asked += 1) {
      roundTripMs = Math.min(roundTripMs, await timeQuestion(harness));
    }
    const { version, os, cwd, capabilities } = harness.environment;
    const keeps = capabilities.has('signalboxKeptSessions');
    return {
      isSignalbox: [...capabilities].some((name) => name.startsWith('signalbox')),
      version,
      os,
      cwd: cwd === UNTOLD_FOLDER ? undefined : cwd,
      capabilities,
      kept: keeps ? await harness.kept.list() : undefined,
      transport: harness.transport,
      connectMs,
      roundTripMs,
    };
  } finally {
    await harness.close();
  }
}

async function timeQuestion(harness: Harness): Promise<number> {
  const asked = performance.now();
  await harness.request('environment/info').catch((error: unknown) => {
    // The first releases do not know the question; that is an answer too.
    if (!(error instanceof RemoteError)) throw error;
  });
  return performance.now() - asked;
}

/** How a session is carried, in words. */
export function describeTransport({ relayed, encrypted, reliable }: TransportFacts): string {
  if (!relayed) return 'straight to the executor, without a relay';
  const secrecy = encrypted ? 'encrypted end to end' : 'in the clear';
  return `relayed, ${secrecy}, ${reliable ? 'reliable' : 'as releases do it: nothing is sent again'}`;
}
