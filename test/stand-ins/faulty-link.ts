/**
 * Two ends joined in memory by a bad network on a virtual clock: the scenario tests' stand-in for a pair of sockets and
 * whatever lies between them. It carries bytes and never looks into them.
 */
import type { Clock } from '../../machines/clock.js';
import { type Faults, FaultyLane, type LaneCounts } from './faulty-lane.js';
import { seededRandom } from './seeded-random.js';

export interface FaultyLinkOptions {
  readonly clock: Clock;
  readonly seed: number;
  /** What befalls messages from `a` to `b`, and back. */
  readonly aToB?: Faults;
  readonly bToA?: Faults;
}

export interface LinkEnd {
  /** A copy is taken. Does nothing while the link is cut, as with a dead wire. */
  send(message: Uint8Array): void;
  /** One listener; what arrives before there is one is an error of the test. */
  onMessage(listener: (message: Uint8Array) => void): void;
  /** What befell the messages this end sent. */
  readonly counts: Readonly<LaneCounts>;
}

export interface FaultyLink {
  readonly a: LinkEnd;
  readonly b: LinkEnd;
  readonly connected: boolean;
  /** Everything under way is lost, and everything sent until {@link join}. */
  cut(): void;
  join(): void;
  /** No more faults from here on; latency stays. */
  heal(): void;
}

export function faultyLink(options: FaultyLinkOptions): FaultyLink {
  const listeners: { a?: (message: Uint8Array) => void; b?: (message: Uint8Array) => void } = {};
  const random = seededRandom(options.seed);
  const lane = (to: 'a' | 'b', faults: Faults = {}) =>
    new FaultyLane<Uint8Array>(options.clock, random, faults, (message) => {
      const listener = listeners[to];
      if (!listener) throw new Error(`a message arrived at end ${to}, where nobody listens yet`);
      listener(message);
    });
  const lanes = { a: lane('b', options.aToB), b: lane('a', options.bToA) };
  let connected = true;
  const end = (name: 'a' | 'b'): LinkEnd => ({
    send: (message) => {
      if (connected) lanes[name].offer(Uint8Array.from(message));
    },
    onMessage: (listener) => {
      listeners[name] = listener;
    },
    counts: lanes[name].counts,
  });
  return {
    a: end('a'),
    b: end('b'),
    get connected() {
      return connected;
    },
    cut() {
      connected = false;
      lanes.a.cut();
      lanes.b.cut();
    },
    join() {
      connected = true;
    },
    heal() {
      for (const healed of [lanes.a, lanes.b]) {
        const { latencyMs } = healed.faults;
        healed.faults = latencyMs === undefined ? {} : { latencyMs };
      }
    },
  };
}
