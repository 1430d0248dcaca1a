/**
 * The only writer of a socket: takes frames of all streams, lets them leave in fair order, and hands the socket no more
 * than it can soon send (DESIGN §5.3). It encodes; it decides nothing about streams.
 */

import { FairQueue } from '../../machines/protocol/fair-queue.js';
import { type Frame, isReliable } from '../../proto/frame.js';
import { encodeFrame } from '../../proto/frame-codec.js';
import type { Limits } from '../../proto/limits.js';
import { messageRooms } from '../rpc/message-rooms.js';
import type { FrameSink } from './frame-sink.js';

export interface FrameWriterListener {
  /** Frames of these streams have left since the last call, so less of theirs waits. */
  left(streamIds: ReadonlySet<string>): void;
  /** A frame could not be encoded: a defect of this end, on that stream. */
  unsendable(frame: Frame, cause: unknown): void;
}

const allocate = (size: number) => messageRooms.take(size);

export class FrameWriter {
  readonly #queue = new FairQueue();
  readonly #socketBytes: number;
  readonly #listener: FrameWriterListener;
  #sink: FrameSink | undefined;
  constructor(limits: Pick<Limits, 'socketBytes'>, listener: FrameWriterListener) {
    this.#socketBytes = limits.socketBytes;
    this.#listener = listener;
  }

  /** A new socket; what waited for the last one has been dropped by `detach`. */
  attach(sink: FrameSink): void {
    this.#sink = sink;
    sink.onDrained(() => this.#pump());
    this.#pump();
  }

  /** The socket is gone, and with it everything that waited for it. */
  detach(): void {
    this.#sink = undefined;
    this.#queue.clear();
  }

  get isIdle(): boolean {
    return this.#queue.isEmpty;
  }

  /** Bytes of one stream that wait for the socket. */
  bytesOf(streamId: string): number {
    return this.#queue.bytesOf(streamId);
  }

  write(frames: readonly Frame[]): void {
    if (this.#sink === undefined) return;
    for (const frame of frames) this.#queue.push(frame);
    this.#pump();
  }

  writeAgain(frames: readonly Frame[]): void {
    if (this.#sink === undefined) return;
    for (const frame of frames) this.#queue.pushAgain(frame);
    this.#pump();
  }

  #pump(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    const left = new Set<string>();
    while (sink.bufferedBytes < this.#socketBytes) {
      const frame = this.#queue.next();
      if (frame === undefined) break;
      left.add(frame.streamId);
      let message: Uint8Array;
      try {
        message = sink.copies ? encodeFrame(frame, allocate) : encodeFrame(frame);
      } catch (cause) {
        this.#listener.unsendable(frame, cause);
        continue;
      }
      sink.send(message);
      if (!sink.copies) continue;
      messageRooms.give(message);
      // A reliable stream may have to send it again.
      if (frame.body.kind === 'data' && !isReliable(frame)) messageRooms.give(frame.body.payload);
    }
    if (left.size > 0) this.#listener.left(left);
  }
}
