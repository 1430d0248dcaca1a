/**
 * Frames of a recording that arrived and that no event has brought to an actor yet. They stand before it in batches, as
 * they came from the socket.
 */
import type { Frame } from '../../proto/frame.js';
import type { FrameRecord } from '../observe/record.js';
import { frameOf, ImpossibleRecord } from './recorded-event.js';

interface Batch {
  readonly endpoint: number;
  readonly frames: Frame[];
  /** Frames that were shown to the connection, one an event, because nobody served their stream. */
  shown: number;
  /** An event has brought some of it: what comes now is another one. */
  isBrought: boolean;
}

export class Arrivals {
  readonly #batches = new Map<string, Batch>();
  #opening: { readonly frame: Frame; readonly endpoint: number } | undefined;

  /** The frame by which the newest `stream.arrived` asked for a stream. */
  get opening(): { readonly frame: Frame; readonly endpoint: number } | undefined {
    return this.#opening;
  }

  add(record: FrameRecord): void {
    const frame = frameOf(record);
    const batch = this.#batches.get(record.stream);
    if (batch !== undefined && !batch.isBrought) batch.frames.push(frame);
    else {
      const { endpoint, stream } = record;
      this.#batches.set(stream, { endpoint, frames: [frame], shown: 0, isBrought: false });
    }
  }

  /** The newest frames of a stream, so many. */
  batch(stream: string, count: number): readonly Frame[] {
    const batch = this.#batches.get(stream);
    if (batch === undefined || batch.frames.length < count) {
      throw new ImpossibleRecord(`an event brings ${count} frames, and ${batch?.frames.length ?? 0} arrived`);
    }
    batch.isBrought = true;
    return batch.frames.slice(batch.frames.length - count);
  }

  /** The next one of a stream that nobody serves. */
  first(stream: string): Frame {
    const batch = this.#batches.get(stream);
    const frame = batch?.frames[batch.shown];
    if (batch === undefined || frame === undefined) throw new ImpossibleRecord('a stream that no frame asked for');
    batch.shown += 1;
    batch.isBrought = true;
    this.#opening = { frame, endpoint: batch.endpoint };
    return frame;
  }
}
