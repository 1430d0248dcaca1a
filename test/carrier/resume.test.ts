/**
 * Streams that outlive their sockets: two ends of ours and the router between them, on a virtual clock. Every request is
 * run once and answered once, or its stream ends with a reason; what waits costs no more than a round trip.
 */
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../proto/frame.js';
import { seededRandom } from '../stand-ins/seeded-random.js';
import { bytes, type Side } from './relay-pair.js';
import { LATENCY_MS, RelayWorld, ROUND_TRIP_MS } from './relay-world.js';

const numbers = (count: number, prefix = '') => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const kinds = (frames: readonly Frame[]) => frames.map(({ body }) => body.kind);
const seqs = (frames: readonly Frame[]) => frames.flatMap(({ body }) => (body.kind === 'data' ? [body.seq] : []));
const KIB = 1024;

/** Forgets what was sent so far. */
function mark(world: RelayWorld): void {
  world.sent.harness.length = 0;
  world.sent.executor.length = 0;
}

/** The socket of the harness is cut and is there again; answers with when it was. */
async function replaced(world: RelayWorld, role: 'harness' | 'executor' = 'harness'): Promise<number> {
  world.wires[role]?.cut();
  const end = world[role];
  expect(end.isOnline).toBe(false);
  expect(await world.until(() => end.isOnline)).toBe(true);
  return world.clock.now();
}

describe('R30: a stream whose socket is lost', () => {
  it('goes on at the next one within one round trip, and has lost nothing', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    world.ask(side, 1);
    await world.until(() => world.accepted.get('s')?.received.length === 2);
    // The answer is under way and is lost.
    world.wires.harness?.cut();
    world.ask(side, 2, 3);
    await world.until(() => world.harness.isOnline);
    const back = world.clock.now();
    await world.until(() => side.received.length === 4);
    // What was asked meanwhile leaves when the executor was heard, and needs a round trip of its own.
    expect(world.clock.now() - back).toBeLessThanOrEqual(2 * ROUND_TRIP_MS);
    expect(side.received).toEqual(numbers(4, 're '));
    expect(world.ran).toEqual(numbers(4, 's '));
  });

  it('gets what it missed within one round trip of the new socket', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    world.ask(side, 1);
    await world.until(() => world.ran.length === 2);
    const back = await replaced(world);
    await world.until(() => side.received.length === 2);
    expect(world.clock.now() - back).toBeLessThanOrEqual(ROUND_TRIP_MS);
  });

  it('is not sent anything while there is none, and keeps its sources waiting', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    world.kill();
    mark(world);
    let given = 0;
    for (; given < 100 && side.channel.writable; given += 1) side.channel.send(Buffer.alloc(100 * KIB, given));
    await world.clock.advanceAsync(10_000);
    expect(side.channel.writable).toBe(false);
    expect([world.sent.harness, world.sent.executor]).toEqual([[], []]);
    let writable = false;
    side.channel.onWritable(() => {
      writable = true;
    });
    world.revive();
    expect(await world.until(() => writable)).toBe(true);
    expect(await world.until(() => side.received.length === 1 + given)).toBe(true);
  });

  it('survives a rendezvous that forgot everything', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    world.kill();
    world.ask(side, 1);
    await world.clock.advanceAsync(20_000);
    world.revive();
    expect(await world.until(() => side.received.length === 2)).toBe(true);
    expect(world.ran).toEqual(['s 0', 's 1']);
  });

  it('leaves no timer and no word behind when all is said', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    await replaced(world);
    await replaced(world, 'executor');
    expect(await world.exchange([side], 3)).toBe(true);
    await world.clock.advanceAsync(30_000);
    mark(world);
    await world.clock.advanceAsync(300_000);
    expect([world.sent.harness, world.sent.executor]).toEqual([[], []]);
    // Two for each connection: whether its peer is there, and whether its machine slept.
    expect(world.clock.pending()).toHaveLength(4);
  });
});

