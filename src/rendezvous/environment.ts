/**
 * The router of one environment: its executor's socket, its harnesses' sockets, and the duties between them
 * (relay.md §11). Frames pass as the bytes they came in; only their routing header is read. Nothing here waits, but the
 * routes of streams that outlive their sockets do, for a grace (DESIGN §5.2.7).
 */
import type { Clock } from '../../machines/clock.js';
import { isReliable } from '../../proto/frame.js';
import type { RoutingHeader } from '../../proto/routing-header.js';
import type { Logger } from '../observe/log.js';
import { realClock } from '../observe/real-clock.js';
import { CLOSE, type Close } from './close-codes.js';
import { goesOn, isAnswered, opensStream, waitsForExecutor } from './header-meaning.js';
import { readHeader } from './message-header.js';
import type { Registration } from './registrations.js';
import type { RelaySocket } from './relay-socket.js';
import { defaultRendezvousLimits } from './rendezvous-limits.js';
import { forwardReset, type ResetReason, resetFrame } from './reset-frame.js';
import { Route, type RouteEnd } from './route.js';
import { Routes } from './routes.js';
import type { EndRole, FrameFate, RoutingObserver } from './routing-observer.js';

export interface Executor {
  readonly socket: RelaySocket;
  /** Kept as long as it is attached, so that harnesses find its key. */
  readonly registration: Registration;
  readonly log: Logger;
}

export interface Harness {
  readonly socket: RelaySocket;
  /** Its streams can go on only on a socket that came in with the same token. */
  readonly tokenId: string;
  readonly log: Logger;
}

export interface EnvironmentOptions {
  readonly streamsPerHarness: number;
  /** How long a route outlives a socket of one of its ends. */
  readonly graceMs?: number;
  /** Routes that wait for an end; a further one ends with its socket. */
  readonly waitingRoutes?: number;
  readonly clock?: Clock;
  /** The last thing it had is gone. */
  readonly emptied?: () => void;
  /** Is told what becomes of each frame. */
  readonly observer?: Pick<RoutingObserver, 'routed'>;
}

export class Environment {
  readonly #options: Required<Omit<EnvironmentOptions, 'observer'>> & Pick<EnvironmentOptions, 'observer'>;
  readonly #harnesses = new Set<Harness>();
  readonly #routes = new Routes<Harness>();
  /** Before this, streams may exist that it never heard of. */
  readonly #since: number;
  #waiting = 0;
  #executor: Executor | undefined;

  constructor(options: EnvironmentOptions) {
    const { graceMs, waitingRoutes } = defaultRendezvousLimits;
    this.#options = { graceMs, waitingRoutes, clock: realClock, emptied: () => {}, ...options };
    this.#since = this.#options.clock.now();
  }

  get executor(): Executor | undefined {
    return this.#executor;
  }

  get harnessCount(): number {
    return this.#harnesses.size;
  }

  get isEmpty(): boolean {
    return this.#executor === undefined && this.#harnesses.size === 0 && this.#routes.size === 0;
  }

  /** It has streams, and none whose executor was not heard yet although it may outlive its socket once it was. */
  get isInUse(): boolean {
    return this.#routes.size > 0 && this.#routes.all().every((route) => route.isLasting || !route.harnessAnnounces);
  }

  /** Whether both ends of a stream would get over a frame that is lost. */
  isLasting(streamId: string): boolean {
    return this.#routes.find(streamId)?.isLasting ?? false;
  }

