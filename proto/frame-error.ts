/**
 * What can be wrong with a frame. One class a direction; the code says which check failed.
 */
import { type ErrorScope, SignalboxError } from './signalbox-error.js';

export type FrameFaultCode =
  | 'frame_undecodable'
  | 'frame_version_unsupported'
  | 'frame_stream_id_blank'
  | 'frame_stream_id_too_long'
  | 'frame_text_malformed'
  | 'frame_body_missing'
  | 'frame_payload_empty'
  | 'frame_segment_facts_invalid'
  | 'frame_reset_reason_empty'
  | 'frame_number_out_of_range';

/** One failed check, before anybody decided what to do about it. */
export interface FrameFault {
  readonly code: FrameFaultCode;
  readonly message: string;
}

/**
 * A received frame that must not be acted upon. The connection survives it (relay.md §3.1).
 * Where the stream could still be told, `streamId` names it and the scope is that stream.
 */
export class FrameDecodeError extends SignalboxError {
  declare readonly code: FrameFaultCode;
  readonly streamId: string | undefined;
  /** Whether the frame announced the reliable profile: then its stream is reset instead of left alone. */
  readonly reliable: boolean;

  constructor(fault: FrameFault, origin: { streamId?: string; reliable?: boolean; cause?: unknown } = {}) {
    const scope: ErrorScope = origin.streamId === undefined ? 'connection' : 'stream';
    super(fault.code, fault.message, { scope, initiator: 'peer', cause: origin.cause });
    this.streamId = origin.streamId;
    this.reliable = origin.reliable ?? false;
  }
}

/** A frame this end was about to send and must not: always a defect here, never the peer's. */
export class FrameEncodeError extends SignalboxError {
  declare readonly code: FrameFaultCode;

  constructor(fault: FrameFault) {
    super(fault.code, fault.message, { scope: 'stream', initiator: 'local' });
  }
}
