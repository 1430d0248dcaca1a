/**
 * Routes of streams that outlive their sockets (DESIGN §5.2.7): the router of one environment with sockets that write
 * down what they are sent, on a virtual clock; and what needs real ones: tokens, and a peer that falls silent.
 */
import { describe, expect, it } from 'vitest';
import { type Frame, type FrameBody, plainFrame, RELIABILITY_RELIABLE } from '../../proto/frame.js';
import { decodeFrame, encodeFrame } from '../../proto/frame-codec.js';
import { silentLog } from '../../src/observe/log.js';
import { Environment, type Executor, type Harness } from '../../src/rendezvous/environment.js';
import type { RelaySocket } from '../../src/rendezvous/relay-socket.js';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import { anyRegistration } from '../stand-ins/any-registration.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { data, ENV, RelayPeer, rendezvousForTest, until } from './relay-peer.js';

const GRACE_MS = 60_000;

function frame(streamId: string, body: FrameBody, ack = 0): Buffer {
  const reliable: Frame = { ...plainFrame(streamId, body), ack, reliability: RELIABILITY_RELIABLE };
  return Buffer.from(encodeFrame(reliable));
}
const resume = (streamId: string, nextSeq: number) => frame(streamId, { kind: 'resume', nextSeq });
const ack = (streamId: string) => frame(streamId, { kind: 'ack' });
const payload = (streamId: string) => frame(streamId, data('x', 2), 1);

class Peer {
  readonly socket: RelaySocket;
  closed = false;
  #seen: string[] = [];

  constructor() {
    const socket: Pick<RelaySocket, 'send' | 'close'> = {
      send: (message) => {
        const { streamId, body } = decodeFrame(message);
        this.#seen.push(body.kind === 'reset' ? `${streamId} reset ${body.reason}` : `${streamId} ${body.kind}`);
      },
      close: () => {
        this.closed = true;
      },
    };
    this.socket = socket as RelaySocket;
  }

  seen(): string[] {
    const seen = this.#seen;
    this.#seen = [];
    return seen;
  }
}

function world(options: { waitingRoutes?: number } = {}) {
  const clock = new StepClock();
  let emptied = 0;
  const environment = new Environment({
    streamsPerHarness: 3,
    graceMs: GRACE_MS,
    clock,
    emptied: () => {
      emptied += 1;
    },
    ...options,
  });
  const newExecutor = () => {
    const peer = new Peer();
    const executor: Executor = {
      socket: peer.socket,
      registration: anyRegistration,
      log: silentLog,
    };
    environment.attachExecutor(executor);
    return {
      seen: () => peer.seen(),
      says: (...messages: Buffer[]) => {
        for (const message of messages) environment.receiveFromExecutor(executor, message, true);
      },
      leaves: () => environment.detachExecutor(executor, 'executor_disconnected'),
    };
  };
  const newHarness = (tokenId = 'token') => {
    const peer = new Peer();
    const harness: Harness = { socket: peer.socket, tokenId, log: silentLog };
    environment.attachHarness(harness);
    return {
      seen: () => peer.seen(),
      says: (...messages: Buffer[]) => {
        for (const message of messages) environment.receiveFromHarness(harness, message, true);
      },
      leaves: () => environment.detachHarness(harness, 'harness_disconnected'),
    };
  };
  /** Both ends there, and a stream on which both have spoken. */
  const settled = () => {
    const [executor, harness] = [newExecutor(), newHarness()];
    harness.says(resume('s', 1), payload('s'));
    executor.says(ack('s'));
    executor.seen();
    harness.seen();
    return { executor, harness };
  };
  return { clock, environment, newExecutor, newHarness, settled, emptied: () => emptied };
}

