/**
 * What a harness speaks through, whichever way it leads: a stream of the relay or a plain WebSocket.
 */
import type { RpcTransport } from '../rpc/transport.js';

/** How a session is carried. */
export interface TransportFacts {
  /** Through a rendezvous. */
  readonly relayed: boolean;
  /** From end to end. */
  readonly encrypted: boolean;
  /** What is lost on the way is sent again, and a lost connection is had again. */
  readonly reliable: boolean;
}

export interface HarnessTransport {
  /** As they are now: some are settled only by the first answer. */
  readonly facts: TransportFacts;
  readonly rpc: RpcTransport;
  /** Whether the program takes what arrives; while it does not, the peer is held back. */
  setReading(reading: boolean): void;
  /** Ends in good order; resolves when it has. */
  close(): Promise<void>;
}

export interface HarnessTransportListener {
  receive(messages: readonly Uint8Array[]): void;
  /** Called once, unless this end closed it; `final` when the session went with it. */
  ended(reason: string, final?: boolean): void;
}

export interface HarnessAddress {
  readonly url: string;
  /** Sent as a bearer token on the upgrade; a URL may carry its credential itself. */
  readonly token?: string;
}

export type OpenTransport = (
  address: HarnessAddress,
  listener: HarnessTransportListener,
  signal: AbortSignal,
) => Promise<HarnessTransport>;
