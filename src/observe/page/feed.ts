/**
 * The page's side of the WebSocket: batches of records in, which actor is looked at out. It comes back by itself.
 */
import type { ObservationRecord } from '../record.js';

export interface FeedListener {
  records(records: readonly ObservationRecord[]): void;
  connected(isConnected: boolean): void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;

export class Feed {
  readonly #listener: FeedListener;
  #socket: WebSocket | undefined;
  #waitMs = FIRST_WAIT_MS;
  #focus: string | undefined;

  constructor(listener: FeedListener) {
    this.#listener = listener;
    this.#open();
  }

  lookAt(actor: string | undefined): void {
    if (actor === this.#focus) return;
    this.#focus = actor;
    this.#tell();
  }

  #open(): void {
    const url = new URL('records', location.href);
    url.protocol = 'ws:';
    url.hash = '';
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener('open', () => {
      this.#waitMs = FIRST_WAIT_MS;
      this.#listener.connected(true);
      this.#tell();
    });
    socket.addEventListener('message', ({ data }) => {
      this.#listener.records(JSON.parse(String(data)) as readonly ObservationRecord[]);
    });
    socket.addEventListener('close', () => {
      this.#socket = undefined;
      this.#listener.connected(false);
      setTimeout(() => this.#open(), this.#waitMs);
      this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    });
  }

  #tell(): void {
    if (this.#focus === undefined || this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ focus: this.#focus }));
  }
}
