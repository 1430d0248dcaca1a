/**
 * From messages of one socket to batches of frames per stream: everything that arrives in one turn of the event loop
 * reaches a stream as one batch, handed over by a microtask (DESIGN §4). It decodes; it knows no stream.
 */
import type { Frame } from '../../proto/frame.js';
import { decodeFrame } from '../../proto/frame-codec.js';
import { FrameDecodeError } from '../../proto/frame-error.js';

export interface DemultiplexerListener {
  /** Frames of one stream in arrival order. */
  frames(streamId: string, frames: readonly Frame[]): void;
  /** A message that is no acceptable frame; the socket lives on. */
  rejected(error: FrameDecodeError): void;
}

export class Demultiplexer {
  readonly #listener: DemultiplexerListener;
  #batches = new Map<string, Frame[]>();
  #scheduled = false;

  constructor(listener: DemultiplexerListener) {
    this.#listener = listener;
  }

  receive(message: Uint8Array): void {
    let frame: Frame;
    try {
      frame = decodeFrame(message);
    } catch (error) {
      if (!(error instanceof FrameDecodeError)) throw error;
      // Frames of that stream that came before it are acted upon first.
      this.deliver();
      this.#listener.rejected(error);
      return;
    }
    const batch = this.#batches.get(frame.streamId);
    if (batch) batch.push(frame);
    else this.#batches.set(frame.streamId, [frame]);
    if (frame.body.kind === 'reset') {
      // What follows a reset belongs to no stream, or to a new one of the same name (relay.md §4.2.5).
      this.deliver();
      return;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.deliver());
  }

  /** Hands over what has been collected, now. */
  deliver(): void {
    this.#scheduled = false;
    const batches = this.#batches;
    if (batches.size === 0) return;
    this.#batches = new Map();
    for (const [streamId, frames] of batches) this.#listener.frames(streamId, frames);
  }

  /** Forgets what has been collected: its socket is gone and its streams have been told. */
  clear(): void {
    this.#batches.clear();
  }
}
