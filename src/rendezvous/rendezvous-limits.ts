/**
 * What bounds the memory, sockets and patience of one rendezvous. Every number is an option; these are the defaults.
 */
import { defaultLimits } from '../../proto/limits.js';

const KIB = 1024;
const MIB = 1024 * 1024;

export interface RendezvousLimits {
  /** Bytes of one WebSocket message; larger ones close that socket with 1009. */
  readonly websocketMessageBytes: number;
  /** Streams of one harness socket; a further one is answered with reset. */
  readonly streamsPerHarness: number;
  /** Harness sockets of one environment; a further one is refused with 503. */
  readonly harnessesPerEnvironment: number;
  /** Environments with at least one socket; a further one is refused with 503. */
  readonly environments: number;
  /** TCP connections of any kind, authenticated or not; further ones are closed unheard. */
  readonly connections: number;
  /** Bytes waiting for one socket above which whoever sends to it is paused; one message may pass it by its size. */
  readonly pauseAboveBytes: number;
  /** Bytes waiting for one socket below which those senders go on. */
  readonly resumeBelowBytes: number;
  /** In this time a socket with senders paused must take `resumeBelowBytes`, or it is closed. */
  readonly stuckAfterMs: number;
  /** Between two pings; a socket from which nothing came for two of these is ended. Below 30 s (relay.md §11). */
  readonly pingIntervalMs: number;
  /** Between two looks at sockets that owe an answer: pinged after one in silence, ended after four. */
  readonly lookIntervalMs: number;
  /** Between two looks at whether the tokens of those who are connected still count. */
  readonly revocationIntervalMs: number;
  /** How long the route of a stream that can go on outlives a socket. */
  readonly graceMs: number;
  /** Such routes of one environment that may wait at a time; a further one ends with its socket. */
  readonly waitingRoutes: number;
  /** How long an executor that was lost, or any after a start, is expected back by harnesses that ask for it. */
  readonly executorExpectedMs: number;
  /** How long such a harness waits for it. */
  readonly executorWaitMs: number;
  /** How long a closing socket may take to say goodbye. */
  readonly closeTimeoutMs: number;
  /** How long a URL of the registry lets its holder reconnect, executor or harness. */
  readonly ticketLifetimeMs: number;
  /** How long a harness may take from `connect` until its executor asks whether it may come in. */
  readonly authorizationLifetimeMs: number;
  /** Registrations of one environment that are remembered; a further one takes the place of the oldest. */
  readonly registrationsPerEnvironment: number;
  /** As above, of all environments; about 1.5 KB each. */
  readonly registrations: number;
  readonly httpHeaderBytes: number;
  readonly httpBodyBytes: number;
  /** For all headers of a request, from its first byte. */
  readonly httpHeadersMs: number;
  /** For the whole request. */
  readonly httpRequestMs: number;
  /** How long an idle HTTP connection is kept. */
  readonly httpKeepAliveMs: number;
}

export const defaultRendezvousLimits: RendezvousLimits = {
  websocketMessageBytes: defaultLimits.websocketMessageBytes,
  streamsPerHarness: defaultLimits.streams,
  harnessesPerEnvironment: 1024,
  environments: 4096,
  connections: 16_384,
  pauseAboveBytes: MIB,
  resumeBelowBytes: 256 * KIB,
  stuckAfterMs: 30_000,
  pingIntervalMs: 20_000,
  lookIntervalMs: 2_500,
  revocationIntervalMs: 2_000,
  graceMs: 60_000,
  executorExpectedMs: 10_000,
  executorWaitMs: 4_000,
  waitingRoutes: 4096,
  closeTimeoutMs: 10_000,
  ticketLifetimeMs: 3_600_000,
  authorizationLifetimeMs: 60_000,
  registrationsPerEnvironment: 8,
  registrations: 16_384,
  httpHeaderBytes: 16 * KIB,
  httpBodyBytes: 64 * KIB,
  httpHeadersMs: 10_000,
  httpRequestMs: 15_000,
  httpKeepAliveMs: 5_000,
};
