/**
 * The way from one socket to the router, when faults are asked for: loses, doubles, reorders and delays what came in,
 * and cuts the socket. It never alters a message, and harms only what the ends can repair (the router says what that
 * is). Time and chance are given to it; what it holds is bounded by not being read from.
 */
import type { Clock } from '../../machines/clock.js';
import { FrameDecodeError } from '../../proto/frame-error.js';
import { type RoutingHeader, readRoutingHeader } from '../../proto/routing-header.js';
import type { Faults } from './faults.js';
import type { Random } from './seeded-random.js';

const MIB = 1024 * 1024;

/** The share of frames that are overtaken, where any may be. */
const OVERTAKEN_SHARE = 0.2;

/** A frame that is to be overtaken goes on after so long when too few follow it. */
const LONGEST_WAIT_MS = 20;

/** More under way than this, and the socket is not read from. One message may pass the bound by its size. */
const DEFAULT_BOUNDS: LineBounds = { bytes: 8 * MIB, messages: 8192 };

/** A message this small is copied when it must wait: it may be a view that keeps a whole read (64 KiB) alive. */
const COPY_BELOW_BYTES = 16 * 1024;

interface LineBounds {
  readonly bytes: number;
  readonly messages: number;
}

/** What lies at the two ends of a line. */
interface LinePort {
  /** A message has arrived. */
  deliver(message: Buffer, isBinary: boolean): void;
  /** Whether both ends of the stream would get over a lost frame. */
  isRepairable(streamId: string): boolean;
  /** Whether anything is to be read from the socket. */
  read(reading: boolean): void;
  /** Whether cutting the socket shows anything: it carries streams, and none of them is only being opened. */
  isInUse(): boolean;
  /** Ends the socket at once, as a network does. */
  cut(): void;
}

interface FaultyLineOptions {
  readonly faults: Faults;
  readonly clock: Clock;
  readonly random: Random;
  readonly port: LinePort;
  /** Of what may be under way; half of both lets the socket be read again. */
  readonly bounds?: LineBounds;
}

interface Message {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** Waits until `passing` more frames of its stream have come. */
interface Overtaken {
  readonly message: Message;
  readonly streamId: string;
  readonly timer: unknown;
  passing: number;
}

export class FaultyLine {
  readonly #faults: Faults;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #port: LinePort;
  readonly #bounds: LineBounds;
  /** In the order they came. */
  readonly #overtaken = new Set<Overtaken>();
  /** Under way, in the order they arrive. */
  readonly #underWay: { readonly message: Message; readonly due: number }[] = [];
  #timer: unknown;
  #cutTimer: unknown;
  #bytes = 0;
  #isReading = true;
  #isOver = false;

  constructor({ faults, clock, random, port, bounds = DEFAULT_BOUNDS }: FaultyLineOptions) {
    this.#faults = faults;
    this.#clock = clock;
    this.#random = random;
    this.#port = port;
    this.#bounds = bounds;
    if (faults.cutMs > 0) this.#armCut();
  }

