/**
 * All environments of one rendezvous, and the sockets between them and the network. It makes a socket part of its
 * environment, keeps it alive, and forgets both when they end.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Logger } from '../observe/log.js';
import { realClock } from '../observe/real-clock.js';
import type { Admission } from './access.js';
import { CLOSE } from './close-codes.js';
import { Environment, type Executor, type Harness } from './environment.js';
import type { ExpectedExecutors } from './expected-executors.js';
import type { Faults } from './faults.js';
import { FaultyLine } from './faulty-line.js';
import { Refusal } from './refusal.js';
import type { Registration } from './registrations.js';
import { RelaySocket } from './relay-socket.js';
import type { RendezvousLimits } from './rendezvous-limits.js';
import type { RoutingObserver } from './routing-observer.js';
import { type Random, seededRandom } from './seeded-random.js';

/** Takes what a socket says. */
type Receive = (message: Buffer, isBinary: boolean) => void;

/** Codes with which an executor leaves that does not mean to be back soon. */
const GOODBYES: readonly number[] = [1000, 1001];

export class Router {
  readonly #limits: RendezvousLimits;
  readonly #log: Logger;
  readonly #expected: ExpectedExecutors;
  readonly #environments = new Map<string, Environment>();
  readonly #sockets = new Set<RelaySocket>();
  readonly #pings: NodeJS.Timeout;
  readonly #looks: NodeJS.Timeout;
  readonly #faults: Faults | undefined;
  readonly #lines = new Set<FaultyLine>();
  /** A seed for each line, so that one does not shift the luck of another. */
  readonly #nextSeed: Random;
  #onEmpty: (() => void) | undefined;
  readonly #observer: RoutingObserver | undefined;

