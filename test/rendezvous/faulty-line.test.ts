import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Frame, plainFrame } from '../../proto/frame.js';
import { decodeFrame, encodeFrame } from '../../proto/frame-codec.js';
import type { Faults } from '../../src/rendezvous/faults.js';
import { FaultyLine } from '../../src/rendezvous/faulty-line.js';
import { seededRandom } from '../../src/rendezvous/seeded-random.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { data } from './relay-peer.js';

const NO_FAULTS: Faults = { drop: 0, duplicate: 0, reorder: 0, delayMs: 0, delaySpreadMs: 0, cutMs: 0, seed: 1 };

/** A line on a virtual clock; streams are repairable unless their id says `release`. */
class Venue {
  readonly clock = new StepClock();
  readonly arrived: { what: string; at: number }[] = [];
  readonly reading: boolean[] = [];
  cuts = 0;
  isInUse = true;
  /** What arriving does beside being written down. */
  onArrival = () => {};
  readonly line: FaultyLine;

  constructor(faults: Partial<Faults>, bounds?: { bytes: number; messages: number }) {
    this.line = new FaultyLine({
      faults: { ...NO_FAULTS, ...faults },
      clock: this.clock,
      random: seededRandom(faults.seed ?? 1),
      ...(bounds === undefined ? {} : { bounds }),
      port: {
        deliver: (message, isBinary) => {
          this.arrived.push({ what: isBinary ? briefly(message) : message.toString(), at: this.clock.now() });
          this.onArrival();
        },
        isRepairable: (streamId) => !streamId.startsWith('release'),
        read: (reading) => this.reading.push(reading),
        isInUse: () => this.isInUse,
        cut: () => {
          this.cuts += 1;
        },
      },
    });
  }

  /** A frame of a stream with this number. */
  send(number: number, streamId = 's'): void {
    this.offer(plainFrame(streamId, data(`${number}`, number)));
  }

  offer(frame: Frame): void {
    this.line.offer(Buffer.from(encodeFrame(frame)), true);
  }

  get whats(): string[] {
    return this.arrived.map(({ what }) => what);
  }

  /** Numbers that arrived on a stream, in order. */
  numbers(streamId = 's'): number[] {
    return this.whats.filter((what) => what.startsWith(`${streamId} `)).map((what) => Number(what.split(' ')[1]));
  }
}

