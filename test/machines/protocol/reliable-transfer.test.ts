/**
 * Send window and receive window joined by a network that loses, doubles and reorders, without charts and clocks of
 * their own: whatever happens, exactly the messages come out, and nobody holds more than was agreed.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { acknowledges } from '../../../machines/protocol/ack-bits.js';
import {
  ackBitsOf,
  emptyReceiveWindow,
  type ReceiveBounds,
  type ReceiveWindow,
  receive,
} from '../../../machines/protocol/receive-window.js';
import type { RoundTrip } from '../../../machines/protocol/round-trip.js';
import {
  acknowledge,
  emptySendWindow,
  enqueue,
  isDrained,
  probe,
  retransmitLost,
  type SendBounds,
  type SendWindow,
  type SentSegment,
  sendQueued,
} from '../../../machines/protocol/send-window.js';

const roundTrip: RoundTrip = { smoothedMs: 10, varianceMs: 1, latestMs: 10, samples: 5 };

type Action =
  | { readonly kind: 'say'; readonly length: number; readonly whole: boolean }
  /** Data number `pick` of those under way arrives; `copy` leaves it under way too. */
  | { readonly kind: 'arrive' | 'acknowledge'; readonly pick: number; readonly copy: boolean }
  | { readonly kind: 'lose' | 'loseAck'; readonly pick: number }
  | { readonly kind: 'wait'; readonly ms: number };

class Transfer {
  readonly said: number[][] = [];
  readonly heard: number[][] = [];
  readonly #received = new Set<number>();
  readonly #sent = new Map<number, SentSegment>();
  #send: SendWindow = emptySendWindow;
  #receive: ReceiveWindow = emptyReceiveWindow;
  #data: SentSegment[] = [];
  #acks: { readonly ack: number; readonly bits: number }[] = [];
  #now = 0;

  constructor(private readonly bounds: SendBounds & ReceiveBounds) {}

  do(action: Action): void {
    switch (action.kind) {
      case 'say': {
        const message = Uint8Array.from({ length: action.length }, (_, index) => this.said.length + index);
        this.said.push([...message]);
        this.#send = enqueue(this.#send, [message], action.whole ? Number.POSITIVE_INFINITY : this.bounds.segmentBytes);
        this.#pump();
        break;
      }
      case 'arrive':
        this.#take(this.#data, action, (segment) => this.#arrive(segment));
        break;
      case 'acknowledge':
        this.#take(this.#acks, action, ({ ack, bits }) => this.#acknowledge(ack, bits));
        break;
      case 'lose':
        this.#take(this.#data, { ...action, copy: false }, () => {});
        break;
      case 'loseAck':
        this.#take(this.#acks, { ...action, copy: false }, () => {});
        break;
      case 'wait':
        this.#now += action.ms;
        this.#resend(retransmitLost(this.#send, this.#now, roundTrip));
    }
    this.#check();
  }