  constructor(
    limits: RendezvousLimits,
    log: Logger,
    expected: ExpectedExecutors,
    faults?: Faults,
    observer?: RoutingObserver,
  ) {
    this.#observer = observer;
    this.#limits = limits;
    this.#expected = expected;
    this.#log = log;
    this.#faults = faults;
    this.#nextSeed = seededRandom(faults?.seed ?? 0);
    this.#pings = setInterval(() => {
      for (const socket of this.#sockets) socket.ping();
    }, limits.pingIntervalMs);
    this.#looks = setInterval(() => {
      for (const socket of this.#sockets) socket.look();
    }, limits.lookIntervalMs);
  }

  /** Throws {@link Refusal} for an upgrade that is authorised but has no place; asked right before it is accepted. */
  refuseWithoutPlace(admission: Admission): void {
    const environment = this.#environments.get(admission.environmentId);
    if (environment === undefined) {
      if (this.#environments.size < this.#limits.environments) return;
      throw new Refusal(503, 'route_unavailable', `all ${this.#limits.environments} environments are in use`);
    }
    if (admission.role === 'harness') {
      if (environment.harnessCount < this.#limits.harnessesPerEnvironment) return;
      const most = this.#limits.harnessesPerEnvironment;
      throw new Refusal(503, 'route_unavailable', `this environment already has ${most} harness sockets`);
    }
    const serving = environment.executor?.registration;
    if (serving !== undefined && admission.registration.expires < serving.expires) {
      // 4xx makes it register again, and then it is the newer one.
      const why = 'a newer registration serves this environment; register again';
      throw new Refusal(409, 'unexpected_executor_registration_id', why);
    }
  }

  /** The registration of the executor that is attached to an environment now. */
  attached(environmentId: string): Registration | undefined {
    return this.#environments.get(environmentId)?.executor?.registration;
  }

  accept(admission: Admission, ws: WebSocket, tcp: Socket): void {
    const { environmentId } = admission;
    let environment = this.#environments.get(environmentId);
    if (environment === undefined) {
      const made = new Environment({
        ...this.#limits,
        emptied: () => this.#forgetIfEmpty(environmentId, made),
        ...(this.#observer === undefined ? {} : { observer: this.#observer }),
      });
      environment = made;
      this.#environments.set(environmentId, made);
    }
    if (admission.role === 'executor') this.#acceptExecutor(environment, admission, ws, tcp);
    else this.#acceptHarness(environment, admission, ws, tcp);
  }

  /** Of everybody who is connected, or may come back to a stream. */
  get tokenIds(): ReadonlySet<string> {
    return new Set([...this.#environments.values()].flatMap(({ tokenIds }) => [...tokenIds]));
  }

  /** Whoever came in with this token goes. */
  expel(tokenId: string): void {
    for (const environment of [...this.#environments.values()]) environment.expel(tokenId);
  }

  /** Says goodbye to every socket and cuts off the ones that do not answer in time; resolves when all are gone. */
  async close(patienceMs: number): Promise<void> {
    clearInterval(this.#pings);
    clearInterval(this.#looks);
    this.#expected.close();
    for (const line of this.#lines) line.cut();
    for (const environment of this.#environments.values()) environment.close();
    const { code, reason } = CLOSE.restarting;
    for (const socket of this.#sockets) socket.close(code, reason);
    if (this.#sockets.size === 0) return;
    await new Promise<void>((resolve) => {
      const cutOff = setTimeout(() => {
        for (const socket of this.#sockets) socket.terminate();
      }, patienceMs);
      this.#onEmpty = () => {
        clearTimeout(cutOff);
        resolve();
      };
    });
  }

  #acceptExecutor(
    environment: Environment,
    { environmentId, registration }: Extract<Admission, { role: 'executor' }>,
    ws: WebSocket,
    tcp: Socket,
  ): void {
    const receive: Receive = (message, isBinary) => environment.receiveFromExecutor(executor, message, isBinary);
    const line = this.#faultyLine(environment, receive, () => socket);
    const log = this.#log.child({ environmentId, role: 'executor', registrationId: registration.id });
    const socket: RelaySocket = new RelaySocket(ws, tcp, {
      limits: this.#limits,
      excusedWhileHeld: true,
      events: {
        onMessage: line === undefined ? receive : (message, isBinary) => line.offer(message, isBinary),
        onStuck: () => {
          log.warn('executor took next to nothing for too long: closed');
          environment.dropExecutor(executor, 'executor_too_slow', CLOSE.tooSlow);
        },
        onClosed: (code) => {
          log.info({ code }, 'executor gone');
          gone?.(code);
          if (environment.executor === executor && !GOODBYES.includes(code)) this.#expected.lost(environmentId);
          this.#finish(line);
          environment.detachExecutor(executor, 'executor_disconnected');
          this.#forget(socket, environmentId, environment);
        },
      },
    });
    const executor: Executor = { socket, registration, log };
    this.#sockets.add(socket);
    const gone = this.#observer?.attached('executor');
    environment.attachExecutor(executor);
    log.info('executor attached');
    this.#expected.arrived(environmentId);
  }

  #acceptHarness(
    environment: Environment,
    { environmentId, tokenId }: Extract<Admission, { role: 'harness' }>,
    ws: WebSocket,
    tcp: Socket,
  ): void {
    const receive: Receive = (message, isBinary) => environment.receiveFromHarness(harness, message, isBinary);
    const line = this.#faultyLine(environment, receive, () => socket);
    const log = this.#log.child({ environmentId, role: 'harness' });
    const socket: RelaySocket = new RelaySocket(ws, tcp, {
      limits: this.#limits,
      excusedWhileHeld: false,
      events: {
        onMessage: line === undefined ? receive : (message, isBinary) => line.offer(message, isBinary),
        onStuck: () => {
          log.warn('harness took next to nothing for too long: closed');
          environment.dropHarness(harness, 'harness_too_slow', CLOSE.tooSlow);
        },
        onClosed: (code) => {
          log.info({ code }, 'harness gone');
          gone?.(code);
          this.#finish(line);
          environment.detachHarness(harness, 'harness_disconnected');
          this.#forget(socket, environmentId, environment);
        },
      },
    });
    const harness: Harness = { socket, tokenId, log };
    this.#sockets.add(socket);
    const gone = this.#observer?.attached('harness');
    environment.attachHarness(harness);
    log.info('harness attached');
  }

  /** Undefined when no faults were asked for. */
  #faultyLine(environment: Environment, deliver: Receive, socket: () => RelaySocket): FaultyLine | undefined {
    if (this.#faults === undefined) return undefined;
    const line = new FaultyLine({
      faults: this.#faults,
      clock: realClock,
      random: seededRandom(this.#nextSeed() * 2 ** 32),
      port: {
        deliver,
        isRepairable: (streamId) => environment.isLasting(streamId),
        read: (reading) => socket().read(reading),
        isInUse: () => environment.isInUse,
        cut: () => socket().terminate(),
      },
    });
    this.#lines.add(line);
    return line;
  }

  #finish(line: FaultyLine | undefined): void {
    if (line === undefined) return;
    this.#lines.delete(line);
    line.finish();
  }

  #forget(socket: RelaySocket, environmentId: string, environment: Environment): void {
    this.#sockets.delete(socket);
    this.#forgetIfEmpty(environmentId, environment);
    if (this.#sockets.size === 0) this.#onEmpty?.();
  }

  #forgetIfEmpty(environmentId: string, environment: Environment): void {
    // Another one may have taken its place while a replaced executor still said goodbye.
    if (environment.isEmpty && this.#environments.get(environmentId) === environment) {
      this.#environments.delete(environmentId);
    }
  }
}
