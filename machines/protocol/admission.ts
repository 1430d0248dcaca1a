/**
 * What a frame for a stream nobody knows may do: open it, be ignored, or be answered with reset (relay.md §4.2, §7.3;
 * DESIGN §5.2.7). The one place that keeps a late frame, or one meant for an executor that is no more, from running a
 * request again.
 */
import { type Frame, isReliable } from '../../proto/frame.js';
import { startsStream } from './resume.js';
import { FIRST_CLEARTEXT_SEQ, FIRST_RELIABLE_SEQ } from './sequence.js';

export type Admission =
  | { readonly kind: 'open'; readonly profile: 'cleartext' | 'reliable' }
  | { readonly kind: 'ignore' }
  | { readonly kind: 'refuse'; readonly reason: AdmissionRefusal };

export type AdmissionRefusal =
  | 'unknown_stream'
  | 'stream_retired'
  | 'too_many_streams'
  | 'resume_impossible'
  | 'noise_relay_protocol_error';

export interface AdmissionFacts {
  /** A harness opens its own streams, so it only ever refuses. */
  readonly role: 'harness' | 'executor';
  readonly retired: boolean;
  /** So lately that the frame may have been under way when the stream ended. */
  readonly endedLately: boolean;
  /** Streams alive on the connection now, and how many may be. */
  readonly streams: number;
  readonly mostStreams: number;
  /** Segments a sender may have in flight before it hears of its peer. */
  readonly windowSegments: number;
}

const ignored: Admission = { kind: 'ignore' };

/** Judges a frame of a stream that no actor serves. */
export function admit(frame: Frame, facts: AdmissionFacts): Admission {
  if (facts.role === 'harness') return admitNothing(frame, facts);
  const verdict = isReliable(frame) ? admitReliable(frame, facts) : admitCleartext(frame, facts);
  if (verdict.kind === 'open' && facts.streams >= facts.mostStreams) {
    return { kind: 'refuse', reason: 'too_many_streams' };
  }
  return verdict;
}

/** Releases open a stream with their first data frame and may use an id again, which starts at seq 0 again. */
function admitCleartext({ body }: Frame, facts: AdmissionFacts): Admission {
  switch (body.kind) {
    case 'data':
      if (facts.retired && body.seq !== FIRST_CLEARTEXT_SEQ) return { kind: 'refuse', reason: 'stream_retired' };
      return { kind: 'open', profile: 'cleartext' };
    case 'handshake':
      // A Noise harness would wait ten seconds for an answer that a cleartext executor cannot give.
      return { kind: 'refuse', reason: 'noise_relay_protocol_error' };
    default:
      return ignored;
  }
}

/**
 * A reliable stream id is used once, and only `resume` can open it: data may also come from a harness that has spoken
 * with an executor which is no more, and look the same. What is certain is answered; the rest is left to `resume`.
 */
function admitReliable({ body, ack, ackBits }: Frame, facts: AdmissionFacts): Admission {
  if (body.kind !== 'data' && body.kind !== 'resume') return ignored;
  if (facts.retired) return { kind: 'refuse', reason: 'stream_retired' };
  if (body.kind === 'resume') {
    if (body.nextSeq < FIRST_RELIABLE_SEQ) return { kind: 'refuse', reason: 'resume_impossible' };
    return startsStream(body.nextSeq, ack, ackBits)
      ? { kind: 'open', profile: 'reliable' }
      : { kind: 'refuse', reason: 'unknown_stream' };
  }
  // Whoever acknowledges something, or is beyond the first window, heard an executor that lost its state since.
  const isOld = ack > 0 || ackBits !== 0 || body.seq > facts.windowSegments;
  return isOld ? { kind: 'refuse', reason: 'unknown_stream' } : ignored;
}

/**
 * An executor that goes on with what this harness has ended, or never knew, is told so: it would say the same for ever.
 * What was under way when the stream ended needs no answer, the end itself is on its way.
 */
function admitNothing(frame: Frame, { retired, endedLately }: AdmissionFacts): Admission {
  if (!isReliable(frame)) return ignored;
  const { kind } = frame.body;
  const goesOn = kind === 'resume' || ((kind === 'data' || kind === 'heartbeat') && !endedLately);
  return goesOn ? { kind: 'refuse', reason: retired ? 'stream_retired' : 'unknown_stream' } : ignored;
}