describe('what a replaced carrier swallowed', () => {
  it('an acknowledgement lost twice, then resume: nothing runs again', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    let lost = 0;
    world.lose = (from, frame) => {
      if (from !== 'executor' || frame.ack !== 2) return false;
      lost += 1;
      return lost <= 2;
    };
    world.ask(side, 1);
    await world.until(() => lost === 2);
    world.lose = () => false;
    await replaced(world);
    await world.until(() => side.received.length === 2);
    expect(world.ran).toEqual(['s 0', 's 1']);
    expect(side.received).toEqual(['re 0', 're 1']);
  });

  it('a full window: only what is missing goes again, beside a first part', async () => {
    const total = 64;
    const world = await RelayWorld.start({
      serve: (_, channel) => {
        for (let n = 0; n < total; n += 1) channel.send(Buffer.alloc(50 * KIB, n));
      },
    });
    const side = world.open('s');
    world.ask(side, 'go');
    // Everything of the first window arrives, and no acknowledgement comes back.
    world.lose = (from, frame) => from === 'harness' && frame.ack > 0;
    await world.until(() => side.received.length >= 32);
    await replaced(world);
    world.lose = () => false;
    mark(world);
    expect(await world.until(() => side.received.length === total)).toBe(true);
    const again = seqs(world.sent.executor).filter((seq) => seq <= 32);
    // It hears the resume of the harness, which says that all of it arrived.
    expect(again.length).toBeLessThanOrEqual(2);
    expect(side.received.map((text) => text.charCodeAt(0))).toEqual(numbers(total).map(Number));
  });

  it('half a message: the other half is all that goes again', async () => {
    const world = await RelayWorld.start({ serve: (message, channel) => channel.send(bytes(`got ${message.length}`)) });
    const side = await world.settle('s');
    const length = 600 * KIB;
    world.lose = (from, { body }) => from === 'harness' && body.kind === 'data' && body.segmentIndex > 4;
    side.channel.send(Buffer.alloc(length, 'x'));
    await world.until(() => kinds(world.sent.executor).filter((kind) => kind === 'ack').length > 2);
    world.lose = () => false;
    mark(world);
    await replaced(world);
    expect(await world.until(() => side.received.length === 2)).toBe(true);
    expect(side.received[1]).toBe(`got ${length}`);
    // Segment 0 to 4 had arrived, as seq 2 to 6.
    expect(Math.min(...seqs(world.sent.harness))).toBeGreaterThanOrEqual(6);
  });

  it('resume itself: it is repeated until it is answered', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    let lost = 0;
    world.lose = (_, { body }) => {
      if (body.kind !== 'resume') return false;
      lost += 1;
      return lost <= 3;
    };
    world.kill();
    world.revive();
    world.ask(side, 1);
    expect(await world.until(() => side.received.length === 2)).toBe(true);
    expect(lost).toBeGreaterThanOrEqual(4);
    expect(world.ran).toEqual(['s 0', 's 1']);
  });
});

describe('both ends', () => {
  it('may announce themselves at once', async () => {
    const world = await RelayWorld.start({ seed: 5 });
    const sides = await Promise.all(numbers(3, 's').map((id) => world.settle(id)));
    world.kill();
    for (const side of sides) world.ask(side, 'a');
    await world.clock.advanceAsync(5000);
    world.revive();
    await world.online();
    expect(await world.until(() => sides.every((side) => side.received.length === 2))).toBe(true);
    const resumes = kinds([...world.sent.harness, ...world.sent.executor]).filter((kind) => kind === 'resume').length;
    // Three that open the streams, and a few an end and stream that announce them again.
    expect(resumes).toBeLessThanOrEqual(3 + 3 * 2 * 2);
  });

  it('may come back in either order after a restart of the rendezvous', async () => {
    for (const first of ['harness', 'executor'] as const) {
      const second = first === 'harness' ? 'executor' : 'harness';
      const world = await RelayWorld.start();
      const side = await world.settle('s');
      world.ask(side, 1);
      await world.until(() => world.ran.length === 2);
      world.kill();
      world.revive();
      // The other end does not get through for a while.
      const held = () => world.wires[second]?.cut();
      await world.until(() => {
        held();
        return world[first].isOnline;
      });
      for (let n = 0; n < 50; n += 1) {
        held();
        await world.clock.advanceAsync(100);
      }
      expect(side.end).toBeUndefined();
      expect(await world.until(() => side.received.length === 2), `${first} first`).toBe(true);
      expect(world.ran).toEqual(['s 0', 's 1']);
      expect(await world.exchange([side], 5)).toBe(true);
    }
  });

  it('hear nothing from a frame of the old carrier that comes late', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    world.ask(side, 1);
    await world.clock.advanceAsync(LATENCY_MS / 2);
    const old = world.wires.harness;
    const late = world.sent.harness.at(-1) as Frame;
    expect(late.body).toMatchObject({ kind: 'data', seq: 2 });
    await replaced(world);
    expect(await world.until(() => side.received.length === 2)).toBe(true);
    expect(old?.isOpen).toBe(false);
    await world.exchange([side], 3);
    // The same frame again, on the new carrier: a duplicate.
    world.ask(side, 3);
    await world.until(() => side.received.length === 4);
    expect(world.ran).toEqual(numbers(4, 's '));
  });
});

