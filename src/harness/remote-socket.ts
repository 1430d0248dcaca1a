/**
 * A TCP connection from the executor's side of the network, as a Node stream (docs/extensions.md: tcp/*). It belongs to
 * the transport of the session and is gone with it: then it is destroyed, and nothing of it is tried again.
 */
import { randomUUID } from 'node:crypto';
import { Duplex } from 'node:stream';
import { requireCapability } from './capability.js';
import type { EnvironmentInfo } from './environment-info.js';

/** What a connection needs of its harness. */
export interface SocketOwner {
  request(method: string, params: object): Promise<unknown>;
  readonly environment: EnvironmentInfo;
}

export interface SocketOptions {
  /** A name or an address, as the executor's machine knows it. */
  readonly host: string;
  readonly port: number;
  /** For finding the address and connecting, in milliseconds; 30 s by default. */
  readonly timeoutMs?: number;
}

/** Bytes of one answer or one write: base64 and all, either fits few segments. */
const BLOCK_BYTES = 88 * 1024;
/** Under way at a time, each way: together they cover a long round trip. */
const READS_IN_FLIGHT = 8;
const WRITES_IN_FLIGHT = 8;

/** Resolves when it is connected. Rejects with RemoteError when it cannot be, and with UnsupportedError. */
export async function openSocket(owner: SocketOwner, options: SocketOptions): Promise<Duplex> {
  requireCapability(owner.environment, 'signalboxTcp', 'open TCP connections');
  const connectionId = randomUUID();
  await owner.request('tcp/connect', { connectionId, ...options });
  return remoteSocket(connectionId, owner);
}

function remoteSocket(connectionId: string, owner: SocketOwner): Duplex {
  const call = (method: string, params: object = {}) => owner.request(method, { connectionId, ...params });
  let reading = 0;
  let wanted = false;
  let writing = 0;
  const waiting: (() => void)[] = [];

  const read = async (): Promise<void> => {
    reading += 1;
    try {
      const { chunk, eof } = (await call('tcp/read', { maxBytes: BLOCK_BYTES })) as { chunk: string; eof: boolean };
      reading -= 1;
      if (socket.destroyed) return;
      // Each of those under way is told of the end; a stream takes one.
      if (eof && !ended) socket.push(null);
      ended ||= eof;
      if (ended) return;
      wanted = socket.push(Buffer.from(chunk, 'base64'));
      if (wanted) readAhead();
    } catch (error) {
      reading -= 1;
      // Lost after the end was told, it does not matter to reading.
      if (!ended) socket.destroy(error as Error);
    }
  };
  let ended = false;
  const readAhead = () => {
    while (reading < READS_IN_FLIGHT && wanted && !ended && !socket.destroyed) void read();
  };

  const write = async (bytes: Buffer): Promise<void> => {
    writing += 1;
    try {
      await call('tcp/write', { chunk: bytes.toString('base64') });
    } catch (error) {
      socket.destroy(error as Error);
    }
    writing -= 1;
    for (const resume of waiting.splice(0)) resume();
  };
  const below = (count: number, then: () => void): void => {
    if (writing < count || socket.destroyed) then();
    else waiting.push(() => below(count, then));
  };

  const socket: Duplex = new Duplex({
    allowHalfOpen: true,
    readableHighWaterMark: BLOCK_BYTES,
    writableHighWaterMark: BLOCK_BYTES,
    read: () => {
      wanted = true;
      readAhead();
    },
    write: (chunk: Buffer, _encoding, done) => {
      for (let start = 0; start < chunk.length; start += BLOCK_BYTES) {
        void write(chunk.subarray(start, start + BLOCK_BYTES));
      }
      below(WRITES_IN_FLIGHT, () => done());
    },
    final: (done) => {
      below(1, () => {
        call('tcp/end').then(
          () => done(),
          (error: unknown) => done(error as Error),
        );
      });
    },
    destroy: (error, done) => {
      for (const resume of waiting.splice(0)) resume();
      // Closed or gone already, there is nothing to be told.
      call('tcp/close').catch(() => {});
      done(error);
    },
  });
  return socket;
}
