/**
 * What runs at a harness of a simulated world: opens streams when planned, asks what is planned, and takes note of the
 * answers. A request whose stream ended is not asked again: its fate is unknown, and a repetition might run it twice.
 */
import type { Clock } from '../../machines/clock.js';
import type { RelayEndpoint } from '../../src/carrier/relay-endpoint.js';
import type { StreamChannel } from '../../src/carrier/stream-channel.js';
import type { Oracle } from './oracle.js';
import { Outbox } from './outbox.js';
import type { StreamPlan } from './scenario.js';

/** How long it waits before it looks again whether its connection is up. */
const LOOK_AGAIN_MS = 200;

export interface HarnessProgramOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly oracle: Oracle;
  /** Numbers the requests of the whole run. */
  nextRequest(): number;
  /** Its streams are encrypted: each has a handshake before anything can be asked. */
  readonly encrypted: boolean;
  /** That of this one did not come to an end. */
  notOpened(streamId: string): void;
  /** A stream was opened; whether it can succeed is for the caller to note. */
  opened(streamId: string): void;
}

interface LiveStream {
  readonly plan: StreamPlan;
  readonly channel: StreamChannel;
  outstanding: number;
  /** Pauses of its reader that are not over. */
  pauses: number;
  unasked: number;
  closing: boolean;
}

export class HarnessProgram {
  endpoint: RelayEndpoint | undefined;
  readonly #options: HarnessProgramOptions;
  readonly #live = new Map<string, LiveStream>();
  /** Ids that had their stream, for the adversary to use again. */
  readonly spent: string[] = [];
  #unopened = 0;

  constructor(options: HarnessProgramOptions) {
    this.#options = options;
  }

  /** Whether everything planned has come to an end, good or bad. */
  get isDone(): boolean {
    if (this.#unopened > 0) return false;
    for (const [streamId, stream] of this.#live) {
      // Two streams of one id can leave each other without an answer.
      if (this.#options.oracle.isReused(streamId)) continue;
      if (stream.outstanding + stream.unasked + stream.pauses > 0 || stream.closing) return false;
    }
    return true;
  }

  /** Ids of its streams alive. */
  get streams(): readonly string[] {
    return [...this.#live.keys()];
  }

  channel(streamId: string): StreamChannel | undefined {
    return this.#live.get(streamId)?.channel;
  }

  plan(streamId: string, plan: StreamPlan): void {
    this.#unopened += 1;
    this.#options.clock.setTimeout(() => this.#open(streamId, plan), plan.openAt);
  }

  #open(streamId: string, plan: StreamPlan): void {
    const { endpoint } = this;
    const { clock, oracle } = this.#options;
    if (endpoint === undefined || !endpoint.isOnline) {
      clock.setTimeout(() => this.#open(streamId, plan), LOOK_AGAIN_MS);
      return;
    }
    this.#unopened -= 1;
    if (this.#live.has(streamId)) return;
    this.#options.opened(streamId);
    const timers = new Set<unknown>();
    let isOpen = !this.#options.encrypted;
    const channel = endpoint.open(streamId, () => ({
      receive: (messages) => {
        for (const bytes of messages) {
          const message = oracle.delivered(this.#options.name, streamId, bytes);
          if (message?.kind === 'answer') this.#answered(streamId);
        }
      },
      opened: () => {
        isOpen = true;
      },
      ended: (end) => {
        for (const timer of timers) clock.clearTimeout(timer);
        if (!isOpen) this.#options.notOpened(streamId);
        const closing = this.#live.get(streamId)?.closing ?? false;
        this.#live.delete(streamId);
        this.spent.push(streamId);
        oracle.ended(end, closing);
      },
    }));
    const [unasked, pauses] = [plan.requests.length, plan.pauses.length];
    const stream: LiveStream = { plan, channel, outstanding: 0, unasked, pauses, closing: false };
    this.#live.set(streamId, stream);
    const after = (delayMs: number, action: () => void) => {
      const timer = clock.setTimeout(() => {
        timers.delete(timer);
        action();
      }, delayMs);
      timers.add(timer);
    };
    const outbox = new Outbox(channel);
    for (const { at, fillerBytes, work } of plan.requests) {
      after(at, () => {
        stream.unasked -= 1;
        stream.outstanding += 1;
        const request = this.#options.nextRequest();
        oracle.requested(streamId, request);
        outbox.send({ kind: 'request', request, work }, fillerBytes);
      });
    }
    for (const { at, forMs } of plan.pauses) {
      after(at, () => channel.setReading(false));
      after(at + forMs, () => {
        stream.pauses -= 1;
        channel.setReading(true);
      });
    }
  }

  #answered(streamId: string): void {
    const stream = this.#live.get(streamId);
    if (stream === undefined) return;
    stream.outstanding -= 1;
    if (stream.outstanding + stream.unasked > 0 || !stream.plan.closes) return;
    stream.closing = true;
    stream.channel.close();
  }
}