describe('an old socket that is half-open', () => {
  it.each(['harness', 'executor'] as const)('of the %s is noticed within ten seconds, and replaced', async (role) => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    await world.clock.advanceAsync(20_000);
    const deaf = world.wires[role];
    if (deaf) deaf.isDeaf = true;
    const since = world.clock.now();
    world.ask(side, 1);
    if (role === 'executor') world.accepted.get('s')?.channel.send(bytes('by the way'));
    expect(await world.until(() => world.wires[role] !== deaf)).toBe(true);
    expect(world.clock.now() - since).toBeLessThanOrEqual(10_000);
    // The rendezvous still believes in the old socket of a harness: the new one takes the stream over.
    expect(await world.until(() => world.ran.length === 2)).toBe(true);
    expect(await world.until(() => side.received.includes('re 1'))).toBe(true);
    expect(world.ran).toEqual(['s 0', 's 1']);
  });
});

describe('R32: an executor that was restarted', () => {
  it('runs nothing again, and says that it knows nothing of the stream', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    world.ask(side, 1);
    await world.until(() => world.ran.length === 2);
    world.restartExecutor();
    world.ask(side, 2);
    expect(await world.until(() => side.end !== undefined)).toBe(true);
    expect(side.end).toMatchObject({ reason: 'unknown_stream', initiator: 'peer' });
    await world.clock.advanceAsync(120_000);
    expect(world.ran).toEqual(['s 0', 's 1']);
  });

  it('is not fooled by a harness that never heard data: seq 1 and no acknowledgement', async () => {
    const world = await RelayWorld.start({ serve: () => {} });
    const side = world.open('s');
    // The harness hears that somebody is there, and later not that its request arrived.
    await world.clock.advanceAsync(ROUND_TRIP_MS + 1);
    world.lose = (from) => from === 'executor';
    world.ask(side, 'once');
    await world.until(() => world.ran.length === 1);
    world.restartExecutor();
    world.lose = () => false;
    mark(world);
    expect(await world.until(() => side.end !== undefined, 120_000)).toBe(true);
    expect(side.end).toMatchObject({ reason: 'unknown_stream', initiator: 'peer' });
    // The very frame that opened the stream at the first one has reached the second.
    expect(seqs(world.sent.harness)).toContain(1);
    expect(world.ran).toEqual(['s once']);
  });

  it('never gets a stream whose executor was not heard at all', async () => {
    const world = await RelayWorld.start({ serve: () => {} });
    world.lose = (from) => from === 'executor';
    const side = world.open('s');
    world.ask(side, 'once');
    await world.until(() => world.ran.length === 1);
    world.restartExecutor();
    world.lose = () => false;
    await world.until(() => side.end !== undefined, 120_000);
    expect(side.end).toMatchObject({ reason: 'executor_disconnected', initiator: 'peer' });
    await world.clock.advanceAsync(120_000);
    expect(world.ran).toEqual(['s once']);
  });

  it('ends a stream on which nobody speaks, when the grace is over', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    await world.clock.advanceAsync(1000);
    world.restartExecutor();
    expect(await world.until(() => side.end !== undefined, 70_000)).toBe(true);
    expect(side.end).toMatchObject({ reason: 'executor_disconnected', initiator: 'peer' });
  });
});

