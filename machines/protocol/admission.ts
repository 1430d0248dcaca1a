/**
 * What a frame for a stream nobody knows may do: open it, be ignored, or be answered with reset (relay.md §4.2, §7.3;
 * DESIGN §5.2.7). The one place that keeps a late frame, or one meant for an executor that is no more, from running a
 * request again.
 */
import { type Frame, isReliable, PROTOCOL_ERROR_REASON } from '../../proto/frame.js';
import { startsStream } from './resume.js';
import { FIRST_RELEASE_SEQ, FIRST_RELIABLE_SEQ } from './sequence.js';

export type Admission =
  /** With `greeting`, message 1 of a handshake, the stream is encrypted. */
  | { readonly kind: 'open'; readonly profile: 'cleartext' | 'noise' | 'reliable'; readonly greeting?: Uint8Array }
  | { readonly kind: 'ignore' }
  | { readonly kind: 'refuse'; readonly reason: AdmissionRefusal };

export type AdmissionRefusal =
  | 'unknown_stream'
  | 'stream_retired'
  | 'too_many_streams'
  | 'resume_impossible'
  | typeof PROTOCOL_ERROR_REASON;

export interface AdmissionFacts {
  /** A harness opens its own streams, so it only ever refuses. */
  readonly role: 'harness' | 'executor';
  /** Which streams this end serves. */
  readonly encryption: 'never' | 'always' | 'either';
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
  const verdict = admitAtExecutor(frame, facts);
  if (verdict.kind === 'open' && facts.streams >= facts.mostStreams) {
    return { kind: 'refuse', reason: 'too_many_streams' };
  }
  return verdict;
}

function admitAtExecutor(frame: Frame, facts: AdmissionFacts): Admission {
  const { encryption } = facts;
  if (frame.body.kind === 'handshake' && encryption !== 'never') return admitGreeting(frame, frame.body.payload, facts);
  if (isReliable(frame)) return admitReliable(frame, facts);
  return encryption === 'always' ? admitUngreeted(frame) : admitCleartext(frame, facts);
}

/** A reliable stream id is used once; releases may use one again at once (relay.md §7.3). */
function admitGreeting(frame: Frame, greeting: Uint8Array, { retired }: AdmissionFacts): Admission {
  if (!isReliable(frame)) return { kind: 'open', profile: 'noise', greeting };
  return retired ? { kind: 'refuse', reason: 'stream_retired' } : { kind: 'open', profile: 'reliable', greeting };
}

/** What a release says in the clear to an executor that serves only encrypted streams. */
function admitUngreeted({ body }: Frame): Admission {
  return body.kind === 'data' ? { kind: 'refuse', reason: PROTOCOL_ERROR_REASON } : ignored;
}

/** Releases open a stream with their first data frame and may use an id again, which starts at seq 0 again. */
function admitCleartext({ body }: Frame, facts: AdmissionFacts): Admission {
  switch (body.kind) {
    case 'data':
      if (facts.retired && body.seq !== FIRST_RELEASE_SEQ) return { kind: 'refuse', reason: 'stream_retired' };
      return { kind: 'open', profile: 'cleartext' };
    case 'handshake':
      // A Noise harness would wait ten seconds for an answer that a cleartext executor cannot give.
      return { kind: 'refuse', reason: PROTOCOL_ERROR_REASON };
    default:
      return ignored;
  }
}

/**
 * A reliable stream id is used once, and only `resume` can open it: data may also come from a harness that has spoken
 * with an executor which is no more, and look the same. What is certain is answered; the rest is left to `resume`.
 */
function admitReliable({ body, ack, ackBits }: Frame, facts: AdmissionFacts): Admission {
  const { encryption } = facts;
  // A harness that waits for the answer to its handshake asks like this: that one never came.
  const asks = body.kind === 'heartbeat' && encryption !== 'never';
  if (body.kind !== 'data' && body.kind !== 'resume' && !asks) return ignored;
  // The word before a handshake, which follows.
  if (body.kind === 'resume' && body.nextSeq === 0 && encryption !== 'never') return ignored;
  if (facts.retired) return { kind: 'refuse', reason: 'stream_retired' };
  if (body.kind === 'resume') {
    if (body.nextSeq < FIRST_RELIABLE_SEQ) return { kind: 'refuse', reason: 'resume_impossible' };
    return startsStream(body.nextSeq, ack, ackBits) && encryption !== 'always'
      ? { kind: 'open', profile: 'reliable' }
      : { kind: 'refuse', reason: 'unknown_stream' };
  }
  if (body.kind === 'heartbeat') return { kind: 'refuse', reason: 'unknown_stream' };
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
