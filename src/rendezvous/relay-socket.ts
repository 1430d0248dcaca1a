/**
 * One WebSocket of the rendezvous, as its router sees it: forwards whole messages in order, writes once a tick, and
 * never holds more than a bound. When too much waits for a socket, whoever sends to it is no longer read from until it
 * has drained. It drops nothing and knows nothing of streams.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { TickCork } from '../carrier/tick-cork.js';
import type { RendezvousLimits } from './rendezvous-limits.js';

type RelaySocketLimits = Pick<RendezvousLimits, 'pauseAboveBytes' | 'resumeBelowBytes' | 'stuckAfterMs'>;

interface RelaySocketEvents {
  onMessage(data: Buffer, isBinary: boolean): void;
  /** What waited for this socket did not drain in time, and others are held up by it. */
  onStuck(): void;
  /** The socket is gone. Called once. */
  onClosed(code: number): void;
}

interface RelaySocketOptions {
  readonly limits: RelaySocketLimits;
  /**
   * Whether it may be stuck for as long as it is held itself. True for the executor: it may have stopped reading only
   * because a slow harness keeps it from being read. Never for both ends, or two could excuse each other for ever.
   */
  readonly excusedWhileHeld: boolean;
  readonly events: RelaySocketEvents;
}

/** A frame this small is copied when it must wait: it may be a view that keeps a whole read (64 KiB) alive. */
const COPY_BELOW_BYTES = 16 * 1024;

/** Output above this that moved since the last ping proves a living peer; a ping of ours in the kernel does not. */
const PROOF_BYTES = 1024;

/** Looks without a sign of life after which a peer that owes one is pinged, and those after which it is given up. */
const LOOKS_BEFORE_PING = 1;
const LOOKS_BEFORE_END = 4;

/** Where a socket stands, to tell a slow peer from one that is gone or takes nothing. */
interface Progress {
  readonly received: number;
  /** By the kernel, of what was sent. */
  readonly taken: number;
  readonly waiting: number;
}

export class RelaySocket {
  readonly #ws: WebSocket;
  readonly #tcp: Socket;
  readonly #limits: RelaySocketLimits;
  readonly #excusedWhileHeld: boolean;
  /** Sockets not read from because too much waits for this one. */
  readonly #held = new Set<RelaySocket>();
  /** Sockets for which this one is not read from. */
  readonly #heldFor = new Set<RelaySocket>();
  /** Whoever takes its messages has enough for now. */
  #isRefused = false;
  readonly #onStuck: () => void;
  readonly #cork: TickCork;
  #stuckTimer: NodeJS.Timeout | undefined;
  #lastSeen: Progress;
  #silentPings = 0;
  /** Something was sent that its peer answers, and no whole message came since. */
  #isOwed = false;
  #receivedAtLastLook = 0;
  #silentLooks = 0;

  constructor(ws: WebSocket, tcp: Socket, options: RelaySocketOptions) {
    const { limits, excusedWhileHeld, events } = options;
    this.#ws = ws;
    this.#tcp = tcp;
    this.#cork = new TickCork(tcp);
    this.#limits = limits;
    this.#excusedWhileHeld = excusedWhileHeld;
    this.#onStuck = () => events.onStuck();
    this.#lastSeen = this.#progress();
    ws.on('message', (data, isBinary) => {
      this.#isOwed = false;
      events.onMessage(data as Buffer, isBinary);
    });
    ws.on('pong', () => {
      this.#isOwed = false;
    });
    // A close always follows, with the code; an error without a listener would end the process.
    ws.on('error', () => {});
    ws.on('close', (code) => {
      this.#releaseHeld();
      this.#leaveHolders();
      events.onClosed(code);
    });
  }