describe('the grace', () => {
  it('runs out at one end only: the other is told when it comes back', async () => {
    const world = await RelayWorld.start({ harnessGraceMs: 60_000, executorGraceMs: 5000 });
    const side = await world.settle('s');
    world.kill();
    await world.clock.advanceAsync(10_000);
    expect(world.accepted.get('s')?.end).toMatchObject({ reason: 'resume_expired', initiator: 'local' });
    expect(side.end).toBeUndefined();
    world.revive();
    expect(await world.until(() => side.end !== undefined)).toBe(true);
    expect(side.end).toMatchObject({ reason: 'stream_retired', initiator: 'peer' });
    expect(world.ran).toEqual(['s 0']);
  });

  it('runs out at the harness only: the executor is told when it announces itself', async () => {
    const world = await RelayWorld.start({ harnessGraceMs: 5000, retry: 'always' });
    const [side, other] = [await world.settle('s'), await world.settle('t')];
    world.kill();
    await world.clock.advanceAsync(10_000);
    expect(side.end).toMatchObject({ reason: 'resume_expired', initiator: 'local' });
    expect(other.end).toMatchObject({ reason: 'resume_expired' });
    world.revive();
    // The harness knows the way but not the streams, so only the grace of the executor ends them.
    expect(await world.until(() => world.accepted.get('s')?.end !== undefined, 120_000)).toBe(true);
    expect(world.accepted.get('s')?.end).toMatchObject({ reason: 'resume_expired' });
  });

  it('ends the connection of a harness that has nothing left to wait for', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    const lost = world.clock.now();
    world.kill();
    expect(await world.until(() => side.end !== undefined, 120_000)).toBe(true);
    expect(world.clock.now() - lost).toBe(60_000);
    const end = await world.harness.over;
    expect(end.kind === 'refused' && end.error.message).toContain('cannot be reached');
  });

  it('starts anew at an end that slept through it', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    world.kill();
    await world.sleep('harness', 3_600_000);
    expect(side.end).toBeUndefined();
    await world.clock.advanceAsync(59_000);
    expect(side.end).toBeUndefined();
    await world.clock.advanceAsync(1001);
    expect(side.end).toMatchObject({ reason: 'resume_expired' });
  });
});

describe('a sleep of the machine', () => {
  it('of the harness, shorter than the grace: all goes on at once', async () => {
    const world = await RelayWorld.start();
    const side = await world.settle('s');
    await world.sleep('harness', 50_000);
    const woke = world.clock.now();
    expect(await world.exchange([side], 2)).toBe(true);
    expect(world.clock.now() - woke).toBeLessThan(6000);
    expect(world.ran).toEqual(['s 0', 's 1']);
  });

  it.each(['harness', 'executor'] as const)(
    'of the %s, three hours: it is back at once, and its streams say why not',
    async (role) => {
      const world = await RelayWorld.start();
      const side = await world.settle('s');
      // The socket is known to be dead to the rendezvous long before the sleeper wakes.
      const asleep = world.sleep(role, 3 * 3_600_000);
      world.wires[role]?.cut();
      await asleep;
      const woke = world.clock.now();
      expect(await world.until(() => world[role].isOnline && side.end !== undefined)).toBe(true);
      expect(world.clock.now() - woke).toBeLessThan(6000);
      expect(side.end?.reason).toBe(role === 'harness' ? 'unknown_stream' : 'executor_disconnected');
      expect(world.ran).toEqual(['s 0']);
      // Nothing of the old stream is left at either end.
      await world.until(() => world.accepted.get('s')?.end !== undefined, 120_000);
      expect(world.accepted.get('s')?.end).toBeDefined();
    },
  );
});

describe('many streams', () => {
  it('100 of them live through 200 carrier changes', async () => {
    const world = await RelayWorld.start({ seed: 7 });
    const sides: Side[] = numbers(100, 's').map((id) => world.open(id));
    await world.exchange(sides, 1);
    const random = seededRandom(7);
    let asked = 1;
    for (let change = 0; change < 200; change += 1) {
      if (change % 5 === 0) {
        for (const side of sides) world.ask(side, asked);
        asked += 1;
      }
      await world.clock.advanceAsync(Math.floor(random() * 60));
      const kind = change % 10;
      if (kind === 0) {
        world.kill();
        await world.clock.advanceAsync(Math.floor(random() * 300));
        world.revive();
      } else {
        world.wires[random() < 0.5 ? 'harness' : 'executor']?.cut();
      }
      await world.until(() => world.harness.isOnline && world.executor.isOnline);
    }
    expect(await world.until(() => sides.every((side) => side.received.length === asked))).toBe(true);
    for (const side of sides) {
      expect(side.received).toEqual(numbers(asked, 're '));
      expect(world.accepted.get(side.channel.streamId)?.received).toEqual(numbers(asked));
    }
    expect(world.ran).toHaveLength(100 * asked);
  }, 120_000);
});
