/**
 * The order in which the frames of many streams leave through one socket: deficit round robin by bytes, control frames
 * first (DESIGN §5.3). A mutable queue of values; it neither encodes nor sends, and it bounds nothing by itself:
 * streams are told how much of theirs waits and stop their sources.
 */
import type { Frame } from '../../proto/frame.js';

/** Bytes a stream may send each turn: one full segment and its header. */
const QUANTUM = 64 * 1024;
/** Bytes a frame takes beside its payload, about; keeps empty frames from being free. */
const FRAME_OVERHEAD = 64;

interface Lane {
  readonly streamId: string;
  readonly frames: Frame[];
  /** Index of the next frame to leave; what lies before it has left. */
  head: number;
  bytes: number;
  deficit: number;
}

export class FairQueue {
  /** Keyed by stream and kind, so that a newer acknowledgement takes the place of one that still waits. */
  readonly #control = new Map<string, Frame>();
  readonly #lanes = new Map<string, Lane>();
  /** Lanes with frames, in the order of their turns. */
  #turns: Lane[] = [];
  #bytes = 0;

  /** Bytes that wait, over all streams. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#control.size === 0 && this.#turns.length === 0;
  }

  /** Bytes of one stream that wait here. */
  bytesOf(streamId: string): number {
    return this.#lanes.get(streamId)?.bytes ?? 0;
  }

  push(frame: Frame): void {
    const { kind } = frame.body;
    if (kind === 'ack' || kind === 'resume' || kind === 'heartbeat') {
      this.#control.set(`${kind} ${frame.streamId}`, frame);
      return;
    }
    const size = sizeOf(frame);
    let lane = this.#lanes.get(frame.streamId);
    if (lane === undefined) {
      lane = { streamId: frame.streamId, frames: [], head: 0, bytes: 0, deficit: 0 };
      this.#lanes.set(frame.streamId, lane);
      this.#turns.push(lane);
    }
    lane.frames.push(frame);
    lane.bytes += size;
    this.#bytes += size;
  }

  /** A frame sent again is pointless while its first copy still waits here. */
  pushAgain(frame: Frame): void {
    const lane = this.#lanes.get(frame.streamId);
    const { body } = frame;
    if (lane !== undefined && body.kind === 'data') {
      for (let index = lane.head; index < lane.frames.length; index += 1) {
        const waiting = lane.frames[index]?.body;
        if (waiting?.kind === 'data' && waiting.seq === body.seq) return;
      }
    }
    this.push(frame);
  }

  /** The frame whose turn it is, removed; undefined when nothing waits. */
  next(): Frame | undefined {
    for (const [key, frame] of this.#control) {
      this.#control.delete(key);
      return frame;
    }
    for (;;) {
      const lane = this.#turns[0];
      if (lane === undefined) return undefined;
      const frame = lane.frames[lane.head] as Frame;
      const size = sizeOf(frame);
      if (size > lane.deficit && this.#turns.length > 1) {
        lane.deficit += QUANTUM;
        this.#turns.push(this.#turns.shift() as Lane);
        continue;
      }
      lane.deficit = Math.max(0, lane.deficit - size);
      this.#take(lane, size);
      return frame;
    }
  }

  clear(): void {
    this.#control.clear();
    this.#lanes.clear();
    this.#turns = [];
    this.#bytes = 0;
  }

  #take(lane: Lane, size: number): void {
    lane.head += 1;
    lane.bytes -= size;
    this.#bytes -= size;
    if (lane.head === lane.frames.length) {
      this.#lanes.delete(lane.streamId);
      this.#turns.shift();
    } else if (lane.head >= 64) {
      lane.frames.splice(0, lane.head);
      lane.head = 0;
    }
  }
}

function sizeOf({ body }: Frame): number {
  return body.kind === 'data' || body.kind === 'handshake' ? body.payload.length + FRAME_OVERHEAD : FRAME_OVERHEAD;
}
