/**
 * One direction of a simulated socket: carries messages in order and late, or, while the adversary is at work, loses,
 * doubles, reorders and damages them. What falls due at one millisecond arrives as one batch, as from a real socket.
 * It never alters a message that still decodes afterwards, because over cleartext nobody could tell (DESIGN §5.1); only
 * where payloads are encrypted it alters those.
 */
import { decodeFrame } from '../../proto/frame-codec.js';
import { FrameDecodeError } from '../../proto/frame-error.js';
import { type RoutingHeader, readRoutingHeader } from '../../proto/routing-header.js';
import type { Random } from '../stand-ins/seeded-random.js';
import type { StepClock } from '../stand-ins/step-clock.js';

/** Probabilities from 0 to 1, each for every message. */
export interface LaneFaults {
  readonly drop: number;
  /** For frames that only acknowledge. */
  readonly dropAcks: number;
  readonly duplicate: number;
  /** Held up to `reorderMs` longer, while later ones overtake it. */
  readonly reorder: number;
  readonly reorderMs: number;
  /** Some bytes are overwritten. */
  readonly corrupt: number;
  /** The end is missing. */
  readonly truncate: number;
  /** Each message takes up to so much longer; order is kept. */
  readonly jitterMs: number;
}

export const noFaults: LaneFaults = {
  drop: 0,
  dropAcks: 0,
  duplicate: 0,
  reorder: 0,
  reorderMs: 0,
  corrupt: 0,
  truncate: 0,
  jitterMs: 0,
};

export interface LaneOptions {
  readonly clock: StepClock;
  readonly random: Random;
  readonly latencyMs: number;
  /** 0 takes everything at once. */
  readonly bytesPerMs: number;
  /** What arrives at one time, in order. */
  arrive(items: readonly LaneItem[]): void;
  /** Bytes have left for the network. */
  drained(): void;
  /** Payloads are encrypted, so that somebody notices when they are altered. */
  readonly sealed: boolean;
  /** A damaged message names this stream and is refused for its own faults: the stream may be reset. */
  damaged(streamId: string): void;
}

/** A message, or something the socket itself says; only messages meet faults. */
export type LaneItem = Uint8Array | 'ping' | 'pong' | 'close';

