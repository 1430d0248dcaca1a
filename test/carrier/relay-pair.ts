/**
 * Two real relay endpoints, harness and executor, joined by a faulty link in memory on a virtual clock: the production
 * machines and the production plumbing, without sockets. Scenario tests say what the network does and look at both ends.
 */
import { createActor } from 'xstate';
import { connectionMachine } from '../../machines/connection.machine.js';
import { defaultConnectionTiming } from '../../machines/connection-types.js';
import { defaultStreamTiming, type StreamEnd } from '../../machines/stream-types.js';
import type { Frame } from '../../proto/frame.js';
import { decodeFrame } from '../../proto/frame-codec.js';
import { defaultLimits } from '../../proto/limits.js';
import type { CarrierListener } from '../../src/carrier/carrier.js';
import { RelayEndpoint } from '../../src/carrier/relay-endpoint.js';
import type { StreamChannel } from '../../src/carrier/stream-channel.js';
import { silentLog } from '../../src/observe/log.js';
import type { Observation } from '../../src/observe/observation.js';
import type { Faults } from '../stand-ins/faulty-lane.js';
import { type FaultyLink, faultyLink, type LinkEnd } from '../stand-ins/faulty-link.js';
import { seededRandom } from '../stand-ins/seeded-random.js';
import { StepClock } from '../stand-ins/step-clock.js';

export interface PairOptions {
  readonly seed?: number;
  readonly toExecutor?: Faults;
  readonly toHarness?: Faults;
  /** What the executor answers to each message; none by default. */
  readonly answer?: (message: Uint8Array, channel: StreamChannel) => void;
  /** Observes the executor. */
  readonly observe?: (clock: StepClock) => Observation;
}

/** What one end of a stream has seen. */
export interface Side {
  readonly channel: StreamChannel;
  readonly received: string[];
  end: StreamEnd | undefined;
}

export interface RelayPair {
  readonly clock: StepClock;
  readonly link: FaultyLink;
  readonly harness: RelayEndpoint;
  readonly executor: RelayEndpoint;
  /** Streams the executor has accepted, by id. */
  readonly accepted: Map<string, Side>;
  /** Every frame an end handed to the link, in order. */
  readonly sent: { readonly harness: Frame[]; readonly executor: Frame[] };
  /** With `receive`, messages go there as they are, and not to `received` as text. */
  open(streamId: string, receive?: (message: Uint8Array) => void): Side;
}

/** Bulk that an executor answers is not kept. */
const LONGEST_TEXT = 1000;

const decoder = new TextDecoder();
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export async function relayPair(options: PairOptions = {}): Promise<RelayPair> {
  const clock = new StepClock();
  const seed = options.seed ?? 1;
  const link = faultyLink({
    clock,
    seed,
    ...(options.toExecutor ? { aToB: options.toExecutor } : {}),
    ...(options.toHarness ? { bToA: options.toHarness } : {}),
  });
  const sent = { harness: [] as Frame[], executor: [] as Frame[] };
  const accepted = new Map<string, Side>();
  const observation = options.observe?.(clock);
  const endpoint = (role: 'harness' | 'executor', end: LinkEnd): RelayEndpoint => {
    const random = seededRandom(seed + 1);
    const watched = role === 'executor' ? observation : undefined;
    const times = { timing: defaultConnectionTiming, streamTiming: defaultStreamTiming };
    const facts = { role, retry: 'always', encryption: 'never', limits: defaultLimits, ...times } as const;
    return new RelayEndpoint({
      role,
      retry: 'always',
      clock,
      log: silentLog,
      limits: defaultLimits,
      timing: defaultConnectionTiming,
      streamTiming: defaultStreamTiming,
      random,
      ...watched?.addEndpoint(facts, random),
      locate: () => Promise.resolve({ url: 'memory:' }),
      openCarrier: (_url, listener) => memoryCarrier(clock, end, listener, sent[role]),
      accept: (channel) => {
        const side: Side = { channel, received: [], end: undefined };
        accepted.set(channel.streamId, side);
        return {
          receive: (messages) => {
            for (const message of messages) {
              if (options.answer === undefined || message.length < LONGEST_TEXT)
                side.received.push(decoder.decode(message));
              options.answer?.(message, channel);
            }
          },
          ended: (streamEnd) => {
            side.end = streamEnd;
          },
        };
      },
      start: (input) => {
        const connection = createActor(connectionMachine, { input, clock }).start();
        watched?.addRoot(connection);
        return connection;
      },
    });
  };
  const harness = endpoint('harness', link.a);
  const executor = endpoint('executor', link.b);
  await clock.runUntilAsync(() => harness.isOnline && executor.isOnline, 1000);
  return {
    clock,
    link,
    harness,
    executor,
    accepted,
    sent,
    open(streamId, receive) {
      const received: string[] = [];
      const take = receive ?? ((message: Uint8Array) => received.push(decoder.decode(message)));
      let side: Side | undefined;
      const channel = harness.open(streamId, () => ({
        receive: (messages) => {
          for (const message of messages) take(message);
        },
        ended: (end) => {
          if (side) side.end = end;
        },
      }));
      side = { channel, received, end: undefined };
      return side;
    },
  };
}

function memoryCarrier(clock: StepClock, end: LinkEnd, listener: CarrierListener, sent: Frame[]) {
  let open = true;
  end.onMessage((message) => open && listener.message(message));
  clock.setTimeout(() => open && listener.opened(), 0);
  return {
    bufferedBytes: 0,
    send: (message: Uint8Array) => {
      sent.push(decodeFrame(message));
      end.send(message);
    },
    onDrained: () => {},
    ping: () => void clock.setTimeout(() => open && listener.ponged(), 0),
    setReading: () => {},
    close: (code: number, reason: string) => open && listener.closed(code, reason),
    destroy: () => {
      open = false;
    },
  };
}
