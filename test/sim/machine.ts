/**
 * One simulated machine: a production relay endpoint on a clock and a line of its own. It can be stopped, when nothing
 * of it runs and everything for it waits, and started again.
 */
import { type Actor, createActor } from 'xstate';
import { connectionMachine } from '../../machines/connection.machine.js';
import { defaultConnectionTiming } from '../../machines/connection-types.js';
import type { streamMachine } from '../../machines/stream.machine.js';
import { defaultStreamTiming, type RelayRole, type StreamContext } from '../../machines/stream-types.js';
import { defaultLimits } from '../../proto/limits.js';
import type { CarrierListener } from '../../src/carrier/carrier.js';
import { type ChannelListener, RelayEndpoint } from '../../src/carrier/relay-endpoint.js';
import type { StreamChannel } from '../../src/carrier/stream-channel.js';
import { silentLog } from '../../src/observe/log.js';
import { Observation } from '../../src/observe/observation.js';
import { type Random, seededRandom } from '../stand-ins/seeded-random.js';
import type { StepClock } from '../stand-ins/step-clock.js';
import { MachineClock } from './machine-clock.js';
import type { Secrecy } from './secrecy.js';
import type { Wire } from './wire.js';

export interface MachineOptions {
  readonly name: string;
  readonly role: RelayRole;
  readonly world: StepClock;
  readonly seed: number;
  /** Where every stream is encrypted. */
  readonly secrecy?: Secrecy;
  /** Is told of what can be observed of it, before there is anything. */
  readonly observed?: (observation: Observation) => void;
  dial(listener: CarrierListener): Wire;
  accept(channel: StreamChannel): ChannelListener;
}

export class Machine {
  readonly name: string;
  readonly role: RelayRole;
  readonly clock: MachineClock;
  readonly endpoint: RelayEndpoint;
  /** The newest one it dialled. */
  wire: Wire | undefined;
  readonly #world: StepClock;
  #connection: Actor<typeof connectionMachine> | undefined;
  #waiting: (() => void)[] = [];
  #killed = false;
  readonly #sleepWatchers = new Set<() => void>();

  constructor({ name, role, world, seed, secrecy, observed, dial, accept }: MachineOptions) {
    this.name = name;
    this.role = role;
    this.#world = world;
    this.clock = new MachineClock(world);
    const random: Random = seededRandom(seed);
    const policy = { role, retry: 'always', encryption: secrecy === undefined ? 'never' : 'always' } as const;
    const times = { timing: defaultConnectionTiming, streamTiming: defaultStreamTiming };
    const observation = observed === undefined ? undefined : new Observation({ clock: this.clock });
    if (observation !== undefined) observed?.(observation);
    this.endpoint = new RelayEndpoint({
      ...policy,
      ...(secrecy && role === 'harness' ? { initiator: secrecy.initiator() } : {}),
      ...(secrecy && role === 'executor' ? { responder: secrecy.responder() } : {}),
      clock: this.clock,
      log: silentLog,
      limits: defaultLimits,
      ...times,
      random,
      ...observation?.addEndpoint({ ...policy, limits: defaultLimits, ...times }, random),
      locate: () => Promise.resolve({ url: 'simulated:' }),
      openCarrier: (_url, listener) => {
        this.wire = dial(listener);
        return this.wire;
      },
      accept,
      watchSleep: (woke) => {
        this.#sleepWatchers.add(woke);
        return () => this.#sleepWatchers.delete(woke);
      },
      start: (input) => {
        const { clock } = this;
        this.#connection = createActor(connectionMachine, { input, clock });
        observation?.addRoot(this.#connection);
        return this.#connection.start();
      },
    });
  }

  /** Whether frames can go both ways between it and the rendezvous. */
  get isAttached(): boolean {
    return !this.clock.isStopped && this.endpoint.isOnline && this.wire?.isWhole === true;
  }

  /** Runs an action of the machine: now, or once it runs again. */
  act(action: () => void): void {
    if (this.#killed) return;
    if (this.clock.isStopped) this.#waiting.push(action);
    else action();
  }

  /** Its clock jumps, as after a sleep, and it notices. */
  sleep(ms: number): void {
    this.clock.jump(ms);
    this.act(() => {
      for (const woke of this.#sleepWatchers) woke();
    });
  }

  /** Nothing of it ever runs again. */
  kill(): void {
    this.#killed = true;
    this.clock.stop();
    this.#connection?.stop();
  }

  stop(): void {
    this.clock.stop();
  }

  /** Its timers are looked at first and its sockets then, as Node does. */
  start(): void {
    if (this.#killed) return;
    this.clock.start();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#world.setTimeout(() => {
      for (const action of waiting) this.act(action);
    }, 0);
  }

  /** What the actors of its streams remember. */
  get contexts(): readonly StreamContext[] {
    const snapshot = this.#connection?.getSnapshot();
    if (snapshot === undefined) return [];
    return snapshot.context.streams.flatMap((id) => {
      const actor = snapshot.children[id] as Actor<typeof streamMachine> | undefined;
      return actor === undefined ? [] : [actor.getSnapshot().context];
    });
  }

  /** Streams whose actors are alive. */
  get streams(): number {
    return this.#connection?.getSnapshot().context.streams.length ?? 0;
  }
}
