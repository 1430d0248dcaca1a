/**
 * The relay frame as the rest of the program sees it: plain values, one body, nothing optional that must be there.
 * It says nothing about bytes (frame-codec.ts) or about what is acceptable (frame-validation.ts).
 */

/** The only protocol version that exists (relay.md §3.1). */
export const FRAME_VERSION = 1;

/** Values of `RelayMessageFrame.reliability`. */
const RELIABILITY_NONE = 0;
export const RELIABILITY_RELIABLE = 1;

/** Reason of every reset that a release sends about an encrypted stream; says nothing more on purpose (relay.md §6.1). */
export const PROTOCOL_ERROR_REASON = 'noise_relay_protocol_error';

/** Largest value of any number on the wire; all of them are uint32. */
export const UINT32_MAX = 0xffff_ffff;

export interface DataBody {
  readonly kind: 'data';
  /** Number of this segment in its direction. */
  readonly seq: number;
  /** Place of the segment in its message, from 0. */
  readonly segmentIndex: number;
  /** Segments in that message. */
  readonly segmentCount: number;
  /** A view on the received message; whoever keeps it keeps the whole message alive. */
  readonly payload: Uint8Array;
}

export interface AckBody {
  readonly kind: 'ack';
}

export interface ResumeBody {
  readonly kind: 'resume';
  /** The seq its sender uses next. */
  readonly nextSeq: number;
}

export interface ResetBody {
  readonly kind: 'reset';
  /** Unauthenticated text: it may end a stream, never more (DESIGN §6). */
  readonly reason: string;
}

export interface HeartbeatBody {
  readonly kind: 'heartbeat';
}

export interface HandshakeBody {
  readonly kind: 'handshake';
  readonly payload: Uint8Array;
}

export type FrameBody = DataBody | AckBody | ResumeBody | ResetBody | HeartbeatBody | HandshakeBody;

export interface Frame {
  readonly streamId: string;
  /** Highest contiguous seq its sender has received; 0 = none yet, or no acknowledgement at all. */
  readonly ack: number;
  /** Bit i (least significant = 0) says that ack + 1 + i has been received. */
  readonly ackBits: number;
  /** {@link RELIABILITY_RELIABLE}; anything else counts as none, for which 0 is sent. */
  readonly reliability: number;
  /** Segments beyond ack that its sender will take; absent = it does not say. */
  readonly receiveWindow?: number;
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly body: FrameBody;
}

/** Whether the sender of this frame speaks the reliable profile. */
export function isReliable(frame: Pick<Frame, 'reliability'>): boolean {
  return frame.reliability === RELIABILITY_RELIABLE;
}

/** A frame without acknowledgement or capability, as every release sends it. */
export function plainFrame(streamId: string, body: FrameBody): Frame {
  return { streamId, ack: 0, ackBits: 0, reliability: RELIABILITY_NONE, body };
}