function briefly(message: Buffer): string {
  try {
    const { streamId, body } = decodeFrame(message);
    return body.kind === 'data' ? `${streamId} ${body.seq}` : `${streamId} ${body.kind}`;
  } catch {
    return 'no frame';
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);
const sorted = (numbers: readonly number[]) => [...numbers].sort((one, other) => one - other);

describe('a faulty line', () => {
  it('loses about as many frames as it is told', () => {
    const venue = new Venue({ drop: 0.1 });
    for (const number of upTo(5000)) venue.send(number);
    const lost = 5000 - venue.numbers().length;
    expect(lost).toBeGreaterThan(400);
    expect(lost).toBeLessThan(600);
    expect(venue.numbers()).toEqual(sorted(venue.numbers()));
  });

  it('doubles about as many, one right after the other', () => {
    const venue = new Venue({ duplicate: 0.1 });
    for (const number of upTo(5000)) venue.send(number);
    const doubled = venue.numbers().length - 5000;
    expect(doubled).toBeGreaterThan(400);
    expect(doubled).toBeLessThan(600);
    expect(venue.numbers()).toEqual(sorted(venue.numbers()));
    expect([...new Set(venue.numbers())]).toEqual(upTo(5000));
  });

  it('moves frames by so many places at most, and loses none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(), fc.integer({ min: 1, max: 60 }), (reorder, seed, count) => {
        const venue = new Venue({ reorder, seed });
        for (const number of upTo(count)) venue.send(number);
        venue.clock.advance(20);
        expect(sorted(venue.numbers())).toEqual(upTo(count));
        for (const [place, number] of venue.numbers().entries()) {
          expect(Math.abs(place - number)).toBeLessThanOrEqual(reorder);
        }
        expect(venue.clock.pending()).toEqual([]);
      }),
    );
    const venue = new Venue({ reorder: 1 });
    for (const number of upTo(100)) venue.send(number);
    expect(venue.numbers()).not.toEqual(sorted(venue.numbers()));
  });

  it('has no frame wait for those of another stream', () => {
    const venue = new Venue({ reorder: 3 });
    for (const number of upTo(40)) {
      venue.send(number, 'a');
      for (const _ of upTo(5)) venue.offer(plainFrame('release', { kind: 'heartbeat' }));
    }
    venue.clock.advance(20);
    for (const [place, number] of venue.numbers('a').entries()) {
      expect(Math.abs(place - number)).toBeLessThanOrEqual(3);
    }
  });

  it('delays by so much, give or take, and keeps the order', () => {
    const venue = new Venue({ delayMs: 50, delaySpreadMs: 20 });
    for (const number of upTo(200)) {
      venue.send(number);
      venue.clock.advance(1);
    }
    venue.clock.advance(100);
    expect(venue.numbers()).toEqual(upTo(200));
    const delays = venue.arrived.map(({ at }, sent) => at - sent);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(30);
    expect(Math.max(...delays)).toBeLessThanOrEqual(70);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(10);
    expect(venue.clock.pending()).toEqual([]);
  });

  it('only delays what nobody could repair: resets, streams of releases, what the router needs, and what is no frame', () => {
    const venue = new Venue({ drop: 1, duplicate: 1, reorder: 3, delayMs: 10 });
    for (const number of upTo(20)) venue.send(number, 'release');
    venue.send(0);
    venue.offer(plainFrame('s', { kind: 'resume', nextSeq: 3 }));
    venue.offer(plainFrame('s', { kind: 'handshake', payload: Buffer.from('x') }));
    venue.offer(plainFrame('s', { kind: 'reset', reason: 'enough' }));
    venue.line.offer(Buffer.from('garbage'), true);
    venue.line.offer(Buffer.from('text'), false);
    expect(venue.arrived).toEqual([]);
    venue.clock.advance(10);
    expect(venue.whats).toEqual([
      ...upTo(20).map((number) => `release ${number}`),
      's resume',
      's handshake',
      's reset',
      'no frame',
      'text',
    ]);
  });

  it('gives the same frames the same fate for the same seed, and another for another', () => {
    const fate = (seed: number) => {
      const venue = new Venue({ drop: 0.2, duplicate: 0.2, reorder: 3, delayMs: 5, delaySpreadMs: 5, seed });
      for (const number of upTo(100)) venue.send(number);
      venue.clock.advance(100);
      return venue.arrived;
    };
    expect(fate(7)).toEqual(fate(7));
    expect(fate(8)).not.toEqual(fate(7));
  });

  it('is not read from while too much is under way, and read again when half of it has arrived', () => {
    const venue = new Venue({ delayMs: 60_000 }, { bytes: 10_000, messages: 1000 });
    const big = plainFrame('s', data(Buffer.alloc(900)));
    for (const _ of upTo(5)) venue.offer(big);
    venue.clock.advance(30_000);
    for (const _ of upTo(5)) venue.offer(big);
    expect(venue.reading).toEqual([]);
    for (const _ of upTo(5)) venue.offer(big);
    expect(venue.reading).toEqual([false]);
    venue.clock.advance(30_000);
    // Ten of fifteen are still under way.
    expect(venue.reading).toEqual([false]);
    venue.clock.advance(30_000);
    expect(venue.reading).toEqual([false, true]);
  });

  it('counts messages too, and those that wait to be overtaken', () => {
    const venue = new Venue({ reorder: 100 }, { bytes: 1_000_000, messages: 4 });
    for (const number of upTo(99)) venue.send(number);
    expect(venue.reading).toEqual([false]);
    venue.clock.advance(20);
    expect(venue.reading).toEqual([false, true]);
    expect(venue.numbers()).toHaveLength(99);
  });

  it('keeps no read alive for a small message that waits', () => {
    const venue = new Venue({ delayMs: 10 });
    const bytes = Buffer.from(encodeFrame(plainFrame('s', data('0', 0))));
    venue.line.offer(bytes, true);
    bytes.fill(0);
    venue.clock.advance(10);
    expect(venue.whats).toEqual(['s 0']);
  });

  it('cuts the socket after about so long, and loses what was under way', () => {
    const lives = upTo(50).map((seed) => {
      const venue = new Venue({ cutMs: 10_000, delayMs: 60_000, reorder: 3, seed });
      for (const number of upTo(20)) venue.send(number);
      expect(venue.clock.runUntil(() => venue.cuts > 0, 20_000)).toBe(true);
      venue.send(20);
      expect(venue.clock.pending()).toEqual([]);
      expect(venue.arrived).toEqual([]);
      return venue.clock.now();
    });
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(5000);
    expect(Math.max(...lives)).toBeLessThanOrEqual(15_000);
    expect(Math.max(...lives) - Math.min(...lives)).toBeGreaterThan(5000);
  });

  it('cuts no socket that carries nothing', () => {
    const venue = new Venue({ cutMs: 1000 });
    venue.isInUse = false;
    venue.clock.advance(60_000);
    expect(venue.cuts).toBe(0);
    venue.isInUse = true;
    venue.clock.advance(1500);
    expect([venue.cuts, venue.clock.pending()]).toEqual([1, []]);
  });

  it('brings what is under way when the socket ends in good order, and nothing later', () => {
    const venue = new Venue({ delayMs: 50, reorder: 2, cutMs: 10_000 });
    for (const number of upTo(20)) venue.send(number);
    venue.line.finish();
    expect(sorted(venue.numbers())).toEqual(upTo(20));
    venue.send(20);
    venue.clock.advance(60_000);
    expect(venue.numbers()).toHaveLength(20);
    expect([venue.cuts, venue.clock.pending()]).toEqual([0, []]);
  });

  it.each([
    { duplicate: 1, reorder: 3 },
    { duplicate: 1, delayMs: 5 },
  ])('stops in the middle when an arrival ends it (%j)', (faults) => {
    const venue = new Venue(faults);
    venue.onArrival = () => venue.line.cut();
    for (const number of upTo(20)) venue.send(number);
    venue.clock.advance(60_000);
    expect(venue.arrived).toHaveLength(1);
    expect(venue.clock.pending()).toEqual([]);
  });
});
