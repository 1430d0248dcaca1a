/**
 * One end of the relay: joins the connection's chart, the actors of its streams, the demultiplexer on the way in and
 * the frame writer on the way out. It carries events between them and makes no decision that the charts could make.
 */
import { streamActorId } from '../../machines/connection-setup.js';
import type { AttachedSocket, ConnectionEnd, ConnectionPort, SocketEvent } from '../../machines/connection-types.js';
import { CREDENTIAL_REJECTED } from '../../machines/stream-frames.js';
import type { Profile, StreamEnd, StreamEvent, StreamPort } from '../../machines/stream-types.js';
import { type Frame, isReliable, PROTOCOL_ERROR_REASON, plainFrame } from '../../proto/frame.js';
import type { FrameDecodeError } from '../../proto/frame-error.js';
import type { OpenedChannel } from '../noise/stream-encryption.js';
import { observedPort } from '../observe/endpoint-observer.js';
import type { Logger } from '../observe/log.js';
import type { Carrier } from './carrier.js';
import { leased } from './carrier-lease.js';
import { ConnectionWatch } from './connection-watch.js';
import { Demultiplexer } from './demultiplexer.js';
import { FrameWriter } from './frame-writer.js';
import type { ChannelListener, ConnectionActor, RelayEndpointOptions } from './relay-endpoint-options.js';
import { ServedStream, type StreamActor } from './served-stream.js';
import type { ChannelOwner, StreamChannel } from './stream-channel.js';
import { TrafficNotes } from './traffic-notes.js';
import { Turnover } from './turnover.js';

export type { ChannelListener, ConnectionActor } from './relay-endpoint-options.js';

/** Ends of a handshake whose cause is in the log already, from where it is known. */
const TOLD_BY_RESPONDER: readonly string[] = [PROTOCOL_ERROR_REASON, CREDENTIAL_REJECTED];

export class RelayEndpoint implements ChannelOwner {
  readonly #options: RelayEndpointOptions;
  readonly #log: Logger;
  readonly #streams = new Map<string, ServedStream>();
  readonly #demultiplexer: Demultiplexer;
  readonly #turnover: Turnover;
  readonly #writer: FrameWriter;
  readonly #connection: ConnectionActor;
  readonly #watch: ConnectionWatch;
  readonly #traffic: TrafficNotes;
  #whenWritten: (() => void) | undefined;
  #carrier: Carrier | undefined;

