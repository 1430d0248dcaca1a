/**
 * The numbers that bound what one peer can make another hold or accept (relay.md §3.2, DESIGN §5.2).
 * Every one is an option; these are the defaults. Nothing here measures time except where a name ends in `Ms`.
 */

const KIB = 1024;
const MIB = 1024 * 1024;

export interface Limits {
  /** Bytes of one WebSocket message that carries a relay frame; larger ones close that socket with 1009. */
  readonly websocketMessageBytes: number;
  /** Bytes of one JSON-RPC message after reassembly. */
  readonly messageBytes: number;
  /** Segments of one message: each costs its receiver more than its bytes, so tiny ones must not add up. */
  readonly messageSegments: number;
  /** Bytes of payload in one segment of a reliable stream. */
  readonly segmentBytes: number;
  /** Segments a sender may have beyond the peer's ack; 31 useful ack_bits plus the one after ack make 32 the most. */
  readonly windowSegments: number;
  /** Bytes a sender keeps unacknowledged on one stream; counts payload only. */
  readonly retainedBytes: number;
  /** Bytes a receiver holds out of order on one stream; counts payload only. */
  readonly outOfOrderBytes: number;
  /** Whole messages that wait on one stream for the program that reads them; one more resets the stream. */
  readonly queuedMessages: number;
  /** Bytes of those messages. */
  readonly queuedBytes: number;
  /** Streams alive on one rendezvous socket; one more is answered with reset. */
  readonly streams: number;
  /** With so many alive, no further one may shake hands: what an encrypted stream costs, it costs at once. */
  readonly encryptedStreams: number;
  /** Stream ids remembered after their stream ended, so that a late frame cannot open them again. */
  readonly retiredStreams: number;
  /** How long each of those is remembered. */
  readonly retiredStreamMs: number;
  /** Bytes handed to the socket and not yet taken by the kernel, over all streams. */
  readonly socketBytes: number;
  /** Characters of a stream id; releases do not bound it, 200 were seen to work. */
  readonly streamIdLength: number;
  /** Characters kept of a reset reason, which any party on the way may write. */
  readonly resetReasonLength: number;
}

export const defaultLimits: Limits = {
  websocketMessageBytes: 64 * MIB,
  messageBytes: 64 * MIB,
  messageSegments: 16 * 1024,
  segmentBytes: 60 * KIB,
  windowSegments: 32,
  retainedBytes: 2 * MIB,
  outOfOrderBytes: 2 * MIB,
  queuedMessages: 1024,
  queuedBytes: 64 * MIB,
  streams: 2048,
  encryptedStreams: 128,
  retiredStreams: 1024,
  retiredStreamMs: 10 * 60_000,
  socketBytes: 256 * KIB,
  streamIdLength: 1024,
  resetReasonLength: 256,
};
