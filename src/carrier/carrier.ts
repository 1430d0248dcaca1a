/**
 * The network side of one connection: a WebSocket, or a link in memory. It moves messages and reports what happens to
 * it; it knows neither frames nor streams, and decides nothing about trying again.
 */
import type { FrameSink } from './frame-sink.js';

export interface Carrier extends FrameSink {
  ping(): void;
  /** Stops and starts reading, pongs included. */
  setReading(reading: boolean): void;
  /** Closes in good order; what was handed over leaves first. */
  close(code: number, reason: string): void;
  /** Drops it and says nothing more. */
  destroy(): void;
}

export interface CarrierListener {
  opened(): void;
  message(message: Uint8Array): void;
  /** A text message: never part of the protocol (relay.md §3.3). */
  text(): void;
  ponged(): void;
  /** The upgrade was answered with an HTTP status. */
  refused(status: number, message: string): void;
  /** Called once, whatever ended it; not after `refused`. */
  closed(code: number, reason: string): void;
}
