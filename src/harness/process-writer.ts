/**
 * The standard input of a process on the executor, as a Node stream: writes in order, a few under way at a time.
 */
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import type { EnvironmentInfo } from './environment-info.js';
import { RemoteError } from './rpc-client.js';

export interface WriterOwner {
  request(method: string, params: object): Promise<unknown>;
  readonly environment: EnvironmentInfo;
}

/** Bytes of one write: its base64 and the JSON around it fit one segment. */
const WRITE_BYTES = 44 * 1024;
/** Writes that may be unanswered; the executor holds its answers back while the child does not read. */
const WRITES_IN_FLIGHT = 8;

export function processWriter(processId: string, owner: WriterOwner): Writable {
  let inFlight = 0;
  let failed: Error | undefined;
  const waiting: (() => void)[] = [];
  const settle = () => {
    inFlight -= 1;
    for (const resume of waiting.splice(0)) resume();
  };
  const below = (count: number, then: () => void): void => {
    if (inFlight < count || failed) then();
    else waiting.push(() => below(count, then));
  };
  const send = async (chunk: Buffer): Promise<void> => {
    try {
      const params = { processId, chunk: chunk.toString('base64'), writeId: randomUUID() };
      const { status } = (await owner.request('process/write', params)) as { status?: string };
      if (status !== 'accepted' && status !== 'starting') failed ??= brokenPipe(status);
    } catch (error) {
      failed ??= error as Error;
    }
    settle();
  };
  return new Writable({
    highWaterMark: WRITE_BYTES,
    write: (chunk: Buffer, _encoding, done) => {
      for (let start = 0; start < chunk.length; start += WRITE_BYTES) {
        inFlight += 1;
        void send(chunk.subarray(start, start + WRITE_BYTES));
      }
      below(WRITES_IN_FLIGHT, () => done(failed));
    },
    final: (done) => {
      below(1, () => {
        if (failed || !owner.environment.capabilities.has('signalboxCloseStdin')) return done(failed);
        owner.request('process/closeStdin', { processId }).then(
          () => done(),
          (error: unknown) => done(error instanceof RemoteError ? null : (error as Error)),
        );
      });
    },
  });
}

/** What a local program would see that writes to a process which has stopped reading. */
function brokenPipe(status = 'unknown'): Error {
  return Object.assign(new Error(`the process takes no more input (${status})`), { code: 'EPIPE' });
}