describe('R34: a stream on which both ends have announced reliability', () => {
  it('outlives the socket of its harness: what comes meanwhile is dropped, and nobody is told', () => {
    const { newHarness, settled, clock } = world();
    const { executor, harness } = settled();
    harness.leaves();
    executor.says(payload('s'));
    expect(executor.seen()).toEqual([]);
    const next = newHarness();
    next.says(resume('s', 3));
    executor.says(payload('s'));
    expect([executor.seen(), next.seen()]).toEqual([['s resume'], ['s data']]);
    clock.advance(2 * GRACE_MS);
    expect([executor.seen(), next.seen()]).toEqual([[], []]);
    expect(clock.pending()).toEqual([]);
  });

  it('outlives the socket of its executor, and is whole again when one speaks on it', () => {
    const { newExecutor, settled, clock } = world();
    const { executor, harness } = settled();
    executor.leaves();
    harness.says(payload('s'));
    const next = newExecutor();
    next.says(resume('s', 5));
    harness.says(payload('s'));
    expect([harness.seen(), next.seen()]).toEqual([['s resume'], ['s data']]);
    clock.advance(2 * GRACE_MS);
    expect(harness.seen()).toEqual([]);
  });

  it('outlives an executor that was replaced', () => {
    const { newExecutor, settled } = world();
    const { harness } = settled();
    const next = newExecutor();
    expect(harness.seen()).toEqual([]);
    next.says(resume('s', 5));
    expect(harness.seen()).toEqual(['s resume']);
  });

  it('ends when the grace of its harness is over, at the executor', () => {
    const { settled, clock, environment, emptied } = world();
    const { executor, harness } = settled();
    harness.leaves();
    clock.advance(GRACE_MS - 1);
    expect(executor.seen()).toEqual([]);
    clock.advance(1);
    expect(executor.seen()).toEqual(['s reset harness_disconnected']);
    executor.leaves();
    expect(environment.isEmpty).toBe(true);
    expect(emptied()).toBe(0);
  });

  it('is over for an executor that goes on with it when nobody can come back any more', () => {
    const { newExecutor, clock } = world();
    const executor = newExecutor();
    // Its harness may have known another router and be on its way.
    executor.says(payload('s'), resume('s', 3));
    clock.advance(GRACE_MS);
    executor.says(payload('s'));
    expect(executor.seen()).toEqual([]);
    clock.advance(1);
    executor.says(ack('s'));
    expect(executor.seen()).toEqual([]);
    executor.says(payload('s'));
    expect(executor.seen()).toEqual(['s reset unknown_stream']);
    // Late output for a harness that left, of a release: dropped as ever.
    executor.says(Buffer.from(encodeFrame(plainFrame('t', data('late')))));
    expect(executor.seen()).toEqual([]);
  });

  it('ends when the grace of its executor is over, though another one is there that never spoke on it', () => {
    const { newExecutor, settled, clock } = world();
    const { executor, harness } = settled();
    executor.leaves();
    const other = newExecutor();
    clock.advance(GRACE_MS);
    expect(harness.seen()).toEqual(['s reset executor_disconnected']);
    expect(other.seen()).toEqual(['s reset executor_disconnected']);
  });

  it('keeps its environment until the last grace is over', () => {
    const { settled, clock, environment, emptied } = world();
    const { executor, harness } = settled();
    harness.leaves();
    executor.leaves();
    expect(environment.isEmpty).toBe(false);
    clock.advance(GRACE_MS);
    expect([environment.isEmpty, emptied()]).toEqual([true, 1]);
    expect(clock.pending()).toEqual([]);
  });

  it('waits for each end by itself', () => {
    const { newHarness, newExecutor, settled, clock } = world();
    const { executor, harness } = settled();
    harness.leaves();
    clock.advance(GRACE_MS - 1000);
    executor.leaves();
    const back = newHarness();
    back.says(resume('s', 3));
    clock.advance(GRACE_MS - 1);
    expect(back.seen()).toEqual([]);
    newExecutor().says(resume('s', 3));
    clock.advance(GRACE_MS);
    expect(back.seen()).toEqual(['s resume']);
  });

  it('is over when either end resets it, whoever is there', () => {
    const { newHarness, settled, clock } = world();
    const { executor, harness } = settled();
    harness.leaves();
    executor.says(frame('s', { kind: 'reset', reason: 'done' }));
    expect(clock.pending()).toEqual([]);
    const next = newHarness();
    next.says(resume('s', 3));
    // The executor knows what became of it.
    expect(executor.seen()).toEqual(['s resume']);
  });

  it('no longer waits when the router is closed', () => {
    const { settled, clock, environment } = world();
    settled().harness.leaves();
    environment.close();
    expect(clock.pending()).toEqual([]);
  });
});

