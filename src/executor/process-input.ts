/**
 * The input of one process: in order, each write id once, and bounded. A write is answered when it is queued; when
 * the child does not take its input, the answer waits until there is room.
 */
import { WriteIds } from '../../machines/protocol/write-ids.js';
import type { HostChild } from '../host/host-child.js';
import { RpcCode, RpcError } from '../rpc/rpc-error.js';
import { Parked } from '../rpc/rpc-method.js';

/** Input the child has not taken, beyond which the answer to a write waits. */
const QUEUED_BYTES = 1024 * 1024;
/** Writes whose answer waits, by number and by bytes; one more is refused. */
const PARKED_WRITES = 64;
const PARKED_BYTES = 16 * 1024 * 1024;

export interface WriteReply {
  readonly status: 'accepted' | 'stdinClosed' | 'starting';
}

interface ParkedWrite {
  readonly bytes: Uint8Array;
  readonly admitted: () => void;
}

const ACCEPTED: WriteReply = { status: 'accepted' };

export class ProcessInput {
  readonly #processId: string;
  readonly #writeIds = new WriteIds();
  #open: boolean;
  /** Closed by the client while writes wait: the end follows them. */
  #ending = false;
  #parked: ParkedWrite[] = [];
  #parkedBytes = 0;

  constructor(processId: string, open: boolean) {
    this.#processId = processId;
    this.#open = open;
  }

  /** `child` undefined: it is gone, and what is written for it counts as accepted. */
  write(bytes: Uint8Array, writeId: string | undefined, child: HostChild | undefined): WriteReply | Parked {
    if (writeId !== undefined && this.#writeIds.has(writeId)) return ACCEPTED;
    if (!this.#open) return { status: 'stdinClosed' };
    const needed = child !== undefined && bytes.byteLength > 0;
    const mustWait = needed && (this.#parked.length > 0 || child.queuedInput >= QUEUED_BYTES);
    if (mustWait && !this.#canPark(bytes)) {
      const message = `process ${this.#processId} does not read its stdin and too many writes wait for it: wait for their answers first`;
      throw new RpcError(RpcCode.invalidRequest, message);
    }
    if (writeId !== undefined) this.#writeIds.add(writeId);
    if (mustWait) return this.#park(bytes);
    if (needed) child.write(bytes);
    return ACCEPTED;
  }

  /** End of input, after everything accepted before. */
  close(child: HostChild | undefined): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#parked.length > 0) this.#ending = true;
    else child?.endInput();
  }

  /** The child took some: what waits goes on, oldest first. */
  taken(child: HostChild): void {
    for (let next = this.#parked[0]; next !== undefined; next = this.#parked[0]) {
      if (child.queuedInput >= QUEUED_BYTES) return;
      this.#parked.shift();
      this.#parkedBytes -= next.bytes.byteLength;
      child.write(next.bytes);
      next.admitted();
    }
    if (!this.#ending) return;
    this.#ending = false;
    child.endInput();
  }

  /** The child is gone: what waited counts as accepted, as the peers answer it. */
  drop(): void {
    const parked = this.#parked;
    this.#parked = [];
    this.#parkedBytes = 0;
    this.#ending = false;
    for (const write of parked) write.admitted();
  }

  #canPark(bytes: Uint8Array): boolean {
    return this.#parked.length < PARKED_WRITES && this.#parkedBytes + bytes.byteLength <= PARKED_BYTES;
  }

  #park(bytes: Uint8Array): Parked {
    this.#parkedBytes += bytes.byteLength;
    return new Parked(new Promise((resolve) => this.#parked.push({ bytes, admitted: () => resolve(ACCEPTED) })));
  }
}
