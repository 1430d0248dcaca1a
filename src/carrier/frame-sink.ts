/**
 * The way out for encoded frames: a WebSocket, or a link in memory. Whoever implements it writes bytes and nothing more.
 */
export interface FrameSink {
  /** Bytes handed over that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** True when `send` is done with the bytes as it returns, so that their room can be used for the next message. */
  readonly copies?: boolean;
  /** Hands one whole message over; never throws. */
  send(message: Uint8Array): void;
  /** Called whenever `bufferedBytes` has gone down. One listener. */
  onDrained(listener: () => void): void;
}