describe('a stream that ends with its socket', () => {
  it('is one whose executor has not spoken: its harness does not know what ran', () => {
    const { newExecutor, newHarness } = world();
    const [executor, harness] = [newExecutor(), newHarness()];
    harness.says(resume('s', 1), frame('s', data('x', 1)));
    executor.leaves();
    expect(harness.seen()).toEqual(['s reset executor_disconnected']);
  });

  it('is one whose executor is a release', () => {
    const { newExecutor, newHarness, clock } = world();
    const [executor, harness] = [newExecutor(), newHarness()];
    harness.says(resume('s', 1), frame('s', data('x', 1)));
    executor.says(Buffer.from(encodeFrame(plainFrame('s', data('answer')))));
    executor.seen();
    harness.leaves();
    expect(executor.seen()).toEqual(['s reset harness_disconnected']);
    expect(clock.pending()).toEqual([]);
  });

  it('is each beyond the bound', () => {
    const { newExecutor, newHarness, clock } = world({ waitingRoutes: 2 });
    const [executor, harness] = [newExecutor(), newHarness()];
    for (const id of ['a', 'b', 'c']) {
      harness.says(resume(id, 1));
      executor.says(ack(id));
    }
    executor.seen();
    harness.leaves();
    expect(executor.seen()).toEqual(['c reset harness_disconnected']);
    const back = newHarness();
    back.says(resume('a', 2), resume('b', 2));
    back.leaves();
    expect(clock.pending()).toHaveLength(2);
  });
});

describe('after a restart of the router', () => {
  it('a stream that goes on waits for its executor', () => {
    const { newExecutor, newHarness } = world();
    const harness = newHarness();
    harness.says(resume('s', 3), payload('s'));
    expect(harness.seen()).toEqual([]);
    const executor = newExecutor();
    executor.says(resume('s', 3));
    expect(harness.seen()).toEqual(['s resume']);
    harness.says(payload('s'));
    expect(executor.seen()).toEqual(['s data']);
  });

  it('a stream that goes on waits no longer than the grace', () => {
    const { newHarness, clock } = world();
    const harness = newHarness();
    harness.says(resume('s', 3));
    clock.advance(GRACE_MS);
    expect(harness.seen()).toEqual(['s reset environment_offline']);
  });

  it('a new stream is told at once that nobody is there', () => {
    const { newHarness } = world();
    const harness = newHarness();
    harness.says(resume('s', 1), frame('s', data('x', 1)));
    expect(harness.seen()).toEqual(['s reset environment_offline']);
  });

  it('a handshake, which only a new stream begins with, is told so too', () => {
    const { newExecutor, newHarness } = world();
    const handshake = frame('s', { kind: 'handshake', payload: Buffer.from('x') });
    const harness = newHarness();
    harness.says(handshake);
    expect(harness.seen()).toEqual(['s reset environment_offline']);
    const executor = newExecutor();
    harness.says(handshake);
    expect(executor.seen()).toEqual(['s handshake']);
    // It did not say yet that it can go on, so the harness must hear that it is gone.
    executor.leaves();
    expect(harness.seen()).toEqual(['s reset executor_disconnected']);
  });

  it('a stream outlives its sockets from the handshake with which its executor answers', () => {
    const { newExecutor, newHarness } = world();
    const executor = newExecutor();
    const harness = newHarness();
    const handshake = frame('s', { kind: 'handshake', payload: Buffer.from('x') });
    harness.says(resume('s', 1), handshake);
    executor.says(handshake);
    expect([executor.seen(), harness.seen()]).toEqual([['s resume', 's handshake'], ['s handshake']]);
    executor.leaves();
    expect(harness.seen()).toEqual([]);
    const next = newExecutor();
    harness.says(resume('s', 2));
    expect(next.seen()).toEqual(['s resume']);
  });

  it('the executor may come first', () => {
    const { newExecutor, newHarness } = world();
    const executor = newExecutor();
    executor.says(resume('s', 3));
    const harness = newHarness();
    harness.says(resume('s', 3));
    expect(executor.seen()).toEqual(['s resume']);
    executor.says(ack('s'));
    expect(harness.seen()).toEqual(['s ack']);
  });

  it('a harness has no more streams than before', () => {
    const { newHarness } = world();
    const harness = newHarness();
    for (const id of ['a', 'b', 'c']) harness.says(resume(id, 2));
    expect(harness.seen()).toEqual([]);
    harness.says(resume('d', 2));
    expect(harness.seen()[0]).toBe('d reset too_many_streams');
  });
});

