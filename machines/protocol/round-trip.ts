/**
 * The round-trip time to one peer after RFC 6298, and the delays that follow from it (DESIGN §5.2.4).
 * Samples come from segments sent exactly once (Karn); all numbers are milliseconds.
 */

export interface RoundTrip {
  /** Smoothed round-trip time; meaningless before the first sample. */
  readonly smoothedMs: number;
  readonly varianceMs: number;
  readonly latestMs: number;
  readonly samples: number;
}

/** A harness shares the estimate among its streams, so it lives beside them, not in one of them. */
export interface RoundTripMeter {
  current: RoundTrip;
}

export interface ProbeTiming {
  /** The longest a peer holds back an acknowledgement that has nothing to ride on. */
  readonly peerAckDelayMs: number;
  /** No probe waits longer than this, however often it was repeated. */
  readonly longestProbeMs: number;
}

/** RFC 6298 §2.1: the delay to use before anything was measured. */
const UNMEASURED_PROBE_MS = 1000;
/** Clock granularity G of RFC 6298; timers of a busy event loop are not better than this. */
const GRANULARITY_MS = 10;
const GAIN = 1 / 8;
const VARIANCE_GAIN = 1 / 4;
/** RFC 9002 §6.1.2: reordering is given one eighth of a round trip before it counts as loss. */
const LOSS_DELAY_FACTOR = 9 / 8;

export const unmeasuredRoundTrip: RoundTrip = { smoothedMs: 0, varianceMs: 0, latestMs: 0, samples: 0 };

export function observeRoundTrip(before: RoundTrip, sampleMs: number): RoundTrip {
  const sample = Math.max(0, sampleMs);
  if (before.samples === 0) {
    return { smoothedMs: sample, varianceMs: sample / 2, latestMs: sample, samples: 1 };
  }
  const error = Math.abs(before.smoothedMs - sample);
  return {
    smoothedMs: before.smoothedMs + GAIN * (sample - before.smoothedMs),
    varianceMs: before.varianceMs + VARIANCE_GAIN * (error - before.varianceMs),
    latestMs: sample,
    samples: before.samples + 1,
  };
}

/** How long after its last transmission a segment is taken for lost, once a later one was acknowledged. */
export function lossDelayMs(roundTrip: RoundTrip): number {
  if (roundTrip.samples === 0) return UNMEASURED_PROBE_MS;
  return Math.max(GRANULARITY_MS, LOSS_DELAY_FACTOR * Math.max(roundTrip.smoothedMs, roundTrip.latestMs));
}

/**
 * How long to wait for any acknowledgement before sending one segment again as a probe.
 * `probes` is the number of probes already sent without an answer: each doubles the delay.
 * `jitter` from 0 to 1 spreads repeated probes by up to a quarter, so that streams do not probe in step.
 */
export function probeDelayMs(roundTrip: RoundTrip, probes: number, jitter: number, timing: ProbeTiming): number {
  const first =
    roundTrip.samples === 0
      ? UNMEASURED_PROBE_MS
      : roundTrip.smoothedMs + Math.max(GRANULARITY_MS, 4 * roundTrip.varianceMs) + timing.peerAckDelayMs;
  const doubled = first * 2 ** Math.min(probes, 16);
  const spread = probes === 0 ? doubled : doubled * (1 + jitter / 4);
  return Math.min(spread, timing.longestProbeMs);
}
