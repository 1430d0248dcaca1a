/**
 * The rendezvous of a simulated world: the production router of one environment behind simulated sockets. It can be
 * killed and started again, and then knows no route.
 */

import type { RelayRole } from '../../machines/stream-types.js';
import type { CarrierListener } from '../../src/carrier/carrier.js';
import { silentLog } from '../../src/observe/log.js';
import { Environment, type Executor, type Harness } from '../../src/rendezvous/environment.js';
import type { RelaySocket } from '../../src/rendezvous/relay-socket.js';
import { defaultRendezvousLimits } from '../../src/rendezvous/rendezvous-limits.js';
import { anyRegistration } from '../stand-ins/any-registration.js';
import type { StepClock } from '../stand-ins/step-clock.js';
import { Wire, type WireEnds } from './wire.js';

/** What the rendezvous has of a wire: as much of a RelaySocket as the router of an environment uses. */
type RoutedSocket = Pick<RelaySocket, 'send' | 'close'>;

/** One end of the router. */
interface Attached {
  receive(message: Buffer): void;
  lost(): void;
}

export class Rendezvous {
  readonly #clock: StepClock;
  readonly #wires = new Set<Wire>();
  #environment: Environment;
  #running = true;

  constructor(clock: StepClock) {
    this.#clock = clock;
    this.#environment = newEnvironment(clock);
  }

  /** Opens a wire; it is open, or refused, one round trip later. */
  dial(
    role: RelayRole,
    listener: CarrierListener,
    ends: Omit<WireEnds, 'onRendezvous' | 'rendezvousLost'> & { lost(): void },
  ): Wire {
    let peer: Attached | undefined;
    const wire = new Wire(
      {
        ...ends,
        onRendezvous: (message) => peer?.receive(Buffer.from(message.buffer, message.byteOffset, message.length)),
        rendezvousLost: () => {
          this.#wires.delete(wire);
          peer?.lost();
          ends.lost();
        },
      },
      listener,
    );
    this.#clock.setTimeout(() => {
      if (!this.#running) {
        ends.onMachine(() => wire.refuse());
        return;
      }
      this.#wires.add(wire);
      peer = this.#attach(role, wire);
      this.#clock.setTimeout(() => {
        ends.onMachine(() => wire.opened());
      }, ends.latencyMs);
    }, ends.latencyMs);
    return wire;
  }

  /** Killed: every socket breaks, every route is forgotten, and nobody answers. */
  stop(): void {
    this.#running = false;
    for (const wire of [...this.#wires]) wire.break({ machine: true, rendezvous: true });
    this.#environment.close();
  }

  start(): void {
    if (this.#running) return;
    this.#environment = newEnvironment(this.#clock);
    this.#running = true;
  }

  #attach(role: RelayRole, wire: Wire): Attached {
    const environment = this.#environment;
    const routed: RoutedSocket = {
      send: (message) => wire.sendDown(message),
      close: () => wire.closeFromRendezvous(),
    };
    const socket = routed as RelaySocket;
    if (role === 'executor') {
      const executor: Executor = { socket, registration: anyRegistration, log: silentLog };
      environment.attachExecutor(executor);
      return {
        receive: (message: Buffer) => environment.receiveFromExecutor(executor, message, true),
        lost: () => environment.detachExecutor(executor, 'executor_disconnected'),
      };
    }
    const harness: Harness = { socket, tokenId: 'simulated', log: silentLog };
    environment.attachHarness(harness);
    return {
      receive: (message: Buffer) => environment.receiveFromHarness(harness, message, true),
      lost: () => environment.detachHarness(harness, 'harness_disconnected'),
    };
  }
}

function newEnvironment(clock: StepClock): Environment {
  return new Environment({ streamsPerHarness: defaultRendezvousLimits.streamsPerHarness, clock });
}
