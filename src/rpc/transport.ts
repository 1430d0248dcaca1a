/**
 * What a JSON-RPC session speaks through, whoever carries it: a relay stream, a WebSocket, or stdio.
 * The two halves meet here and know nothing else of each other.
 */

/** The carrying side, as the session sees it. */
export interface RpcTransport {
  /** Names the other side in error texts, e.g. `exec-server websocket 127.0.0.1:4711`. */
  readonly peer: string;
  /** Bytes of the largest message it can carry; absent, `Limits.messageBytes` holds. */
  readonly messageBytes?: number;
  /** What is no JSON-RPC message ends it, as releases do where messages are encrypted (relay.md §7.1). */
  readonly isStrict?: boolean;
  /**
   * Queues one whole JSON message (UTF-8), in order. Never throws, also after the end: then it does nothing.
   * The transport owns the bytes from here on.
   */
  send(message: Uint8Array): void;
  /** False while more waits than should: sources of bulk output (a child's pipe) pause until `onWritable`. */
  readonly writable: boolean;
  /** Called each time the transport becomes writable again. One listener; a later call replaces it. */
  onWritable(listener: () => void): void;
  /**
   * Whether the session side takes more messages. A transport that can hold its peer back does so; one that cannot
   * goes on, and the session side ends it when too much waits.
   */
  setReading(reading: boolean): void;
  /** The session side ends the transport; the reason is stable, machine-readable, snake_case. */
  end(reason: string): void;
}

/** The session side, as the transport sees it. */
export interface RpcConnection {
  /** Whole messages in the order they were sent; called once a batch. */
  receive(messages: readonly Uint8Array[]): void;
  /** The transport is gone: the session is detached and its processes go on (jsonrpc.md §3). Called once. */
  closed(reason: string): void;
}

/** What every transport of an executor is given: the door to its sessions. */
export interface RpcServer {
  accept(transport: RpcTransport): RpcConnection;
}
