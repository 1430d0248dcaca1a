/**
 * What a frame for a stream nobody knows may do: open it, be ignored, or be answered with reset (relay.md §4.2, §7.3;
 * DESIGN §5.2.7). The one place that keeps a late frame from running a request again.
 */
import { type Frame, isReliable } from '../../proto/frame.js';
import { FIRST_CLEARTEXT_SEQ } from './sequence.js';

export type Admission =
  | { readonly kind: 'open'; readonly profile: 'cleartext' | 'reliable' }
  | { readonly kind: 'ignore' }
  | { readonly kind: 'refuse'; readonly reason: AdmissionRefusal };

export type AdmissionRefusal = 'unknown_stream' | 'stream_retired' | 'too_many_streams' | 'noise_relay_protocol_error';

export interface AdmissionFacts {
  readonly retired: boolean;
  /** Streams alive on the connection now, and how many may be. */
  readonly streams: number;
  readonly mostStreams: number;
  /** Segments a sender may have in flight: a stream's first frames may arrive in any order among these. */
  readonly windowSegments: number;
}

const ignored: Admission = { kind: 'ignore' };

/** Judges the first frame an executor sees of a stream. A harness opens its own streams and ignores all others. */
export function admit(frame: Frame, facts: AdmissionFacts): Admission {
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

/** A reliable stream id is used once; its first segments and its `resume` may arrive in any order. */
function admitReliable({ body, ack, ackBits }: Frame, facts: AdmissionFacts): Admission {
  if (body.kind !== 'data' && body.kind !== 'resume') return ignored;
  if (facts.retired) return { kind: 'refuse', reason: 'stream_retired' };
  const first = body.kind === 'data' ? body.seq : body.nextSeq - 1;
  // Whoever acknowledges something heard an executor that is no longer there, and what it said is lost.
  const heardBefore = ack > 0 || ackBits !== 0;
  return first <= facts.windowSegments && !heardBefore
    ? { kind: 'open', profile: 'reliable' }
    : { kind: 'refuse', reason: 'unknown_stream' };
}
