/**
 * What a stream is given, remembers, is told and says: the types its chart and its steps share.
 */
import type { Frame } from '../proto/frame.js';
import type { Limits } from '../proto/limits.js';
import type { Clock } from './clock.js';
import type { DuplicateFilter } from './protocol/duplicate-filter.js';
import type { NoiseOrder } from './protocol/noise-order.js';
import type { ReceiveWindow } from './protocol/receive-window.js';
import type { ProbeTiming, RoundTripMeter } from './protocol/round-trip.js';
import type { RetransmitCause, SendWindow } from './protocol/send-window.js';

export type RelayRole = 'harness' | 'executor';

/** `cleartext` and `noise` are those of releases; `reliable` is ours, in the clear or encrypted. */
export type Profile = 'cleartext' | 'noise' | 'reliable';

/** Of a reliable stream: frames flow; there is no socket; there is a new one, on which the peer was not heard yet. */
export type CarrierStanding = 'attached' | 'away' | 'resuming';

/** Where a stream's effects go. A throw here crashes the stream, and only the stream. */
export interface StreamPort {
  /** Frames sent for the first time, in this order. */
  transmit(frames: readonly Frame[]): void;
  /** Data frames sent again, each with its cause. */
  retransmit(frames: readonly Frame[], causes: readonly RetransmitCause[]): void;
  /** Whole messages, in order, each exactly once. */
  deliver(messages: readonly Uint8Array[]): void;
  /** Payload bytes that wait for the send window; called when the number changed. */
  backlog(bytes: number): void;
  /** Whether anything is to be read from the whole socket: the only way to slow down a release. */
  readSocket(reading: boolean): void;
  /** The handshake is done: from now on messages may be sent, and records that were delivered can be opened. */
  opened(): void;
}

/**
 * The handshake of an encrypted stream as its harness does it (relay.md §6.5, §7.4). Each step takes a while and rejects
 * when the stream cannot be had; why is for the log of whoever implements it.
 */
export interface InitiatorPort {
  /** Message 1. */
  greet(): Promise<Uint8Array>;
  /** Message 2 has come: resolves when records can be sealed and opened. */
  conclude(answer: Uint8Array): Promise<void>;
  /** The handshake is over, whatever came of it: what only it needed is wiped. */
  abandon(): void;
}

/** The same as its executor does it (§6.6, §7.3), for the one message 1 that it was made with. */
export interface ResponderPort {
  /** Opens message 1. */
  read(): Promise<void>;
  /** Asks the registry whether that harness may, and writes message 2. */
  authorise(signal: AbortSignal): Promise<HandshakeAnswer>;
  abandon(): void;
}

export interface HandshakeAnswer {
  /** Message 2. */
  readonly message: Uint8Array;
  /** False: it only tells the harness that the registry refuses this executor's credential (§6.6). */
  readonly admitted: boolean;
}

export interface StreamTiming extends ProbeTiming {
  /** An acknowledgement with nothing to ride on waits this long at most. */
  readonly ackDelayMs: number;
  /** After two segments it waits only this long: one turn for the answer that may carry it. */
  readonly dueAckDelayMs: number;
  /** First wait before an unanswered `resume` is repeated; doubles up to `longestProbeMs`. */
  readonly announceMs: number;
  /** How long draining waits for the last acknowledgement. */
  readonly drainMs: number;
  /** How long a stream waits for its peer after its carrier was lost; time this end slept does not count. */
  readonly graceMs: number;
  /** How long a frame of a peer that sends nothing again may be missing before the stream is given up. */
  readonly stalledGapMs: number;
  /** How long the handshake of an encrypted stream may take in all. */
  readonly handshakeMs: number;
  /** How long the registry may take to say whether a harness may use this executor. */
  readonly authorisationMs: number;
}

export const defaultStreamTiming: StreamTiming = {
  ackDelayMs: 10,
  dueAckDelayMs: 1,
  peerAckDelayMs: 10,
  longestProbeMs: 10_000,
  announceMs: 1000,
  drainMs: 2000,
  graceMs: 60_000,
  stalledGapMs: 10_000,
  handshakeMs: 15_000,
  authorisationMs: 10_000,
};

