/**
 * A message on a simulated wire in one line, for people who look into a run.
 */
import type { Frame } from '../../proto/frame.js';
import { decodeFrame } from '../../proto/frame-codec.js';
import { decodeMessage } from './message.js';

export function brief(message: Uint8Array): string {
  let frame: Frame;
  try {
    frame = decodeFrame(message);
  } catch (error) {
    return `${message.length} bytes: ${error instanceof Error ? error.message : String(error)}`;
  }
  const { streamId, ack, ackBits, reliability, receiveWindow, body } = frame;
  const words = [streamId.padEnd(8), body.kind];
  if (body.kind === 'data') {
    words.push(`${body.seq} (${body.segmentIndex + 1}/${body.segmentCount})`, `${body.payload.length} bytes`);
    const whole = body.segmentCount === 1 ? decodeMessage(body.payload) : undefined;
    if (whole !== undefined) words.push(`= ${whole.kind} of request ${whole.request}`);
  } else if (body.kind === 'resume') words.push(String(body.nextSeq));
  else if (body.kind === 'reset') words.push(body.reason);
  words.push(`ack ${ack}${ackBits === 0 ? '' : `+${ackBits.toString(2)}`}`);
  if (receiveWindow !== undefined) words.push(`window ${receiveWindow}`);
  if (reliability === 0) words.push('plain');
  return words.join(' ');
}
