/**
 * The checks every receiver makes before acting on a frame, and every sender before sending one (relay.md §3.1).
 * It only judges; dropping, resetting or throwing is for the caller.
 */
import { type Frame, type FrameBody, isReliable, UINT32_MAX } from './frame.js';
import type { FrameFault } from './frame-error.js';
import { defaultLimits } from './limits.js';

/** Returns the first fault of the frame, or undefined when it may be acted upon. */
export function validateFrame(frame: Frame): FrameFault | undefined {
  if (frame.streamId.trim() === '') {
    return { code: 'frame_stream_id_blank', message: 'the frame names no stream: stream_id is blank' };
  }
  if (frame.streamId.length > defaultLimits.streamIdLength) {
    return {
      code: 'frame_stream_id_too_long',
      message: `stream_id has ${frame.streamId.length} characters; at most ${defaultLimits.streamIdLength} are accepted`,
    };
  }
  return validateText(frame) ?? validateNumbers(frame) ?? validateBody(frame.body, isReliable(frame));
}

/** Text with half a surrogate pair has no UTF-8 form: a receiver could not decode the frame at all. */
function validateText(frame: Frame): FrameFault | undefined {
  const { streamId, traceparent = '', tracestate = '', body } = frame;
  const reason = body.kind === 'reset' ? body.reason : '';
  if (streamId.isWellFormed() && traceparent.isWellFormed() && tracestate.isWellFormed() && reason.isWellFormed()) {
    return undefined;
  }
  return { code: 'frame_text_malformed', message: 'a text of the frame has half a surrogate pair and no UTF-8 form' };
}

function validateBody(body: FrameBody, reliable: boolean): FrameFault | undefined {
  switch (body.kind) {
    case 'data':
      if (body.payload.length === 0) {
        return { code: 'frame_payload_empty', message: 'a data frame must carry a payload' };
      }
      return validateSegmentFacts(body.segmentIndex, body.segmentCount, reliable);
    case 'handshake':
      return body.payload.length === 0
        ? { code: 'frame_payload_empty', message: 'a handshake frame must carry a payload' }
        : undefined;
    case 'reset':
      return body.reason === ''
        ? { code: 'frame_reset_reason_empty', message: 'a reset frame must say why' }
        : undefined;
    default:
      return undefined;
  }
}

/** Only reliable streams are segmented; everywhere else a frame is a message (relay.md §3.1, DESIGN §5.1). */
function validateSegmentFacts(index: number, count: number, reliable: boolean): FrameFault | undefined {
  const valid = reliable ? index < count : index === 0 && count === 1;
  if (valid) return undefined;
  const expected = reliable ? 'index below count' : 'index 0 and count 1, because the stream is not reliable';
  return {
    code: 'frame_segment_facts_invalid',
    message: `segment ${index} of ${count} is impossible: expected ${expected}`,
  };
}

function validateNumbers(frame: Frame): FrameFault | undefined {
  const { body } = frame;
  if (!isUint32(frame.ack)) return outOfRange('ack', frame.ack);
  if (!isUint32(frame.ackBits)) return outOfRange('ack_bits', frame.ackBits);
  if (!isUint32(frame.reliability)) return outOfRange('reliability', frame.reliability);
  if (frame.receiveWindow !== undefined && !isUint32(frame.receiveWindow)) {
    return outOfRange('receive_window', frame.receiveWindow);
  }
  if (body.kind === 'resume' && !isUint32(body.nextSeq)) return outOfRange('next_seq', body.nextSeq);
  if (body.kind !== 'data') return undefined;
  if (!isUint32(body.seq)) return outOfRange('seq', body.seq);
  if (!isUint32(body.segmentIndex)) return outOfRange('segment_index', body.segmentIndex);
  if (!isUint32(body.segmentCount)) return outOfRange('segment_count', body.segmentCount);
  return undefined;
}

function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= UINT32_MAX;
}

function outOfRange(field: string, value: number): FrameFault {
  return { code: 'frame_number_out_of_range', message: `${field} must be an integer from 0 to 2^32 - 1, got ${value}` };
}