export interface StreamInput {
  readonly streamId: string;
  readonly role: RelayRole;
  /** Known to an executor from the first frame; a harness finds out. */
  readonly profile?: Profile;
  /** Given to a harness whose stream is to be encrypted, */
  readonly initiator?: InitiatorPort;
  /** and to an executor whose peer began a handshake. */
  readonly responder?: ResponderPort;
  readonly port: StreamPort;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly timing: StreamTiming;
  /** Shared by the streams that lead to one peer. */
  readonly meter: RoundTripMeter;
  /** From 0 to 1; the only source of chance, so that a test can seed it. */
  readonly random: () => number;
}

export interface StreamCounters {
  readonly framesReceived: number;
  readonly duplicates: number;
  readonly retransmitted: number;
  readonly probes: number;
}

export interface StreamContext extends StreamInput {
  readonly send: SendWindow;
  readonly receive: ReceiveWindow;
  /** Fresh segments received since an acknowledgement was last sent. */
  readonly ackDebt: number;
  /** Towards a release: the number of the next frame. */
  readonly releaseSeq: number;
  /** What came of a release in the clear, */
  readonly filter: DuplicateFilter;
  /** and what of one whose records are encrypted. */
  readonly order: NoiseOrder;
  /** Of a release: where the gap is that is being waited for. */
  readonly gapAt: number;
  /**
   * Message 2. A harness has it while it is read; an executor until it hears that it has arrived, to say it again.
   */
  readonly answer: Uint8Array | undefined;
  /** Frames that came behind message 2 while it was read. */
  readonly early: readonly Frame[];
  /** Times `resume` was sent since there is this carrier, or since the stream began. */
  readonly announcements: number;
  /** What the region of the chart says, for the steps. */
  readonly carrier: CarrierStanding;
  /** Point in time at which the carrier was lost last, or at which this end woke since. */
  readonly lostAt: number;
  /** Point in time at which `resume` was first sent on the newest carrier. */
  readonly resumedAt: number;
  /** Segments beyond its ack that the peer will take now. */
  readonly peerWindow: number;
  /** Times a peer that takes nothing was asked whether that still holds. */
  readonly asks: number;
  /** Segments beyond ack that this end will take; undefined = as many as the window has. */
  readonly ownWindow: number | undefined;
  /** Point in time the retransmit timer is armed for. */
  readonly armedFor: number;
  /** This end overslept its own timer and gave the socket one more turn before blaming the peer. */
  readonly excused: boolean;
  /** From 0 to 1, drawn again for each probe. */
  readonly jitter: number;
  readonly counters: StreamCounters;
  readonly end: StreamEnd;
}

export type StreamEvent =
  /** Frames of one turn of the event loop, in arrival order. */
  | { readonly type: 'frames'; readonly frames: readonly Frame[] }
  /** Whole messages to send, of one turn. */
  | { readonly type: 'flush'; readonly messages: readonly Uint8Array[] }
  /** End in good order: what was sent is acknowledged first. */
  | { readonly type: 'stream.close' }
  /** End at once, telling the peer why. */
  | { readonly type: 'stream.reset'; readonly reason: string }
  /** A frame for this stream was not acceptable (frame-error.ts). */
  | { readonly type: 'frame.rejected'; readonly reason: string }
  | { readonly type: 'carrier.lost' }
  /** There is a new carrier; nobody was heard on it yet. */
  | { readonly type: 'carrier.back' }
  /** Whoever reads the messages has enough for now, or wants more again. */
  | { readonly type: 'reader.paused' }
  | { readonly type: 'reader.resumed' }
  // Raised by the stream itself while it works through a batch.
  | { readonly type: 'peer.reset'; readonly reason: string }
  | { readonly type: 'protocol.violated'; readonly reason: string };

/** How a stream ended; the reason is stable and machine-readable when this end wrote it, free text when the peer did. */
export interface StreamEnd {
  readonly streamId: string;
  readonly kind: 'closed' | 'reset';
  readonly reason: string;
  readonly initiator: 'local' | 'peer';
}