  get isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  /**
   * Sends one binary message; `sender`, whose message it is or whose message it answers, is held when too much waits
   * here. With `isAnswered`, its peer acknowledges it within moments. Does nothing once the socket is closing.
   */
  send(message: Buffer, sender?: RelaySocket, isAnswered = false): void {
    if (!this.isOpen) return;
    if (isAnswered) this.#isOwed = true;
    const before = this.#ws.bufferedAmount;
    const after = before + message.length;
    this.#cork.beforeWrite();
    if (after <= this.#limits.resumeBelowBytes) {
      this.#ws.send(message, BINARY);
      return;
    }
    const mustWait = before > this.#limits.resumeBelowBytes;
    const own = mustWait && message.length < COPY_BELOW_BYTES ? Buffer.from(message) : message;
    this.#ws.send(own, BINARY, this.#onWritten);
    if (sender !== undefined && after > this.#limits.pauseAboveBytes) this.#hold(sender);
  }

  /** Whether its messages are wanted; while they are not, nothing is read from it. */
  read(reading: boolean): void {
    // A closing one is read from until its goodbye is answered.
    if (!this.isOpen) return;
    this.#isRefused = !reading;
    if (reading) this.#readAgain();
    else this.#ws.pause();
  }

  /** Pings; cuts the socket off instead when the two pings before brought no sign of life. */
  ping(): void {
    if (!this.isOpen) return;
    const last = this.#lastSeen;
    const now = this.#progress();
    const taking = last.waiting > PROOF_BYTES && now.taken !== last.taken;
    // What a held peer answers waits unread in the kernel.
    const lives = now.received !== last.received || taking || this.#isHeld();
    this.#silentPings = lives ? 0 : this.#silentPings + 1;
    if (this.#silentPings === 2) {
      this.#ws.terminate();
      return;
    }
    this.#ws.ping();
    this.#lastSeen = this.#progress();
  }

  /** Asked again and again, far more often than pings go out: a peer that owes an answer must not be waited for long. */
  look(): void {
    const { bytesRead } = this.#tcp;
    const isSilent = this.#isOwed && bytesRead === this.#receivedAtLastLook && !this.#isHeld();
    this.#receivedAtLastLook = bytesRead;
    this.#silentLooks = isSilent && this.isOpen ? this.#silentLooks + 1 : 0;
    if (this.#silentLooks === LOOKS_BEFORE_PING) this.#ws.ping();
    if (this.#silentLooks === LOOKS_BEFORE_END) this.#ws.terminate();
  }

  /** Says goodbye behind what already waits; a peer that does not answer is cut off by the close timeout. */
  close(code: number, reason: string): void {
    // A socket that is not read from would never see the peer's answer.
    this.#leaveHolders();
    this.#releaseHeld();
    this.#ws.close(code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }

  #hold(sender: RelaySocket): void {
    if (this.#held.has(sender)) return;
    if (this.#held.size === 0) this.#watch();
    this.#held.add(sender);
    sender.#heldFor.add(this);
    sender.#ws.pause();
  }

  readonly #onWritten = (): void => {
    if (this.#held.size > 0 && this.#ws.bufferedAmount < this.#limits.resumeBelowBytes) this.#releaseHeld();
  };

  #releaseHeld(): void {
    clearTimeout(this.#stuckTimer);
    for (const sender of this.#held) sender.#releasedBy(this);
    this.#held.clear();
  }

  #isHeld(): boolean {
    return this.#isRefused || this.#heldFor.size > 0;
  }

  #releasedBy(destination: RelaySocket): void {
    this.#heldFor.delete(destination);
    this.#readAgain();
  }

  #readAgain(): void {
    if (this.#isHeld()) return;
    this.#ws.resume();
    // Its peer could take nothing while it could say nothing: its time starts anew.
    if (this.#excusedWhileHeld && this.#held.size > 0) this.#watch();
  }

  #leaveHolders(): void {
    for (const destination of this.#heldFor) {
      destination.#held.delete(this);
      if (destination.#held.size === 0) clearTimeout(destination.#stuckTimer);
    }
    this.#heldFor.clear();
    this.#isRefused = false;
    this.#ws.resume();
  }

  /** A slow reader of a large message is left alone; one that holds others up and takes next to nothing is not. */
  #watch(): void {
    const before = this.#progress();
    clearTimeout(this.#stuckTimer);
    this.#stuckTimer = setTimeout(() => {
      const taken = this.#progress().taken - before.taken;
      const excused = this.#excusedWhileHeld && this.#isHeld();
      if (excused || taken >= this.#limits.resumeBelowBytes) this.#watch();
      else this.#onStuck();
    }, this.#limits.stuckAfterMs);
  }

  #progress(): Progress {
    const handle = (this.#tcp as SocketWithHandle)._handle;
    return {
      received: this.#tcp.bytesRead,
      taken: handle == null ? 0 : handle.bytesWritten - handle.writeQueueSize,
      waiting: this.#tcp.writableLength,
    };
  }
}

const BINARY = { binary: true, compress: false, fin: true };

/**
 * The public counters see a write only when all of it is done, and a message may have 64 MiB. Node's own socket
 * timeouts look at these members for the same reason.
 */
type SocketWithHandle = Socket & {
  readonly _handle?: { readonly bytesWritten: number; readonly writeQueueSize: number } | null;
};