  /** A message came from the socket. */
  offer(data: Buffer, isBinary: boolean): void {
    if (this.#isOver) return;
    const message: Message = { data, isBinary };
    const header = this.#harmableHeader(message);
    if (header === undefined) {
      this.#start(message);
    } else {
      const { drop, duplicate } = this.#faults;
      // All is drawn for every frame, so that one probability does not shift the luck of another.
      const isDropped = this.#random() < drop;
      const isDoubled = this.#random() < duplicate;
      const fates = [this.#drawPassing(), this.#drawPassing()] as const;
      if (!isDropped) this.#enter(message, header.streamId, fates[0]);
      if (!isDropped && isDoubled) this.#enter(message, header.streamId, fates[1]);
      this.#letPass(header.streamId);
    }
    this.#readAsRoomAllows();
  }

  /** The socket ended in good order: what is under way arrives at once, and nothing after it. */
  finish(): void {
    const arriving = [...this.#underWay, ...this.#overtaken].map(({ message }) => message);
    this.cut();
    for (const { data, isBinary } of arriving) this.#port.deliver(data, isBinary);
  }

  /** What is under way is lost, and nothing is taken any more. */
  cut(): void {
    this.#isOver = true;
    for (const { timer } of this.#overtaken) this.#clock.clearTimeout(timer);
    for (const timer of [this.#timer, this.#cutTimer]) if (timer !== undefined) this.#clock.clearTimeout(timer);
    this.#overtaken.clear();
    this.#underWay.length = 0;
    this.#bytes = 0;
  }

  #armCut(): void {
    const life = this.#faults.cutMs * (0.5 + this.#random());
    this.#cutTimer = this.#clock.setTimeout(() => {
      if (!this.#port.isInUse()) {
        this.#armCut();
        return;
      }
      this.cut();
      this.#port.cut();
    }, life);
  }

  /**
   * Undefined for what must arrive once and in its place: a lost reset would leave its stream open at one end, a resume
   * tells the router itself where the stream goes on, to which no real network brings it late, and a handshake has no
   * number by which its loss could be noticed.
   */
  #harmableHeader({ data, isBinary }: Message): RoutingHeader | undefined {
    if (!isBinary) return undefined;
    try {
      const header = readRoutingHeader(data);
      if (header.body === 'reset' || header.body === 'resume' || header.body === 'handshake') return undefined;
      return this.#port.isRepairable(header.streamId) ? header : undefined;
    } catch (error) {
      if (error instanceof FrameDecodeError) return undefined;
      throw error;
    }
  }

  /** How many frames are to overtake the next one. */
  #drawPassing(): number {
    const [luck, places] = [this.#random(), this.#random()];
    return luck < OVERTAKEN_SHARE ? Math.min(this.#faults.reorder, 1 + Math.floor(places * this.#faults.reorder)) : 0;
  }

  #enter(message: Message, streamId: string, passing: number): void {
    if (passing === 0) {
      this.#start(message);
      return;
    }
    if (this.#isOver) return;
    const own = ownCopy(message);
    const overtaken: Overtaken = {
      message: own,
      streamId,
      // The frame itself is the first that comes.
      passing: passing + 1,
      timer: this.#clock.setTimeout(() => this.#release(overtaken), LONGEST_WAIT_MS),
    };
    this.#bytes += own.data.length;
    this.#overtaken.add(overtaken);
  }

  #letPass(streamId: string): void {
    for (const overtaken of this.#overtaken) {
      if (overtaken.streamId !== streamId) continue;
      overtaken.passing -= 1;
      if (overtaken.passing === 0) this.#release(overtaken);
    }
  }

  #release(overtaken: Overtaken): void {
    this.#overtaken.delete(overtaken);
    this.#clock.clearTimeout(overtaken.timer);
    this.#bytes -= overtaken.message.data.length;
    this.#start(overtaken.message);
    this.#readAsRoomAllows();
  }

  /** Sends it on its way, behind all that is under way already. */
  #start(message: Message): void {
    // What was delivered before it, in this very call, may have ended the line.
    if (this.#isOver) return;
    const { delayMs, delaySpreadMs } = this.#faults;
    if (delayMs + delaySpreadMs === 0) {
      this.#port.deliver(message.data, message.isBinary);
      return;
    }
    const delay = Math.max(0, delayMs + delaySpreadMs * (2 * this.#random() - 1));
    const due = Math.max(this.#underWay.at(-1)?.due ?? 0, this.#clock.now() + delay);
    const own = ownCopy(message);
    this.#bytes += own.data.length;
    this.#underWay.push({ message: own, due });
    if (this.#underWay.length === 1) this.#arm(due);
  }

  #arm(due: number): void {
    this.#timer = this.#clock.setTimeout(() => this.#arrive(), Math.max(0, due - this.#clock.now()));
  }

  #arrive(): void {
    const now = this.#clock.now();
    const firstLater = this.#underWay.findIndex(({ due }) => due > now);
    const arriving = this.#underWay.splice(0, firstLater === -1 ? this.#underWay.length : firstLater);
    const next = this.#underWay[0];
    if (next !== undefined) this.#arm(next.due);
    for (const { message } of arriving) {
      if (this.#isOver) return;
      this.#bytes -= message.data.length;
      this.#port.deliver(message.data, message.isBinary);
    }
    this.#readAsRoomAllows();
  }

  #readAsRoomAllows(): void {
    if (this.#isOver) return;
    const share = this.#isReading ? 1 : 0.5;
    const messages = this.#underWay.length + this.#overtaken.size;
    const hasRoom = this.#bytes <= this.#bounds.bytes * share && messages <= this.#bounds.messages * share;
    if (hasRoom === this.#isReading) return;
    this.#isReading = hasRoom;
    this.#port.read(hasRoom);
  }
}

function ownCopy({ data, isBinary }: Message): Message {
  return { data: data.length < COPY_BELOW_BYTES ? Buffer.from(data) : data, isBinary };
}
