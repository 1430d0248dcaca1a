/**
 * The door behind a local endpoint: every client that comes in gets a stream through the relay. What takes a moment to be
 * there (an executor, a rendezvous that is being restarted) is waited for as long as a client waits for its first answer.
 */
import type { Way } from '../harness/address.js';
import { arrive } from '../harness/arrival.js';
import { openRelayTransport, type RelayTransportOptions } from '../harness/relay-transport.js';
import type { Logger } from '../observe/log.js';
import type { RpcServer, RpcTransport } from '../rpc/transport.js';
import { type OpenFarEnd, Passage } from './passage.js';

/** Releases wait ten seconds for the answer to `initialize` (relay.md §4.4). */
const PATIENCE_MS = 8000;
/** How long streams may take to end in good order. */
const DRAIN_MS = 2500;

export class RelayPassages implements RpcServer {
  readonly #way: Extract<Way, { kind: 'relay' }>;
  readonly #options: RelayTransportOptions & { readonly log: Logger };
  readonly #passages = new Set<Passage>();

  constructor(way: Extract<Way, { kind: 'relay' }>, options: RelayTransportOptions & { readonly log: Logger }) {
    this.#way = way;
    this.#options = options;
  }

  accept(near: RpcTransport): Passage {
    const open: OpenFarEnd = (listener, signal) =>
      arrive(() => openRelayTransport(this.#way.road(), listener, signal, this.#options), PATIENCE_MS, signal);
    const passage = new Passage(near, open, this.#options.log);
    this.#passages.add(passage);
    void passage.over.then(() => this.#passages.delete(passage));
    return passage;
  }

  /** Ends every stream in good order; resolves when that is done, or has taken long enough. */
  async drain(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DRAIN_MS);
    });
    for (const passage of this.#passages) passage.closed();
    await Promise.race([Promise.all([...this.#passages].map(({ over }) => over)), patience]);
    clearTimeout(timer);
    this.#way.close();
  }
}
