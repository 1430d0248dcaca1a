/**
 * The router of one environment: its executor's socket, its harnesses' sockets, and the duties between them
 * (relay.md §11). Frames pass as the bytes they came in; only their routing header is read. Nothing here waits.
 */
import { plainFrame } from '../../proto/frame.js';
import { encodeFrame } from '../../proto/frame-codec.js';
import { FrameDecodeError } from '../../proto/frame-error.js';
import { type RoutingHeader, readRoutingHeader } from '../../proto/routing-header.js';
import type { Logger } from '../observe/log.js';
import { CLOSE } from './close-codes.js';
import type { RelaySocket } from './relay-socket.js';
import { type Route, Routes } from './routes.js';
import type { Ticket } from './ticket.js';

/** Reasons of the resets that a rendezvous sends; machine-readable, stable. */
type ResetReason =
  | 'environment_offline'
  | 'executor_disconnected'
  | 'executor_replaced'
  | 'executor_too_slow'
  | 'harness_disconnected'
  | 'harness_too_slow'
  | 'stream_id_in_use'
  | 'too_many_streams'
  | 'reset_reason_too_long';

/** A reset frame beyond this is replaced by one of ours: its reason is any party's text and unbounded (§11 duty 13). */
const LARGEST_RESET_BYTES = 8 * 1024;

export interface Executor {
  readonly socket: RelaySocket;
  readonly ticket: Ticket;
  readonly log: Logger;
}

export interface Harness {
  readonly socket: RelaySocket;
  readonly log: Logger;
}

export class Environment {
  readonly #streamsPerHarness: number;
  readonly #harnesses = new Set<Harness>();
  readonly #routes = new Routes<Harness>();
  #executor: Executor | undefined;

  constructor(options: { readonly streamsPerHarness: number }) {
    this.#streamsPerHarness = options.streamsPerHarness;
  }

  get executor(): Executor | undefined {
    return this.#executor;
  }

  get harnessCount(): number {
    return this.#harnesses.size;
  }

  get isEmpty(): boolean {
    return this.#executor === undefined && this.#harnesses.size === 0;
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

  /** Ends every stream that was routed to it (§11 duty 6). Does nothing for an executor already replaced. */
  detachExecutor(executor: Executor, reason: ResetReason): void {
    if (this.#executor !== executor) return;
    this.#executor = undefined;
    for (const route of this.#routes.all()) this.#endTowardsHarness(route, reason);
  }

  attachHarness(harness: Harness): void {
    this.#harnesses.add(harness);
  }

  /** Ends every stream of this socket at the executor, which cannot notice by itself (§11 duties 5 and 14). */
  detachHarness(harness: Harness, reason: ResetReason): void {
    if (!this.#harnesses.delete(harness)) return;
    for (const route of this.#routes.of(harness)) this.#endTowardsExecutor(route, reason);
  }

  /** It holds others up: its streams end on both sides, then its socket (§11 duty 4). */
  dropStuckExecutor(executor: Executor): void {
    const { tooSlow } = CLOSE;
    for (const { streamId } of this.#routes.all()) this.#reset(executor.socket, streamId, 'executor_too_slow');
    this.detachExecutor(executor, 'executor_too_slow');
    executor.socket.close(tooSlow.code, tooSlow.reason);
  }

  /** As {@link dropStuckExecutor}, for a harness. */
  dropStuckHarness(harness: Harness): void {
    const { tooSlow } = CLOSE;
    for (const { streamId } of this.#routes.of(harness)) this.#reset(harness.socket, streamId, 'harness_too_slow');
    this.detachHarness(harness, 'harness_too_slow');
    harness.socket.close(tooSlow.code, tooSlow.reason);
  }

  receiveFromExecutor(executor: Executor, message: Buffer, isBinary: boolean): void {
    if (this.#executor !== executor) return;
    const header = readHeader(executor.log, message, isBinary);
    if (header === undefined) return;
    const route = this.#routes.find(header.streamId);
    // Late output after a harness left (§11 duty 9).
    if (route === undefined) return;
    if (header.body !== 'reset') {
      route.harness.socket.send(message, executor.socket);
      return;
    }
    this.#routes.remove(route);
    this.#forwardReset(route.harness.socket, header.streamId, message, executor.socket);
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
    const executor = this.#executor;
    if (executor === undefined) {
      // Never a reset for a reset: two ends would answer each other.
      if (body !== 'reset') this.#reset(harness.socket, streamId, 'environment_offline');
      return;
    }
    const route = this.#routes.find(streamId) ?? this.#open(harness, header);
    if (route !== undefined && route.harness !== harness) {
      if (body !== 'reset') this.#reset(harness.socket, streamId, 'stream_id_in_use');
      return;
    }
    if (body === 'reset') {
      if (route !== undefined) this.#routes.remove(route);
      this.#forwardReset(executor.socket, streamId, message, harness.socket);
      return;
    }
    if (route === undefined && opensStream(header)) return;
    executor.socket.send(message, harness.socket);
  }

  /** Undefined when this frame opens none: refused with a reset, or of a kind that never does. */
  #open(harness: Harness, header: RoutingHeader): Route<Harness> | undefined {
    if (!opensStream(header)) return undefined;
    if (this.#routes.countOf(harness) >= this.#streamsPerHarness) {
      this.#reset(harness.socket, header.streamId, 'too_many_streams');
      return undefined;
    }
    const route = { streamId: header.streamId, harness };
    this.#routes.add(route);
    return route;
  }

  // The next two are the only places where a stream ends because a socket did.

  #endTowardsHarness(route: Route<Harness>, reason: ResetReason): void {
    this.#routes.remove(route);
    route.harness.socket.send(resetFrame(route.streamId, reason));
  }

  #endTowardsExecutor(route: Route<Harness>, reason: ResetReason): void {
    this.#routes.remove(route);
    this.#executor?.socket.send(resetFrame(route.streamId, reason));
  }

  /** Answers a socket's own frame: if it does not read the answers, it is not read from either. */
  #reset(socket: RelaySocket, streamId: string, reason: ResetReason): void {
    socket.send(resetFrame(streamId, reason), socket);
  }

  #forwardReset(to: RelaySocket, streamId: string, message: Buffer, from: RelaySocket): void {
    to.send(message.length <= LARGEST_RESET_BYTES ? message : resetFrame(streamId, 'reset_reason_too_long'), from);
  }
}

/** Acks, heartbeats and resets belong to streams that exist: alone, late or lost ones, they open none. */
function opensStream(header: RoutingHeader): boolean {
  return header.body === 'resume' || header.body === 'data' || header.body === 'handshake';
}

/** Undefined for a message that is no frame: it harms nothing and nobody else (relay.md §3.3). */
function readHeader(log: Logger, message: Buffer, isBinary: boolean): RoutingHeader | undefined {
  if (!isBinary) {
    log.debug({ bytes: message.length }, 'text message ignored');
    return undefined;
  }
  try {
    return readRoutingHeader(message);
  } catch (error) {
    if (!(error instanceof FrameDecodeError)) throw error;
    log.debug({ bytes: message.length, code: error.code }, 'message without a routable frame ignored');
    return undefined;
  }
}

function resetFrame(streamId: string, reason: ResetReason): Buffer {
  const bytes = encodeFrame(plainFrame(streamId, { kind: 'reset', reason }));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
