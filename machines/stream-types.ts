/**
 * What a stream is given, remembers, is told and says: the types its chart and its steps share.
 */
import type { Frame } from '../proto/frame.js';
import type { Limits } from '../proto/limits.js';
import type { Clock } from './clock.js';
import type { DuplicateFilter } from './protocol/duplicate-filter.js';
import type { ReceiveWindow } from './protocol/receive-window.js';
import type { ProbeTiming, RoundTripMeter } from './protocol/round-trip.js';
import type { RetransmitCause, SendWindow } from './protocol/send-window.js';

export type RelayRole = 'harness' | 'executor';

export type Profile = 'cleartext' | 'reliable';

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
};

export interface StreamInput {
  readonly streamId: string;
  readonly role: RelayRole;
  /** Known to an executor from the first frame; a harness finds out. */
  readonly profile?: Profile;
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
  readonly cleartextSeq: number;
  readonly filter: DuplicateFilter;
  /** In the cleartext profile: the seq before the gap that is being waited for. */
  readonly gapAfter: number;
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
