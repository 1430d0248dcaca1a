/**
 * The newest bytes of an endless sequence, in one buffer that is written round and round: keeping output this way leaves
 * nothing to collect. It knows neither chunks nor limits; what must not be overwritten is told by who writes.
 */

/** Bytes of room to begin with; doubled as needed. */
const FIRST_ROOM_BYTES = 4 * 1024;

export class ByteRing {
  readonly #usualRoom: number;
  #room = new Uint8Array(0);
  #end = 0;

  /** `usualRoom` bytes are enough but for single writes that are larger: doubling ends there. */
  constructor(usualRoom: number) {
    this.#usualRoom = usualRoom;
  }

  /** Bytes of memory. */
  get room(): number {
    return this.#room.length;
  }

  /** Position behind the last byte, counted from the first ever written. */
  get end(): number {
    return this.#end;
  }

  /** Appends; the bytes from position `keepFrom` on stay readable. */
  write(bytes: Uint8Array, keepFrom: number): void {
    const size = this.#end + bytes.byteLength - keepFrom;
    if (size > this.#room.length) {
      const doubled = Math.max(FIRST_ROOM_BYTES, 2 * this.#room.length);
      this.#move(Math.max(size, Math.min(doubled, this.#usualRoom)), keepFrom);
    }
    put(this.#room, bytes, this.#end);
    this.#end += bytes.byteLength;
  }

  /** A copy of the bytes from position `start` to before `end`, which must not have been overwritten. */
  read(start: number, end: number): Uint8Array {
    const bytes = new Uint8Array(end - start);
    if (bytes.length === 0) return bytes;
    const from = start % this.#room.length;
    const first = Math.min(bytes.length, this.#room.length - from);
    bytes.set(this.#room.subarray(from, from + first));
    if (first < bytes.length) bytes.set(this.#room.subarray(0, bytes.length - first), first);
    return bytes;
  }

  /** Gives back all memory but that of the bytes from position `keepFrom` on. */
  trim(keepFrom: number): void {
    this.#move(this.#end - keepFrom, keepFrom);
  }

  #move(size: number, keepFrom: number): void {
    const room = new Uint8Array(size);
    put(room, this.read(Math.min(keepFrom, this.#end), this.#end), keepFrom);
    this.#room = room;
  }
}

/** Writes bytes at a position of the sequence, of which `room` holds as many as it is long. */
function put(room: Uint8Array, bytes: Uint8Array, position: number): void {
  if (bytes.length === 0) return;
  const at = position % room.length;
  const first = Math.min(bytes.length, room.length - at);
  room.set(bytes.subarray(0, first), at);
  if (first < bytes.length) room.set(bytes.subarray(first), 0);
}