export class Lane {
  faults: LaneFaults = noFaults;
  /** Messages lost, doubled, delayed or damaged so far. */
  harmed = 0;
  /** Bytes that the network has not taken yet. */
  bufferedBytes = 0;
  readonly #options: LaneOptions;
  readonly #due = new Map<number, LaneItem[]>();
  readonly #timers = new Set<unknown>();
  /** While nothing comes through, what is not lost for good; undefined when all comes through. */
  #swallowed: LaneItem[] | undefined;
  #busyUntil = 0;
  #lastDue = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  send(item: LaneItem): void {
    const { clock, latencyMs, bytesPerMs } = this.#options;
    const now = clock.now();
    if (typeof item === 'string') {
      this.#carryInOrder(item, now + latencyMs);
      return;
    }
    this.#busyUntil = bytesPerMs === 0 ? now : Math.max(now, this.#busyUntil) + item.length / bytesPerMs;
    const taken = this.#busyUntil;
    if (taken > now) {
      this.bufferedBytes += item.length;
      this.#at(taken, () => {
        this.bufferedBytes -= item.length;
        this.#options.drained();
      });
    }
    this.#meetFaults(item, taken + latencyMs);
  }

  /**
   * Swallows everything from now on, what is under way as well, or carries again. What cannot be repeated is late then,
   * not lost: the carrier lives.
   */
  blackhole(swallowing: boolean): void {
    const late = this.#swallowed ?? [];
    this.#swallowed = swallowing ? late : undefined;
    if (!swallowing && late.length > 0) this.#options.arrive(late);
  }

  get isBlackholed(): boolean {
    return this.#swallowed !== undefined;
  }

  /** Forgets what is under way. */
  cut(): void {
    this.#swallowed?.splice(0);
    for (const timer of this.#timers) this.#options.clock.clearTimeout(timer);
    this.#timers.clear();
    this.#due.clear();
    this.bufferedBytes = 0;
  }

  #meetFaults(message: Uint8Array, due: number): void {
    const { random } = this.#options;
    const { faults } = this;
    if (faults === noFaults) {
      this.#carryInOrder(message, due);
      return;
    }
    // All are drawn for every message, so that one probability does not shift the luck of another.
    const luck = Array.from({ length: 7 }, random) as [number, number, number, number, number, number, number];
    const kind = kindOf(message);
    // A reset is said once, and a carrier that lives loses nothing: one that were lost would never be repaired.
    const mayBeLost = kind !== 'reset';
    const lost = luck[0] < faults.drop || (kind === 'ack' && luck[1] < faults.dropAcks);
    if (mayBeLost && lost) {
      this.harmed += 1;
      return;
    }
    let carried = message;
    const { sealed } = this.#options;
    if (mayBeLost && luck[2] < faults.corrupt) carried = this.#damage(message, overwrite(message, random, sealed));
    else if (mayBeLost && luck[2] < faults.corrupt + faults.truncate) {
      carried = this.#damage(message, message.subarray(0, Math.floor(random() * message.length)));
    }
    const arrival = due + Math.floor(luck[6] * faults.jitterMs);
    if (luck[3] < faults.duplicate) {
      this.harmed += 1;
      this.#carry(carried, arrival + Math.floor(luck[4] * (faults.reorderMs + 5)));
    }
    if (luck[5] < faults.reorder) {
      this.harmed += 1;
      this.#carry(carried, arrival + Math.floor(luck[4] * faults.reorderMs));
    } else this.#carryInOrder(carried, arrival);
  }

  /** The damaged message, unless it passes for a frame in which nobody can see it: then the one it was. */
  #damage(message: Uint8Array, damaged: Uint8Array): Uint8Array {
    try {
      const { streamId, ...rest } = decodeFrame(damaged);
      const isSealed = this.#options.sealed && 'payload' in rest.body && sameButForPayload(message, damaged);
      if (!isSealed) return message;
      this.harmed += 1;
      this.#options.damaged(streamId);
      return damaged;
    } catch (error) {
      this.harmed += 1;
      if (error instanceof FrameDecodeError && error.streamId !== undefined) this.#options.damaged(error.streamId);
      return damaged;
    }
  }

  #carryInOrder(item: LaneItem, due: number): void {
    this.#lastDue = Math.max(this.#lastDue, Math.ceil(due));
    this.#carry(item, this.#lastDue);
  }

  #carry(item: LaneItem, due: number): void {
    const at = Math.ceil(due);
    const others = this.#due.get(at);
    if (others !== undefined) {
      others.push(item);
      return;
    }
    this.#due.set(at, [item]);
    this.#at(at, () => {
      const items = this.#due.get(at) ?? [];
      this.#due.delete(at);
      if (this.#swallowed === undefined) {
        this.#options.arrive(items);
        return;
      }
      this.harmed += items.length;
      this.#swallowed.push(...items.filter((item) => typeof item === 'string' || kindOf(item) === 'reset'));
    });
  }

  #at(time: number, action: () => void): void {
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, time - clock.now());
    this.#timers.add(timer);
  }
}

function kindOf(message: Uint8Array): RoutingHeader['body'] | undefined {
  try {
    return readRoutingHeader(Buffer.from(message.buffer, message.byteOffset, message.length)).body;
  } catch {
    return undefined;
  }
}

function sameButForPayload(one: Uint8Array, other: Uint8Array): boolean {
  const clear = (message: Uint8Array) => {
    const { body, ...rest } = decodeFrame(message);
    const length = 'payload' in body ? body.payload.length : 0;
    return JSON.stringify([rest, { ...body, payload: length }]);
  };
  return clear(one) === clear(other);
}

function overwrite(message: Uint8Array, random: Random, anywhere: boolean): Uint8Array {
  const damaged = Uint8Array.from(message);
  const end = anywhere ? damaged.length : Math.min(damaged.length, 64);
  for (let count = 1 + Math.floor(random() * 8); count > 0; count -= 1) {
    // Where the header is: damage to a payload shows in nothing.
    damaged[Math.floor(random() * end)] = Math.floor(random() * 256);
  }
  return damaged;
}