  /** From now on nothing is lost: everything said must come out after a bounded number of probes. */
  heal(): void {
    for (let round = 0; round < 1000 && !isDrained(this.#send); round += 1) {
      while (this.#data.length > 0) this.do({ kind: 'arrive', pick: 0, copy: false });
      while (this.#acks.length > 0) this.do({ kind: 'acknowledge', pick: 0, copy: false });
      this.#now += 1000;
      if (!isDrained(this.#send) && this.#data.length === 0) this.#resend(probe(this.#send, this.#now));
      this.#check();
    }
    expect(isDrained(this.#send)).toBe(true);
  }

  #take<Item>(from: Item[], { pick, copy }: { pick: number; copy: boolean }, use: (item: Item) => void): void {
    if (from.length === 0) return;
    const place = pick % from.length;
    const item = from[place] as Item;
    if (!copy) from.splice(place, 1);
    use(item);
  }

  #arrive({ seq, segmentIndex, segmentCount, payload }: SentSegment): void {
    const received = receive(this.#receive, [{ kind: 'data', seq, segmentIndex, segmentCount, payload }], this.bounds);
    must(received.violation === undefined, received.violation?.message ?? '');
    this.#received.add(seq);
    this.#receive = received.window;
    for (const message of received.messages) {
      expect([...message]).toEqual(this.said[this.heard.length]);
      this.heard.push([...message]);
    }
    this.#acks.push({ ack: this.#receive.ack, bits: ackBitsOf(this.#receive) });
  }

  #acknowledge(ack: number, bits: number): void {
    const result = acknowledge(this.#send, ack, bits, this.#now);
    if (result.kind === 'impossible') throw new Error(result.message);
    this.#send = result.window;
    this.#resend(retransmitLost(this.#send, this.#now, roundTrip));
    this.#pump();
  }

  #pump(): void {
    const { window, segments } = sendQueued(this.#send, this.#now, this.bounds);
    this.#send = window;
    this.#data.push(...segments);
    for (const segment of segments) this.#sent.set(segment.seq, { ...segment, payload: segment.payload.slice() });
  }

  #resend({ window, segments }: { window: SendWindow; segments: readonly SentSegment[] }): void {
    this.#send = window;
    this.#data.push(...segments);
    for (const { seq, payload, segmentIndex, segmentCount } of segments) {
      const first = this.#sent.get(seq);
      expect([segmentIndex, segmentCount]).toEqual([first?.segmentIndex, first?.segmentCount]);
      expect([...payload]).toEqual([...(first?.payload ?? [])]);
    }
  }

  #check(): void {
    const { peerAck, nextSeq, inFlight, inFlightBytes, beyondGap, queuedBytes, queue } = this.#send;
    const { windowSegments, retainedBytes, outOfOrderBytes, segmentBytes } = this.bounds;
    must(nextSeq - 1 - peerAck <= windowSegments, 'never more segments beyond the ack than the window has');
    must(inFlightBytes === sum(inFlight, ({ payload }) => payload.length), 'bytes in flight are counted');
    const retained = inFlightBytes + sum(beyondGap, ({ bytes }) => bytes);
    must(retained <= retainedBytes || inFlight.length + beyondGap.length === 1, 'retained bytes keep their bound');
    const beyond = new Set([...inFlight, ...beyondGap].map(({ seq }) => seq));
    must(beyond.size === inFlight.length + beyondGap.length, 'nothing is both in flight and held by the peer');
    must(beyond.size === nextSeq - 1 - peerAck, 'everything beyond the ack is accounted for');
    for (let seq = peerAck + 1; seq < nextSeq; seq += 1) must(beyond.has(seq), `seq ${seq} is accounted for`);
    const waiting = sum(queue, ({ message, cut }) => message.length - (cut === 0 ? 0 : cut * segmentBytes));
    must(queuedBytes === waiting, 'bytes in the queue are counted');
    must(this.#receive.heldBytes <= outOfOrderBytes, 'bytes out of order keep their bound');
    const { ack } = this.#receive;
    const bits = ackBitsOf(this.#receive);
    for (let seq = Math.max(1, ack - 2); seq <= ack + 33; seq += 1) {
      must(acknowledges(ack, bits, seq) === this.#received.has(seq), `seq ${seq} is acknowledged if it came`);
    }
  }
}

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(`broken: ${what}`);
}

function sum<Item>(items: readonly Item[], measure: (item: Item) => number): number {
  return items.reduce((total, item) => total + measure(item), 0);
}

const pick = fc.nat(40);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('say' as const),
      length: fc.integer({ min: 1, max: 95 }),
      whole: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('arrive' as const, 'acknowledge' as const),
      pick,
      copy: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('lose' as const, 'loseAck' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(30) }) },
);

it.each([
  ['a full window', { windowSegments: 32, retainedBytes: 2000 }],
  ['few segments', { windowSegments: 4, retainedBytes: 2000 }],
  ['few bytes', { windowSegments: 32, retainedBytes: 100 }],
  ['messages larger than the bytes retained', { windowSegments: 32, retainedBytes: 30 }],
])('delivers exactly what was said with %s', (_name, small) => {
  const bounds = {
    ...small,
    outOfOrderBytes: small.retainedBytes,
    segmentBytes: 10,
    messageBytes: 1000,
    messageSegments: 100,
  };
  fc.assert(
    fc.property(fc.array(action, { maxLength: 150, size: 'max' }), (actions) => {
      const transfer = new Transfer(bounds);
      for (const step of actions) transfer.do(step);
      transfer.heal();
      expect(transfer.heard).toEqual(transfer.said);
    }),
  );
});
