/**
 * What has passed over one carrier lately, and what silence means: a peer that owes an answer is asked sooner whether it
 * is there. Plain numbers in milliseconds; who asks, and what follows, is for the connection's chart.
 */

/** Written by whoever moves the frames, read by the chart: an event for each frame would cost more than the frame. */
export interface Traffic {
  /** When anything was heard last. */
  heardAt: number;
  /** When the oldest frame left of those that were sent since anything was heard; undefined = nothing is owed. */
  owedSince: number | undefined;
  /** Payload bytes since then that nobody acknowledges: they may still fill buffers on a slow way. */
  plainBytes: number;
  /** The chart looks by itself and need not be told that something is owed. */
  watched: boolean;
}

export interface SilenceTiming {
  /** Silence of a peer that owes something, before it is asked. */
  readonly alertMs: number;
  /** How long it may then take to answer. */
  readonly alertPongMs: number;
  /** The same where much was sent that nothing acknowledges, and for a peer that owes nothing. */
  readonly pongMs: number;
}

/** A slow way needs so long for more than this that its pong must be given the longer time. */
const BULK_BYTES = 256 * 1024;

export function newTraffic(): Traffic {
  return { heardAt: 0, owedSince: undefined, plainBytes: 0, watched: false };
}

/** Milliseconds until silence becomes suspicious; 0 or less when it is. */
export function silenceLeftMs({ heardAt, owedSince }: Traffic, now: number, { alertMs }: SilenceTiming): number {
  return Math.max(heardAt, owedSince ?? heardAt) + alertMs - now;
}

/** How long the pong of a suspected peer may take. */
export function suspectedPongMs({ plainBytes }: Traffic, { alertPongMs, pongMs }: SilenceTiming): number {
  return plainBytes > BULK_BYTES ? pongMs : alertPongMs;
}