describe('another socket that resumes a stream', () => {
  it('of the same token takes it over from one that is half-open', () => {
    const { newHarness, settled } = world();
    const { executor, harness } = settled();
    const next = newHarness();
    next.says(resume('s', 3));
    executor.says(payload('s'));
    expect([harness.seen(), next.seen()]).toEqual([[], ['s data']]);
    // What the old one still says does not count, and its end harms nobody.
    executor.seen();
    harness.says(payload('s'));
    expect([executor.seen(), harness.seen()]).toEqual([[], ['s reset stream_id_in_use']]);
    harness.leaves();
    executor.says(payload('s'));
    expect([executor.seen(), next.seen()]).toEqual([[], ['s data']]);
  });

  it.each(['there', 'gone'])('of another token does not get it, with its owner %s', (owner) => {
    const { newHarness, settled } = world();
    const { executor, harness } = settled();
    if (owner === 'gone') harness.leaves();
    const stranger = newHarness('another token');
    stranger.says(resume('s', 3), payload('s'), frame('s', { kind: 'reset', reason: 'mine' }));
    expect(stranger.seen()).toEqual(['s reset stream_id_in_use', 's reset stream_id_in_use']);
    expect(executor.seen()).toEqual([]);
    const next = newHarness();
    next.says(resume('s', 3));
    expect(executor.seen()).toEqual(['s resume']);
  });

  it('does not get it without saying that it resumes', () => {
    const { newHarness, settled } = world();
    const { executor } = settled();
    const next = newHarness();
    next.says(payload('s'), resume('s', 1));
    expect(next.seen()).toEqual(['s reset stream_id_in_use', 's reset stream_id_in_use']);
    expect(executor.seen()).toEqual([]);
  });
});

describe('over real sockets', () => {
  it('the token of a socket says whose its streams are', async () => {
    const rendezvous = await rendezvousForTest();
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.socket.send(resume('s', 1));
    await executor.sees('s resume');
    executor.socket.send(ack('s'));
    await harness.sees('s ack');
    const other = rendezvous.tokens.create('harness', ENV).token;
    const stranger = await RelayPeer.connect(harnessUrl(rendezvous.url, ENV, other));
    stranger.socket.send(resume('s', 3));
    await stranger.sees('s reset stream_id_in_use');
    const next = await rendezvous.harness();
    next.socket.send(resume('s', 3));
    await executor.sees('s resume', 's resume');
  });

  it('a peer that owes an answer and falls silent is cut off, and its streams go on at the next', async () => {
    const rendezvous = await rendezvousForTest({ limits: { lookIntervalMs: 30 } });
    const [executor, deaf] = [
      await rendezvous.executor(),
      await RelayPeer.connect(rendezvous.harnessUrl, { autoPong: false }),
    ];
    deaf.socket.send(resume('s', 1));
    await executor.sees('s resume');
    executor.socket.send(ack('s'));
    await until(() => deaf.messages.length === 1);
    executor.socket.send(payload('s'));
    await deaf.closesWith(1006);
    const next = await rendezvous.harness();
    next.socket.send(resume('s', 3));
    await executor.sees('s resume', 's resume');
  });

  it('a peer that answers pings is left alone, however little it says', async () => {
    const rendezvous = await rendezvousForTest({ limits: { lookIntervalMs: 20 } });
    const [executor, harness] = [await rendezvous.executor(), await rendezvous.harness()];
    harness.socket.send(resume('s', 1));
    await executor.sees('s resume');
    executor.socket.send(ack('s'));
    await until(() => harness.messages.length === 1);
    for (let round = 1; round <= 5; round += 1) {
      executor.socket.send(payload('s'));
      await until(() => harness.pings >= round);
    }
    expect(harness.closed).toBeUndefined();
  });
});

describe('an environment', () => {
  it('is in use while it has streams, unless one of them is only being opened', () => {
    const { environment, newExecutor, newHarness } = world();
    const [executor, harness] = [newExecutor(), newHarness()];
    expect(environment.isInUse).toBe(false);
    harness.says(resume('s', 1));
    expect([environment.isInUse, environment.isLasting('s')]).toEqual([false, false]);
    executor.says(ack('s'));
    expect([environment.isInUse, environment.isLasting('s')]).toEqual([true, true]);
    harness.says(resume('t', 1));
    expect(environment.isInUse).toBe(false);
    executor.says(ack('t'));
    // A release opens its streams at once, and they last no longer than their sockets.
    harness.says(Buffer.from(encodeFrame(plainFrame('u', data('x')))));
    expect([environment.isInUse, environment.isLasting('u')]).toEqual([true, false]);
    harness.leaves();
    executor.leaves();
    environment.close();
    expect(environment.isInUse).toBe(false);
  });
});
