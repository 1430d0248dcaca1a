/**
 * Bodies that are being told to one client piece by piece (jsonrpc.md §9: http/request/bodyDelta). A body is read only
 * as fast as the client takes it, and is given up with the connection.
 */
import type { Readable } from 'node:stream';
import { joinMessage } from '../rpc/base64-message.js';
import type { RpcTransport } from '../rpc/transport.js';

/** Raw bytes of one piece: one notification fits one segment of the relay. */
const PIECE_BYTES = 44 * 1024;

export class BodyStreams {
  readonly #transport: RpcTransport;
  readonly #active = new Map<string, Readable | undefined>();

  constructor(transport: RpcTransport) {
    this.#transport = transport;
  }

  /** False when a body of that request is being told already. */
  reserve(requestId: string): boolean {
    if (this.#active.has(requestId)) return false;
    this.#active.set(requestId, undefined);
    return true;
  }

  release(requestId: string): void {
    this.#active.delete(requestId);
  }

  /** Tells a reserved body from the next turn on, after the reply that goes before it. */
  tell(requestId: string, body: Readable): void {
    this.#active.set(requestId, body);
    setImmediate(() => this.#pump(requestId, body));
  }

  /** The client takes more again. */
  resume(): void {
    for (const body of this.#active.values()) body?.resume();
  }

  closeAll(): void {
    for (const body of this.#active.values()) body?.destroy();
    this.#active.clear();
  }

  #pump(requestId: string, body: Readable): void {
    let seq = 1;
    const piece = (bytes: Uint8Array, done: boolean, error: string | null) => {
      const head = `{"method":"http/request/bodyDelta","params":{"requestId":${JSON.stringify(requestId)},"seq":${seq}`;
      const tail = `","done":${done},"error":${JSON.stringify(error)}}}`;
      this.#transport.send(joinMessage([`${head},"deltaBase64":"`, bytes, tail]));
      seq += 1;
    };
    const finish = (error: string | null) => {
      // Given up already: the client is gone, or the id serves another body by now.
      if (this.#active.get(requestId) !== body) return;
      this.#active.delete(requestId);
      piece(new Uint8Array(), true, error);
    };
    body.on('data', (bytes: Buffer) => {
      for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
        piece(bytes.subarray(start, start + PIECE_BYTES), false, null);
      }
      if (!this.#transport.writable) body.pause();
    });
    body.once('end', () => finish(null));
    body.once('error', () => finish('error decoding response body'));
  }
}
