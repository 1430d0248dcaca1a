/**
 * One simulated socket between a machine and the rendezvous: two lanes, and what each side knows of whether it still
 * exists. The machine's side is what production code gets instead of a WebSocket.
 */
import type { Carrier, CarrierListener } from '../../src/carrier/carrier.js';
import type { Random } from '../stand-ins/seeded-random.js';
import type { StepClock } from '../stand-ins/step-clock.js';
import { Lane, type LaneItem } from './lane.js';
import { ENDLESS } from './scenario.js';

/** How long the rendezvous takes to find out that a peer is gone which said nothing: two of its pings. */
const SILENCE_MS = 40_000;

/** What lies around a wire: the machine that dialled it, and the rendezvous. */
export interface WireEnds {
  readonly clock: StepClock;
  readonly random: Random;
  readonly latencyMs: number;
  /** Whether payloads are encrypted. */
  readonly sealed: boolean;
  /** From the machine to the rendezvous. */
  readonly bytesPerMs: number;
  /** Runs at once, or when the machine is no longer stopped. */
  onMachine(action: () => void): void;
  /** A message is about to be handed to the rendezvous, or to the machine. */
  sent(message: Uint8Array): void;
  arrived(message: Uint8Array): void;
  damaged(streamId: string): void;
  /** The rendezvous got messages, and has lost the socket. */
  onRendezvous(message: Uint8Array): void;
  rendezvousLost(): void;
  /** The machine's side is gone, whatever the reason. Called once. */
  machineLost(): void;
}

export class Wire implements Carrier {
  readonly up: Lane;
  readonly down: Lane;
  readonly #ends: WireEnds;
  readonly #listener: CarrierListener;
  #machine: 'opening' | 'open' | 'gone' = 'opening';
  #rendezvous: 'open' | 'gone' = 'open';
  #reading = true;
  #unread: LaneItem[] = [];
  #drained: () => void = () => {};
  #awaitingPong = false;
  #broken = false;

  constructor(ends: WireEnds, listener: CarrierListener) {
    this.#ends = ends;
    this.#listener = listener;
    const { clock, random, latencyMs, sealed } = ends;
    const damaged = (streamId: string) => ends.damaged(streamId);
    const lane = { clock, random, latencyMs, sealed, damaged };
    this.up = new Lane({
      ...lane,
      bytesPerMs: ends.bytesPerMs,
      arrive: (items) => this.#arriveAtRendezvous(items),
      drained: () => ends.onMachine(() => this.#drained()),
    });
    this.down = new Lane({
      ...lane,
      bytesPerMs: ENDLESS,
      arrive: (items) => ends.onMachine(() => this.#arriveAtMachine(items)),
      drained: () => {},
    });
  }

  get isOpen(): boolean {
    return this.#machine === 'open';
  }

  /** Open at both ends, and frames come through both ways. */
  get isWhole(): boolean {
    return this.isOpen && this.#rendezvous === 'open' && !this.up.isBlackholed && !this.down.isBlackholed;
  }

  // What the machine does with it.

  get bufferedBytes(): number {
    return this.up.bufferedBytes;
  }

  send(message: Uint8Array): void {
    if (this.#machine !== 'open') return;
    this.#ends.sent(message);
    this.up.send(message);
  }

  onDrained(listener: () => void): void {
    this.#drained = listener;
  }

  ping(): void {
    this.#awaitingPong = true;
    this.up.send('ping');
  }

  setReading(reading: boolean): void {
    this.#reading = reading;
    if (!reading) return;
    const unread = this.#unread;
    this.#unread = [];
    this.#arriveAtMachine(unread);
  }

  close(): void {
    this.up.send('close');
  }

  destroy(): void {
    if (this.#machine === 'gone') return;
    this.#loseMachine();
    this.up.send('close');
    this.down.cut();
    this.#ends.clock.setTimeout(() => this.#loseRendezvous(), SILENCE_MS);
  }

  // What happens to it.

  opened(): void {
    if (this.#machine !== 'opening') return;
    this.#machine = 'open';
    this.#listener.opened();
  }

  /** Nobody answers at the other end. */
  refuse(): void {
    if (this.#machine !== 'opening') return;
    this.#loseMachine();
    this.#listener.closed(1006, 'connection refused');
  }

  /** Everything under way is lost; a side that is not told finds out by itself. */
  break(told: { readonly machine: boolean; readonly rendezvous: boolean }): void {
    const { clock, onMachine } = this.#ends;
    this.#broken = true;
    for (const lane of [this.up, this.down]) {
      lane.cut();
      lane.blackhole(true);
    }
    clock.setTimeout(() => this.#loseRendezvous(), told.rendezvous ? 0 : SILENCE_MS);
    if (told.machine) onMachine(() => this.#closeMachine(1006));
  }

  /** Swallows what goes one way, or carries it again; nobody is told. */
  blackhole(direction: 'up' | 'down', swallowing: boolean): void {
    if (!this.#broken) this[direction].blackhole(swallowing);
  }

  /** The rendezvous says goodbye behind what it has sent. */
  closeFromRendezvous(): void {
    this.down.send('close');
  }

  sendDown(message: Uint8Array): void {
    if (this.#rendezvous === 'open') this.down.send(message);
  }

  #arriveAtRendezvous(items: readonly LaneItem[]): void {
    for (const item of items) {
      if (this.#rendezvous === 'gone') return;
      if (item === 'ping') this.down.send('pong');
      else if (item === 'close') {
        this.down.send('close');
        this.#loseRendezvous();
      } else if (typeof item !== 'string') this.#ends.onRendezvous(item);
    }
  }

  #arriveAtMachine(items: readonly LaneItem[]): void {
    for (const item of items) {
      if (this.#machine !== 'open') return;
      if (!this.#reading) {
        this.#unread.push(item);
        continue;
      }
      if (this.#awaitingPong && item !== 'close') {
        this.#awaitingPong = false;
        this.#listener.ponged();
      }
      if (item === 'close') {
        this.#loseRendezvous();
        this.#closeMachine(1001);
      } else if (typeof item !== 'string') {
        this.#ends.arrived(item);
        this.#listener.message(item);
      }
    }
  }

  #closeMachine(code: number): void {
    if (this.#machine === 'gone') return;
    this.#loseMachine();
    this.#listener.closed(code, '');
  }

  #loseMachine(): void {
    this.#machine = 'gone';
    this.#ends.machineLost();
  }

  #loseRendezvous(): void {
    if (this.#rendezvous === 'gone') return;
    this.#rendezvous = 'gone';
    this.#ends.rendezvousLost();
  }
}
