/**
 * Reads back what a process did while nobody was told (jsonrpc.md §4.3): its output, its exit, its end. Numbers that
 * stand for neither are output that the executor did not keep.
 */

import { HarnessError } from '../../machines/harness.machine.js';
import type { RemoteProcess } from './remote-process.js';
import { RemoteError } from './rpc-client.js';

type Request = (method: string, params: object) => Promise<unknown>;

interface ReadChunk {
  readonly seq: number;
  readonly stream: string;
  readonly chunk: string;
}

interface ReadAnswer {
  readonly chunks: readonly ReadChunk[];
  readonly nextSeq: number;
  readonly exited: boolean;
  readonly exitCode: number | null;
  readonly closed: boolean;
  /** Bytes of output that are no longer kept; only from executors that announce `signalboxRetainBytes`. */
  readonly missedBytes?: number | null;
}

/** What happened to a process after an event, and before `nextSeq`. */
export interface Missed {
  /** The first number that was not given out yet. */
  readonly nextSeq: number;
  readonly output: readonly ReadChunk[];
  /** Undefined while it runs. */
  readonly exitCode: number | undefined;
  readonly closed: boolean;
  /** Of output that can no longer be had; null when the executor does not say. */
  readonly lostBytes: number | null;
}

/** Bytes of output asked for at a time. */
const PAGE_BYTES = 512 * 1024;

/** Makes up for what each process did meanwhile; one the executor no longer has is lost, and only that one. */
export async function catchUp(processes: readonly RemoteProcess[], request: Request): Promise<void> {
  for (const child of processes) {
    try {
      child.recovered(await readMissed(child.processId, child.lastSeq, request));
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      child.lost(new HarnessError('session_lost', `the executor no longer has this process (${error.message})`));
    }
  }
}

/** Everything after `afterSeq`. */
export async function readMissed(processId: string, afterSeq: number, request: Request): Promise<Missed> {
  const output: ReadChunk[] = [];
  let lostBytes: number | null | undefined;
  let after = afterSeq;
  for (;;) {
    const params = { processId, afterSeq: after, maxBytes: PAGE_BYTES, waitMs: 0 };
    const answer = (await request('process/read', params)) as ReadAnswer;
    // Later pages start where the one before ended: only the first can have missed something.
    if (lostBytes === undefined) lostBytes = answer.missedBytes === undefined ? null : answer.missedBytes;
    output.push(...answer.chunks);
    const last = answer.chunks.at(-1);
    if (last === undefined) {
      const exitCode = answer.exited ? (answer.exitCode ?? -1) : undefined;
      return { nextSeq: answer.nextSeq, output, exitCode, closed: answer.closed, lostBytes };
    }
    after = last.seq;
  }
}
