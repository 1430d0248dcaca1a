/**
 * Frames that no honest peer sends, as the bytes of a message: they name a stream that exists and say what cannot be,
 * or a stream that does not.
 */
import { RELIABILITY_RELIABLE } from '../../proto/frame.js';
import { codex } from '../../proto/gen/relay.js';
import type { Forgery } from './scenario.js';

const { RelayMessageFrame } = codex.exec_server.relay.v1;

/** Farther than any window reaches from anything that is sent in a run. */
const FAR = 1_000_000;
const payload = new Uint8Array([1]);

export function forge(streamId: string, forgery: Forgery): Uint8Array {
  switch (forgery) {
    case 'ack_of_unsent':
      return encode(streamId, { ack: FAR, ackFrame: {} });
    case 'seq_beyond_window':
      return encode(streamId, { data: { seq: FAR, segmentIndex: 0, segmentCount: 1, payload } });
    case 'seq_zero':
      return encode(streamId, { data: { seq: 0, segmentIndex: 0, segmentCount: 1, payload } });
    case 'segment_facts':
      return encode(streamId, { data: { seq: FAR, segmentIndex: 7, segmentCount: 9, payload } });
    case 'resume_impossible':
      return encode(streamId, { resume: { nextSeq: FAR } });
    case 'undecodable_body':
      return encode(streamId, { data: { seq: 1, segmentIndex: 9, segmentCount: 0, payload } });
  }
}

/** Frames for a stream that nobody knows, and bytes that are no frame at all. */
export function strangers(streamId: string): readonly Uint8Array[] {
  return [
    encode(streamId, { data: { seq: 40, segmentIndex: 0, segmentCount: 1, payload } }),
    encode(streamId, { ackFrame: {} }),
    encode(streamId, { heartbeat: {} }),
    encode(streamId, { ack: 9, resume: { nextSeq: 3 } }),
    encode(streamId, { reset: { reason: 'stranger' } }),
    new Uint8Array([0xff, 0xff, 0xff]),
    new Uint8Array(),
  ];
}

function encode(streamId: string, rest: Parameters<typeof RelayMessageFrame.encode>[0]): Uint8Array {
  const fields = { version: 1, streamId, reliability: RELIABILITY_RELIABLE, ...rest };
  return RelayMessageFrame.encode(fields).finish();
}
