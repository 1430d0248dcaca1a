/**
 * One end of a relay connection in a replay: what its charts are started with, and where their effects go, which is
 * nowhere but to whoever compares them with the recording.
 */
import type { Clock } from '../../machines/clock.js';
import type { ConnectionInput, ConnectionPort } from '../../machines/connection-types.js';
import { admit } from '../../machines/protocol/admission.js';
import { RECORD_BYTES } from '../../machines/protocol/noise-framing.js';
import { unmeasuredRoundTrip } from '../../machines/protocol/round-trip.js';
import type { Traffic } from '../../machines/protocol/traffic.js';
import { streamMachine } from '../../machines/stream.machine.js';
import type { InitiatorPort, ResponderPort, StreamInput, StreamPort } from '../../machines/stream-types.js';
import { type Frame, isReliable, plainFrame } from '../../proto/frame.js';
import { type EndpointObserver, observedPort } from '../observe/endpoint-observer.js';
import type { ObservedEndpoint } from '../observe/observation.js';

export interface ReplayedEndpointOptions extends Omit<ObservedEndpoint, 'number'> {
  readonly number: number;
  readonly observer: EndpointObserver;
  /** Gives the recorded draws of chance. */
  readonly random: () => number;
  readonly clock: Clock;
  /** So many frames of a stream have left. */
  sent(streamId: string, count: number): void;
}

/** What these would resolve with arrives as the event that says so. */
const never = <T>() => new Promise<T>(() => {});
const nothing = () => {};

const initiator: InitiatorPort = { greet: never, conclude: never, abandon: nothing };
const responder: ResponderPort = { read: never, authorise: never, abandon: nothing };
const quietPort: StreamPort = {
  transmit: nothing,
  retransmit: nothing,
  deliver: nothing,
  backlog: nothing,
  readSocket: nothing,
  opened: nothing,
};

export class ReplayedEndpoint {
  /** Its connection is replayed, not only streams of it. */
  isReplayed = false;
  readonly #options: ReplayedEndpointOptions;

  constructor(options: ReplayedEndpointOptions) {
    this.#options = options;
  }

  /** Under which the replay tells of it. */
  get number(): number {
    return this.#options.number;
  }

  get role(): ObservedEndpoint['role'] {
    return this.#options.role;
  }

  connectionInput(traffic: Traffic): ConnectionInput {
    const { role, retry, encryption, limits, timing, streamTiming, random, clock } = this.#options;
    return { role, retry, encryption, limits, timing, streamTiming, random, clock, traffic, port: this.#port() };
  }

  /** Of the stream that this frame opens at an executor; undefined when it opens none. */
  streamInput(frame: Frame): { readonly machine: typeof streamMachine; readonly input: StreamInput } | undefined {
    const { role, encryption, limits, streamTiming: timing, random, clock } = this.#options;
    const verdict = admit(frame, {
      role,
      encryption,
      retired: false,
      endedLately: false,
      streams: 0,
      mostStreams: 1,
      windowSegments: limits.windowSegments,
    });
    if (verdict.kind !== 'open') return undefined;
    const isEncrypted = verdict.greeting !== undefined;
    const { streamId } = frame;
    const input: StreamInput = {
      streamId,
      role,
      profile: verdict.profile,
      port: this.#streamPort(streamId),
      clock,
      limits: isEncrypted ? { ...limits, segmentBytes: RECORD_BYTES } : limits,
      timing,
      meter: { current: unmeasuredRoundTrip },
      random,
      ...(isEncrypted ? { responder } : {}),
    };
    return { machine: streamMachine, input };
  }

  #port(): ConnectionPort {
    return {
      locate: never,
      openSocket: () => ({ ping: nothing, close: nothing, release: nothing }),
      streamPort: (streamId) => this.#streamPort(streamId),
      initiator: () => initiator,
      responder: () => responder,
      streamEnded: nothing,
      refuse: ({ streamId, reliability }, reason) => {
        const plain = plainFrame(streamId, { kind: 'reset', reason });
        this.#options.observer.sent(streamId, [isReliable({ reliability }) ? { ...plain, reliability } : plain]);
      },
      watchSleep: () => nothing,
    };
  }

  #streamPort(streamId: string): StreamPort {
    const sent = ({ length }: readonly Frame[]) => this.#options.sent(streamId, length);
    return observedPort({ ...quietPort, transmit: sent, retransmit: sent }, streamId, this.#options.observer);
  }
}
