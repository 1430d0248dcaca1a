/**
 * What the frames that one end of a stream has sent were good for.
 */
import type { Frame } from '../../proto/frame.js';

/** The first three add up to all frames, but for greetings and farewells. */
export interface FrameTally {
  /** Segments sent for the first time. */
  readonly needed: number;
  /** Segments that had been sent before: the extra ones. */
  readonly again: number;
  /** Frames that carry nothing but an acknowledgement. */
  readonly acksAlone: number;
}

interface Sent extends Pick<Frame, 'streamId'> {
  readonly kind: Frame['body']['kind'];
  readonly seq?: number;
}

/** Frames of one direction, of any number of streams. */
export function tally(frames: readonly Sent[]): FrameTally {
  const seen = new Set<string>();
  let [again, acksAlone] = [0, 0];
  for (const { streamId, kind, seq } of frames) {
    if (kind === 'ack') acksAlone += 1;
    if (kind !== 'data') continue;
    const segment = `${streamId} ${seq}`;
    if (seen.has(segment)) again += 1;
    seen.add(segment);
  }
  return { needed: seen.size, again, acksAlone };
}

/** The same of frames that were kept whole. */
export function tallyFrames(frames: readonly Frame[]): FrameTally {
  return tally(
    frames.map(({ streamId, body }) => ({
      streamId,
      kind: body.kind,
      ...(body.kind === 'data' ? { seq: body.seq } : {}),
    })),
  );
}

export function sum(one: FrameTally, other: FrameTally): FrameTally {
  return {
    needed: one.needed + other.needed,
    again: one.again + other.again,
    acksAlone: one.acksAlone + other.acksAlone,
  };
}