  constructor(options: RelayEndpointOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#demultiplexer = new Demultiplexer({
      frames: (streamId, frames) => this.#route(streamId, frames),
      rejected: (error) => this.#reject(error),
    });
    this.#turnover = new Turnover(options.clock, options.limits.encryptedStreams, (streamId, frames) =>
      this.#pass(streamId, frames),
    );
    this.#writer = new FrameWriter(options.limits, {
      left: (streamIds) => {
        for (const streamId of streamIds) this.#streams.get(streamId)?.channel.recheck();
        if (this.#writer.isIdle) this.#whenWritten?.();
      },
      unsendable: (frame, cause) => {
        this.#log.error({ err: cause, streamId: frame.streamId }, 'a frame could not be encoded; its stream is reset');
        this.sendEvent(frame.streamId, { type: 'stream.reset', reason: 'internal_error' });
      },
    });
    const { role, retry, clock, limits, timing, streamTiming, random, encryption = 'never' } = options;
    const port: ConnectionPort = {
      locate: (signal) => options.locate(signal),
      openSocket: (url, report) => this.#openSocket(url, report),
      streamPort: (streamId) => this.#portOf(streamId),
      initiator: (streamId) => given(options.initiator).initiate(streamId, this.#encrypt(streamId)),
      responder: (streamId, greeting) => {
        const responder = given(options.responder).respond(streamId, greeting, this.#encrypt(streamId));
        return { ...responder, read: () => this.#turnover.reading(responder.read()) };
      },
      streamEnded: (end) => this.#endStream(end),
      refuse: (frame, reason) => this.#refuse(frame, reason),
      watchSleep: options.watchSleep ?? (() => () => {}),
    };
    this.#traffic = new TrafficNotes(clock, () => this.#connection.send({ type: 'answer.owed' }));
    const { traffic } = this.#traffic;
    this.#connection = options.start({
      role,
      retry,
      encryption,
      port,
      clock,
      limits,
      timing,
      streamTiming,
      random,
      traffic,
    });
    this.#watch = new ConnectionWatch(this.#connection, this.#log, () => {
      // A chart that is over no longer hears how its streams end; whoever uses one must not wait for ever.
      for (const streamId of [...this.#streams.keys()]) {
        this.#endStream({ streamId, kind: 'reset', reason: 'carrier_lost', initiator: 'local' });
      }
    });
  }

  /** Resolves when the connection has ended for good; never rejects. */
  get over(): Promise<ConnectionEnd> {
    return this.#watch.over;
  }

  get isOnline(): boolean {
    return this.#watch.isOnline;
  }

  /** Why there is no socket, or why the last one did not live long. */
  get lastFailure(): Error | undefined {
    return this.#watch.lastFailure;
  }

  /** Resolves once the socket is open; rejects with the reason when the connection ends before. */
  online(): Promise<void> {
    return this.#watch.online();
  }

  /** Opens a stream of this end's own (harness). */
  open(streamId: string, listen: (channel: StreamChannel) => ChannelListener): StreamChannel {
    if (this.#streams.has(streamId)) throw new Error(`stream ${streamId} is open already`);
    this.#connection.send({ type: 'stream.open', streamId });
    const entry = this.#streams.get(streamId);
    if (entry === undefined) throw new Error('a stream can be opened only while the connection is online');
    entry.listen(listen(entry.channel));
    return entry.channel;
  }

  /** Resets the streams, lets their last frames leave, closes the socket. Resolves when that is done. */
  async drain(): Promise<void> {
    if (this.#connection.getSnapshot().status === 'active') this.#connection.send({ type: 'drain' });
    await this.#watch.over;
  }

  sendEvent(streamId: string, event: StreamEvent): void {
    this.#actorOf(streamId)?.send(event);
  }

  /** What both ends of a stream agreed on; undefined until they have, and once it is over. */
  profileOf(streamId: string): Profile | undefined {
    return this.#actorOf(streamId)?.getSnapshot().context.profile;
  }

  flush(streamId: string, messages: readonly Uint8Array[]): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    try {
      this.sendEvent(streamId, { type: 'flush', messages: stream.sealed(messages) });
    } catch (error) {
      this.#log.error({ err: error, streamId }, 'a message could not be encrypted; its stream is reset');
      this.sendEvent(streamId, { type: 'stream.reset', reason: 'internal_error' });
    }
  }

  bytesAtSocket(streamId: string): number {
    return this.#writer.bytesOf(streamId);
  }

  #openSocket(url: string, report: (event: SocketEvent) => void): AttachedSocket {
    const lease = leased({
      opened: () => {
        this.#traffic.heard();
        this.#writer.attach(carrier);
        report({ type: 'socket.opened' });
        // What waited for the last socket went with it, and counts no more.
        for (const { channel } of this.#streams.values()) channel.recheck();
      },
      message: (message) => {
        this.#traffic.heard();
        this.#demultiplexer.receive(message);
      },
      text: () => this.#log.warn('the rendezvous sent a text message, which no relay frame is; it was ignored'),
      ponged: () => {
        this.#traffic.heard();
        report({ type: 'socket.ponged' });
      },
      refused: (status, message) => report({ type: 'socket.refused', status, message }),
      closed: (code, reason) => {
        // What came before it is acted upon before the streams learn of it.
        this.#deliverAll();
        report({ type: 'socket.closed', code, reason });
      },
    });
    const carrier = this.#options.openCarrier(url, lease.listener);
    this.#carrier = carrier;
    return {
      ping: () => carrier.ping(),
      close: () => this.#afterLastFrame(() => carrier.close(1001, 'draining')),
      release: () => {
        lease.end();
        this.#deliverAll();
        this.#writer.detach();
        this.#carrier = undefined;
        carrier.destroy();
      },
    };
  }

  #afterLastFrame(action: () => void): void {
    if (this.#writer.isIdle) action();
    else this.#whenWritten = action;
  }

  #portOf(streamId: string): StreamPort {
    const stream = new ServedStream(streamId, this, this.#options.limits, this.#log);
    this.#streams.set(streamId, stream);
    const port: StreamPort = {
      transmit: (frames) => {
        this.#writer.write(frames);
        this.#traffic.sent(frames);
      },
      retransmit: (frames) => {
        this.#writer.writeAgain(frames);
        this.#traffic.sent(frames);
      },
      deliver: (messages) => stream.deliver(messages),
      backlog: (bytes) => stream.channel.queued(bytes),
      opened: () => {
        const { role, accept } = this.#options;
        stream.opened(role === 'executor' ? accept : undefined);
      },
      // An executor's socket carries other streams too: one slow reader must not stop them.
      readSocket: (reading) => {
        if (this.#options.role === 'harness') this.#carrier?.setReading(reading);
      },
    };
    return observedPort(port, streamId, this.#options.observer);
  }

  #encrypt(streamId: string): OpenedChannel {
    return given(this.#streams.get(streamId)).encrypt().take;
  }

  #actorOf(streamId: string): StreamActor | undefined {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return undefined;
    stream.actor ??= this.#connection.getSnapshot().children[streamActorId(streamId)] as StreamActor | undefined;
    return stream.actor;
  }

  #deliverAll(): void {
    this.#demultiplexer.deliver();
    this.#turnover.finish();
  }

  #route(streamId: string, frames: readonly Frame[]): void {
    this.#options.observer?.received(streamId, frames);
    if (!this.#turnover.holds(streamId, frames, this.#streams.has(streamId))) this.#pass(streamId, frames);
  }

  #pass(streamId: string, frames: readonly Frame[]): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#arrive(streamId, frames);
      return;
    }
    this.sendEvent(streamId, { type: 'frames', frames });
    stream.handOver();
  }

  /** Frames of a stream that nobody serves. */
  #arrive(streamId: string, frames: readonly Frame[]): void {
    for (const [index, frame] of frames.entries()) {
      this.#connection.send({ type: 'stream.arrived', frame });
      const arrived = this.#streams.get(streamId);
      if (arrived === undefined) continue;
      // One whose handshake has only begun is nobody's yet, and its first frame is what it was begun with.
      if (!arrived.isEncrypted) arrived.listen(this.#options.accept(arrived.channel));
      const rest = frames.slice(arrived.isEncrypted ? index + 1 : index);
      if (rest.length > 0) this.sendEvent(streamId, { type: 'frames', frames: rest });
      arrived.handOver();
      return;
    }
  }

  /** Only a reliable stream is harmed by a frame that must not be acted upon: it would wait for it for ever. */
  #reject(error: FrameDecodeError): void {
    this.#log.debug({ code: error.code, streamId: error.streamId }, error.message);
    this.#options.observer?.rejected(error);
    if (error.streamId !== undefined && error.reliable) {
      this.sendEvent(error.streamId, { type: 'frame.rejected', reason: error.code });
    }
  }

  #refuse({ streamId, reliability }: Pick<Frame, 'streamId' | 'reliability'>, reason: string): void {
    const level = reason === 'too_many_streams' ? 'warn' : 'debug';
    this.#log[level]({ streamId, reason }, 'a stream was refused');
    const plain = plainFrame(streamId, { kind: 'reset', reason });
    const frames = [isReliable({ reliability }) ? { ...plain, reliability } : plain];
    this.#options.observer?.sent(streamId, frames);
    this.#writer.write(frames);
  }

  #endStream(end: StreamEnd): void {
    const stream = this.#streams.get(end.streamId);
    if (stream === undefined) return;
    this.#streams.delete(end.streamId);
    const { streamId, reason, initiator } = end;
    if (stream.isHandshaking && initiator === 'local' && !TOLD_BY_RESPONDER.includes(reason)) {
      this.#log.warn({ streamId, reason }, 'a stream ended before its encrypted handshake was done');
    }
    stream.ended(end);
    this.#log.debug(end, 'stream ended');
  }
}

/** The connection encrypts only where it was given who does it, and only streams that it has opened a port for. */
function given<T>(what: T | undefined): T {
  if (what === undefined) throw new Error('there is nobody here who does handshakes');
  return what;
}
