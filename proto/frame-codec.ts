/**
 * Bytes of one binary WebSocket message to a frame and back (relay.md §2).
 * Whatever the bytes are, decoding throws nothing but {@link FrameDecodeError}; it never acts on what it read.
 */
import { type Allocate, writeDataFrame } from './data-frame-writer.js';
import { FRAME_VERSION, type Frame, type FrameBody, RELIABILITY_RELIABLE } from './frame.js';
import { FrameDecodeError, FrameEncodeError } from './frame-error.js';
import { validateFrame } from './frame-validation.js';
import { codex } from './gen/relay.js';

const { RelayMessageFrame: Message } = codex.exec_server.relay.v1;
type Message = codex.exec_server.relay.v1.RelayMessageFrame;
type MessageProperties = codex.exec_server.relay.v1.RelayMessageFrame.$Properties;

/** Decodes and validates; payloads are views on `bytes`. Throws {@link FrameDecodeError} only. */
export function decodeFrame(bytes: Uint8Array): Frame {
  let message: Message;
  try {
    message = Message.decode(bytes);
  } catch (cause) {
    throw new FrameDecodeError(
      { code: 'frame_undecodable', message: `these ${bytes.length} bytes are not a relay frame` },
      { cause },
    );
  }
  if (message.version !== FRAME_VERSION) {
    throw new FrameDecodeError({
      code: 'frame_version_unsupported',
      message: `relay frame version ${message.version} is not supported; this end speaks version ${FRAME_VERSION}`,
    });
  }
  const body = bodyOf(message);
  const streamId = message.streamId ?? '';
  if (body === undefined) {
    const fault = { code: 'frame_body_missing', message: 'the frame has no body this end knows' } as const;
    throw new FrameDecodeError(fault, { ...originOf(message), reliable: false });
  }
  const frame = frameOf(streamId, message, body);
  const fault = validateFrame(frame);
  if (fault) throw new FrameDecodeError(fault, originOf(message));
  return frame;
}

/** One shape for all frames but the few that carry more: this is the hottest line of the way in. */
function frameOf(streamId: string, message: Message, body: FrameBody): Frame {
  const { ack = 0, ackBits = 0, reliability = 0, receiveWindow, traceparent, tracestate } = message;
  if (receiveWindow == null && traceparent == null && tracestate == null) {
    return { streamId, ack, ackBits, reliability, body };
  }
  return {
    streamId,
    ack,
    ackBits,
    reliability,
    ...(receiveWindow == null ? {} : { receiveWindow }),
    ...(traceparent == null ? {} : { traceparent }),
    ...(tracestate == null ? {} : { tracestate }),
    body,
  };
}

function originOf({ streamId = '', reliability }: Message): { streamId?: string; reliable: boolean } {
  const reliable = reliability === RELIABILITY_RELIABLE;
  return streamId.trim() === '' ? { reliable } : { streamId, reliable };
}

const allocateNew: Allocate = (size) => new Uint8Array(size);

/** Validates and encodes; throws {@link FrameEncodeError} rather than send what a receiver would drop. */
export function encodeFrame(frame: Frame, allocate: Allocate = allocateNew): Uint8Array {
  const fault = validateFrame(frame);
  if (fault) throw new FrameEncodeError(fault);
  const { body } = frame;
  const written = body.kind === 'data' ? writeDataFrame(frame, body, allocate) : undefined;
  if (written !== undefined) return written;
  const properties: MessageProperties = {
    version: FRAME_VERSION,
    streamId: frame.streamId,
    ack: frame.ack,
    ackBits: frame.ackBits,
    reliability: frame.reliability,
  };
  if (frame.receiveWindow !== undefined) properties.receiveWindow = frame.receiveWindow;
  if (frame.traceparent !== undefined) properties.traceparent = frame.traceparent;
  if (frame.tracestate !== undefined) properties.tracestate = frame.tracestate;
  setBody(properties, body);
  return Message.encode(properties).finish();
}

function bodyOf(message: Message): FrameBody | undefined {
  switch (message.body) {
    case 'data': {
      const data = message.data;
      return {
        kind: 'data',
        seq: data?.seq ?? 0,
        segmentIndex: data?.segmentIndex ?? 0,
        segmentCount: data?.segmentCount ?? 0,
        payload: data?.payload ?? new Uint8Array(),
      };
    }
    case 'ackFrame':
      return { kind: 'ack' };
    case 'resume':
      return { kind: 'resume', nextSeq: message.resume?.nextSeq ?? 0 };
    case 'reset':
      return { kind: 'reset', reason: message.reset?.reason ?? '' };
    case 'heartbeat':
      return { kind: 'heartbeat' };
    case 'handshake':
      return { kind: 'handshake', payload: message.handshake?.payload ?? new Uint8Array() };
    default:
      return undefined;
  }
}

function setBody(properties: MessageProperties, body: FrameBody): void {
  switch (body.kind) {
    case 'data':
      properties.data = body;
      return;
    case 'ack':
      properties.ackFrame = {};
      return;
    case 'resume':
      properties.resume = { nextSeq: body.nextSeq };
      return;
    case 'reset':
      properties.reset = { reason: body.reason };
      return;
    case 'heartbeat':
      properties.heartbeat = {};
      return;
    case 'handshake':
      properties.handshake = { payload: body.payload };
  }
}