  /** Waits for nobody any more. */
  close(): void {
    for (const route of this.#routes.all()) this.#remove(route);
  }

  /** The newest executor socket serves the environment; the one before it is closed (§11 duty 8). */
  attachExecutor(executor: Executor): void {
    const former = this.#executor;
    if (former !== undefined) {
      this.detachExecutor(former, 'executor_replaced');
      former.socket.close(CLOSE.replaced.code, CLOSE.replaced.reason);
    }
    this.#executor = executor;
  }

  /**
   * Ends the streams that were routed to it (§11 duty 6), or has them wait: a lasting one is whole again when an executor
   * speaks on it, and one that never does has lost it. Does nothing for an executor already replaced.
   */
  detachExecutor(executor: Executor, reason: ResetReason): void {
    if (this.#executor !== executor) return;
    this.#executor = undefined;
    for (const route of this.#routes.all()) {
      if (!this.#await(route, 'executor', 'executor_disconnected')) this.#end(route, reason);
    }
  }

  attachHarness(harness: Harness): void {
    this.#harnesses.add(harness);
  }

  /** Ends the streams of this socket at the executor, which cannot notice by itself (§11 duties 5 and 14), or waits. */
  detachHarness(harness: Harness, reason: ResetReason): void {
    if (!this.#harnesses.delete(harness)) return;
    for (const route of this.#routes.of(harness)) {
      this.#routes.move(route, undefined);
      if (!this.#await(route, 'harness', 'harness_disconnected')) this.#end(route, reason);
    }
  }

  /** Its streams end on both sides, then its socket (§11 duty 4, where it holds others up). */
  dropExecutor(executor: Executor, reason: ResetReason, { code, reason: words }: Close): void {
    for (const route of this.#routes.all()) {
      this.#answer(executor.socket, route.streamId, reason);
      if (this.#executor === executor) this.#endTowardsHarness(route, reason);
    }
    this.detachExecutor(executor, reason);
    executor.socket.close(code, words);
  }

  dropHarness(harness: Harness, reason: ResetReason, { code, reason: words }: Close): void {
    for (const route of this.#routes.of(harness)) {
      this.#answer(harness.socket, route.streamId, reason);
      this.#endTowardsExecutor(route, reason);
    }
    this.detachHarness(harness, reason);
    harness.socket.close(code, words);
  }

  /** Of everybody who is here, or may come back to a stream. */
  get tokenIds(): ReadonlySet<string> {
    const ids = new Set([...this.#routes.all(), ...this.#harnesses].map(({ tokenId }) => tokenId));
    if (this.#executor !== undefined) ids.add(this.#executor.registration.tokenId);
    return ids;
  }

  /** Whoever came in with this token goes, and no stream of his waits for him. */
  expel(tokenId: string): void {
    for (const route of this.#routes.all()) {
      if (route.tokenId === tokenId) this.#end(route, 'token_revoked');
    }
    for (const harness of [...this.#harnesses]) {
      if (harness.tokenId === tokenId) this.dropHarness(harness, 'token_revoked', CLOSE.revoked);
    }
    const executor = this.#executor;
    if (executor?.registration.tokenId === tokenId) this.dropExecutor(executor, 'token_revoked', CLOSE.revoked);
  }

  receiveFromExecutor(executor: Executor, message: Buffer, isBinary: boolean): void {
    if (this.#executor !== executor) return;
    const header = readHeader(executor.log, message, isBinary);
    if (header === undefined) return;
    const route = this.#routes.find(header.streamId);
    if (route === undefined) {
      const isGhost = this.#isGhost(header);
      this.#tell('executor', header, message, isGhost ? 'answered' : 'dropped');
      if (isGhost) this.#answer(executor.socket, header.streamId, 'unknown_stream');
      return;
    }
    const socket = route.harness?.socket;
    this.#tell('executor', header, message, socket === undefined ? 'dropped' : 'passed');
    if (header.body === 'reset') {
      this.#remove(route);
      if (socket !== undefined) forwardReset(socket, header.streamId, message, executor.socket);
      return;
    }
    route.executorAnnounces = isReliable(header);
    if (route.isWaiting) this.#heard(route, 'executor');
    socket?.send(message, executor.socket, isAnswered(route, header));
  }

  /**
   * Late output after a harness left is dropped (§11 duty 9), and so is a stream whose harness comes back after this
   * router's restart. Nobody can come back any more when the grace is over: an executor that missed how a reliable
   * stream ended would send for ever.
   */
  #isGhost(header: RoutingHeader): boolean {
    const { clock, graceMs } = this.#options;
    if (!isReliable(header) || header.body === 'reset' || header.body === 'ack') return false;
    return clock.now() - this.#since > graceMs;
  }

  receiveFromHarness(harness: Harness, message: Buffer, isBinary: boolean): void {
    if (!this.#harnesses.has(harness)) return;
    if (!isBinary && this.#routes.countOf(harness) === 0) {
      // A plain JSON-RPC client at the wrong URL: told at once, instead of left waiting for an answer.
      harness.socket.close(CLOSE.notRelay.code, CLOSE.notRelay.reason);
      return;
    }
    const header = readHeader(harness.log, message, isBinary);
    if (header === undefined) return;
    const { streamId, body } = header;
    const known = this.#routes.find(streamId);
    if (known !== undefined && known.harness !== harness && !this.#takeOver(known, harness, header)) {
      // Never a reset for a reset: two ends would answer each other.
      this.#tell('harness', header, message, body === 'reset' ? 'dropped' : 'answered');
      if (body !== 'reset') this.#answer(harness.socket, streamId, 'stream_id_in_use');
      return;
    }
    const route = known ?? this.#open(harness, header);
    if (route !== undefined) {
      route.harnessAnnounces = isReliable(header);
      if (body === 'reset') this.#remove(route);
      else if (route.isWaiting) this.#heard(route, 'harness');
    }
    const executor = this.#executor;
    if (executor === undefined) {
      const waits = waitsForExecutor(header, route);
      this.#tell('harness', header, message, waits || body === 'reset' ? 'dropped' : 'answered');
      if (!waits) this.#refuseOffline(harness, header, route);
    } else if (body === 'reset') {
      this.#tell('harness', header, message, 'passed');
      forwardReset(executor.socket, streamId, message, harness.socket);
    } else if (route !== undefined || !opensStream(header)) {
      this.#tell('harness', header, message, 'passed');
      executor.socket.send(message, harness.socket, route && isAnswered(route, header));
    } else {
      // Nothing has a place for it, and that was said.
      this.#tell('harness', header, message, 'answered');
    }
  }

  #tell(from: EndRole, header: RoutingHeader, { length }: Buffer, fate: FrameFate): void {
    this.#options.observer?.routed(from, header, length, fate);
  }

  /** Undefined when this frame opens none: refused with a reset, or of a kind that never does. */
  #open(harness: Harness, header: RoutingHeader): Route<Harness> | undefined {
    // Without an executor only such a stream has a place that one knew before this router did: it restarted.
    const hasPlace = this.#executor === undefined ? goesOn(header) : opensStream(header);
    if (!hasPlace || !this.#mayHaveMore(harness, header)) return undefined;
    const route = new Route(header.streamId, harness, this.#options.clock);
    this.#routes.add(route);
    if (!goesOn(header)) return route;
    route.harnessAnnounces = true;
    route.executorAnnounces = true;
    // An executor that is there answers it; one that is not yet says so itself when it comes.
    if (this.#executor === undefined && !this.#await(route, 'executor', 'environment_offline')) {
      this.#remove(route);
      return undefined;
    }
    return route;
  }

  /**
   * A stream may go on at another socket of its owner, when that says that it resumes it: the old one is gone, or does
   * not know yet that it is.
   */
  #takeOver(route: Route<Harness>, harness: Harness, header: RoutingHeader): boolean {
    if (!route.isLasting || route.tokenId !== harness.tokenId || !goesOn(header)) return false;
    if (!this.#mayHaveMore(harness, header)) return false;
    this.#routes.move(route, harness);
    return true;
  }

  #mayHaveMore(harness: Harness, { streamId }: RoutingHeader): boolean {
    if (this.#routes.countOf(harness) < this.#options.streamsPerHarness) return true;
    this.#answer(harness.socket, streamId, 'too_many_streams');
    return false;
  }

  #refuseOffline(harness: Harness, { streamId, body }: RoutingHeader, route: Route<Harness> | undefined): void {
    if (route !== undefined) this.#remove(route);
    if (body !== 'reset') this.#answer(harness.socket, streamId, 'environment_offline');
  }

  /** False for a stream that ends with its socket. */
  #await(route: Route<Harness>, end: RouteEnd, reason: ResetReason): boolean {
    const { graceMs, waitingRoutes } = this.#options;
    if (!route.isLasting || (!route.isWaiting && this.#waiting >= waitingRoutes)) return false;
    if (!route.isWaiting) this.#waiting += 1;
    route.await(end, graceMs, () => this.#end(route, reason));
    return true;
  }

  #heard(route: Route<Harness>, end: RouteEnd): void {
    route.heard(end);
    if (!route.isWaiting) this.#waiting -= 1;
  }

  /** Over, and whichever end is there is told. */
  #end(route: Route<Harness>, reason: ResetReason): void {
    this.#remove(route);
    route.harness?.socket.send(resetFrame(route.streamId, reason));
    this.#executor?.socket.send(resetFrame(route.streamId, reason));
    if (this.isEmpty) this.#options.emptied();
  }

  #endTowardsHarness(route: Route<Harness>, reason: ResetReason): void {
    this.#remove(route);
    route.harness?.socket.send(resetFrame(route.streamId, reason));
  }

  #endTowardsExecutor(route: Route<Harness>, reason: ResetReason): void {
    this.#remove(route);
    this.#executor?.socket.send(resetFrame(route.streamId, reason));
  }

  #remove(route: Route<Harness>): void {
    if (route.isWaiting) this.#waiting -= 1;
    this.#routes.remove(route);
  }

  /** Answers a socket's own frame: if it does not read the answers, it is not read from either. */
  #answer(socket: RelaySocket, streamId: string, reason: ResetReason): void {
    socket.send(resetFrame(streamId, reason), socket);
  }
}
