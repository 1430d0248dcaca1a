/**
 * The actor of one connection on a virtual clock, with a world that does what the test says: an address that is found
 * or not, sockets that open, close, answer pings. What the connection does to that world is written down.
 */
import { type Actor, createActor } from 'xstate';
import { connectionMachine } from '../../machines/connection.machine.js';
import { streamActorId } from '../../machines/connection-setup.js';
import {
  type AttachedSocket,
  type ConnectionEnd,
  type ConnectionInput,
  type ConnectionPort,
  defaultConnectionTiming,
  type Location,
  type SocketEvent,
} from '../../machines/connection-types.js';
import { newTraffic } from '../../machines/protocol/traffic.js';
import type { StreamEvent, StreamPort } from '../../machines/stream-types.js';
import { type Frame, isReliable } from '../../proto/frame.js';
import { defaultLimits } from '../../proto/limits.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { brief, slowAcks } from './lone-stream.js';

export type LoneConnectionOptions = Partial<Pick<ConnectionInput, 'role' | 'retry' | 'limits' | 'random'>> & {
  /** Replaces the effects of streams, by id, where they are to do more than to be written down. */
  readonly effects?: (streamId: string) => Partial<StreamPort>;
  readonly openSocket?: ConnectionPort['openSocket'];
};

export class LoneConnection {
  readonly clock = new StepClock();
  /** What the endpoint would note of the frames that pass. */
  readonly traffic = newTraffic();
  readonly actor: Actor<typeof connectionMachine>;
  #log: string[] = [];
  #locating: { resolve: (location: Location) => void; reject: (error: unknown) => void; signal: AbortSignal }[] = [];
  #report: ((event: SocketEvent) => void) | undefined;

  constructor(options: LoneConnectionOptions = {}) {
    const { effects, openSocket, ...input } = options;
    const note = (line: string): void => {
      this.#log.push(line);
    };
    const port: ConnectionPort = {
      locate: (signal) => {
        note('locate');
        return new Promise((resolve, reject) => this.#locating.push({ resolve, reject, signal }));
      },
      openSocket: (url, report) => {
        note(`open ${url}`);
        this.#report = report;
        const socket = openSocket?.(url, report);
        const doing = (what: keyof AttachedSocket) => () => {
          socket?.[what]();
          note(what);
        };
        return { ping: doing('ping'), close: doing('close'), release: doing('release') };
      },
      streamPort: (streamId) => ({
        transmit: (frames) => {
          for (const frame of frames) note(`${streamId}: ${brief(frame)}`);
        },
        retransmit: (frames) => note(`${streamId}: ${frames.length} again`),
        deliver: (messages) => note(`${streamId} delivers ${messages.length}`),
        backlog: () => {},
        readSocket: () => {},
        opened: () => {},
        ...effects?.(streamId),
      }),
      initiator: () => {
        throw new Error('no stream is encrypted here');
      },
      responder: () => {
        throw new Error('no stream is encrypted here');
      },
      streamEnded: ({ streamId, kind, reason, initiator }) => note(`${streamId} ended: ${kind} ${reason} ${initiator}`),
      refuse: ({ streamId, reliability }, reason) => note(`${streamId} refused: ${reason} ${reliability}`),
      watchSleep: () => () => {},
    };
    const given: ConnectionInput = {
      role: 'executor',
      retry: 'always',
      encryption: 'never',
      limits: defaultLimits,
      timing: defaultConnectionTiming,
      streamTiming: slowAcks,
      random: () => 0,
      ...input,
      port,
      clock: this.clock,
      traffic: this.traffic,
    };
    this.actor = createActor(connectionMachine, { clock: this.clock, input: given });
    // A refused connection is an outcome, a crashed one a defect: the test sees it in the state.
    this.actor.subscribe({ error: () => {} });
    this.actor.start();
  }

  /** What happened since this was asked last. */
  log(): string[] {
    const log = this.#log;
    this.#log = [];
    return log;
  }

  /** The address asked for last is found. */
  async located(url = 'ws://one'): Promise<void> {
    this.#locating.at(-1)?.resolve({ url });
    await this.clock.advanceAsync(0);
  }

  async notLocated(error: unknown): Promise<void> {
    this.#locating.at(-1)?.reject(error);
    await this.clock.advanceAsync(0);
  }

  get locatingAborted(): boolean | undefined {
    return this.#locating.at(-1)?.signal.aborted;
  }

  /** Something happens to the socket that was opened last. */
  socket(event: SocketEvent): void {
    this.#report?.(event);
  }

  async online(url?: string): Promise<void> {
    await this.located(url);
    this.socket({ type: 'socket.opened' });
    this.log();
  }

  send(event: Parameters<Actor<typeof connectionMachine>['send']>[0]): void {
    this.actor.send(event);
  }

  /**
   * A frame comes for a stream: to its actor, or to the connection when there is none, as the endpoint does it. The
   * first data of a reliable stream come behind its `resume`.
   */
  receive(...frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (this.stream(frame.streamId) === undefined) {
        const isFirst = isReliable(frame) && frame.body.kind === 'data' && frame.body.seq === 1;
        const opening: Frame = isFirst ? { ...frame, body: { kind: 'resume', nextSeq: 1 } } : frame;
        this.send({ type: 'stream.arrived', frame: opening });
      }
      this.toStream(frame.streamId, { type: 'frames', frames: [frame] });
    }
  }

  toStream(streamId: string, event: StreamEvent): void {
    this.stream(streamId)?.send(event);
  }

  stream(streamId: string) {
    return this.actor.getSnapshot().children[streamActorId(streamId)];
  }

  is(state: Parameters<ReturnType<Actor<typeof connectionMachine>['getSnapshot']>['matches']>[0]): boolean {
    return this.actor.getSnapshot().matches(state);
  }

  /** How it ended: `closed`, or the message of its refusal; undefined while it lives. */
  get end(): string | undefined {
    const end = this.actor.getSnapshot().output as ConnectionEnd | undefined;
    return end?.kind === 'refused' ? end.error.message : end?.kind;
  }
}
