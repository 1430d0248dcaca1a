/**
 * Buffers for large messages, used again and again: for V8 each buffer outside its heap is a reason to collect the whole
 * heap, and a large reply or a chunk of output would otherwise leave several behind.
 * A room that is never given back is collected like any other buffer; one that is, must not be touched any more.
 */

/** Smaller messages are left to the collector, in bytes. */
const SMALLEST_ROOM_BYTES = 16 * 1024;
/** Larger messages are rare, in bytes. */
const LARGEST_ROOM_BYTES = 2 * 1024 * 1024;
/** Bytes of free rooms kept for the next message. */
const MOST_FREE_BYTES = 8 * 1024 * 1024;
/** Rooms that nobody asked for so long are let go. */
const IDLE_MS = 5000;

export class MessageRooms {
  /** Free rooms by their length, a power of two. */
  readonly #free = new Map<number, Buffer[]>();
  /** The room of each message that is out. */
  readonly #lent = new WeakMap<Uint8Array, Buffer>();
  #freeBytes = 0;
  #usedLately = false;
  #timer: NodeJS.Timeout | undefined;

  /** A buffer of exactly `size` bytes with anything in it. */
  take(size: number): Buffer {
    if (size < SMALLEST_ROOM_BYTES || size > LARGEST_ROOM_BYTES) return Buffer.allocUnsafe(size);
    const length = 2 ** Math.ceil(Math.log2(size));
    const kept = this.#free.get(length)?.pop();
    if (kept !== undefined) this.#freeBytes -= length;
    this.#usedLately = true;
    const room = kept ?? Buffer.allocUnsafeSlow(length);
    const message = room.subarray(0, size);
    this.#lent.set(message, room);
    return message;
  }

  /** The bytes have been copied, or have left. Does nothing with what `take` did not return. */
  give(message: Uint8Array): void {
    const room = this.#lent.get(message);
    if (room === undefined) return;
    this.#lent.delete(message);
    if (this.#freeBytes + room.length > MOST_FREE_BYTES) return;
    const free = this.#free.get(room.length);
    if (free === undefined) this.#free.set(room.length, [room]);
    else free.push(room);
    this.#freeBytes += room.length;
    this.#timer ??= setInterval(() => this.#tidy(), IDLE_MS).unref();
  }

  #tidy(): void {
    if (this.#usedLately) {
      this.#usedLately = false;
      return;
    }
    this.#free.clear();
    this.#freeBytes = 0;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Those of this process. */
export const messageRooms = new MessageRooms();
