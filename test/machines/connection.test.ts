import { describe, expect, it } from 'vitest';
import { getAdjacencyMap } from 'xstate/graph';
import { LONGEST_DELAY_MS } from '../../machines/clock.js';
import { connectionMachine } from '../../machines/connection.machine.js';
import { ConnectionLostError, defaultConnectionTiming, LocateError } from '../../machines/connection-types.js';
import { newTraffic } from '../../machines/protocol/traffic.js';
import { defaultStreamTiming } from '../../machines/stream-types.js';
import { type Frame, plainFrame } from '../../proto/frame.js';
import { defaultLimits } from '../../proto/limits.js';
import { activePaths, allStates, unnamedParts } from './charts.js';
import { LoneConnection, type LoneConnectionOptions } from './lone-connection.js';
import { peer, release } from './lone-stream.js';

const closed = { type: 'socket.closed', code: 1006, reason: '' } as const;
const of = (streamId: string, frame: Frame): Frame => ({ ...frame, streamId });

async function online(options?: LoneConnectionOptions): Promise<LoneConnection> {
  const connection = new LoneConnection(options);
  await connection.online();
  return connection;
}

/** Loses the socket and tells how long it takes until the next is opened. */
async function waitAfter(connection: LoneConnection): Promise<number> {
  connection.socket(closed);
  connection.log();
  const before = connection.clock.now();
  const opened = () => connection.is('attached') || connection.is('locating');
  expect(connection.clock.runUntil(opened, 3_600_000)).toBe(true);
  return connection.clock.now() - before;
}

describe('finding the rendezvous', () => {
  it('asks where, opens the socket there, and is online when it opened', async () => {
    const connection = new LoneConnection();
    expect(connection.is('locating')).toBe(true);
    await connection.located('ws://there');
    expect(connection.is({ attached: 'connecting' })).toBe(true);
    expect(connection.log()).toEqual(['locate', 'open ws://there']);
    connection.socket({ type: 'socket.opened' });
    expect(connection.is({ attached: 'online' })).toBe(true);
  });

  it('asks again after a wait when the registry failed, longer each time', async () => {
    const connection = new LoneConnection();
    for (const wait of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      await connection.notLocated(new LocateError('registry_down', 'the registry is down', { final: false }));
      connection.log();
      connection.clock.advance(wait - 1);
      expect(connection.log()).toEqual([]);
      connection.clock.advance(1);
      expect(connection.log()).toEqual(['locate']);
    }
  });

  it('takes half of the wait away by chance, so that daemons do not return at once', async () => {
    const connection = new LoneConnection({ random: () => 1 });
    await connection.notLocated(new Error('down'));
    connection.log();
    connection.clock.advance(499);
    expect(connection.log()).toEqual([]);
    connection.clock.advance(1);
    expect(connection.log()).toEqual(['locate']);
  });

  it('waits as long as the registry asks, but no less than it would anyway', async () => {
    const patient = new LoneConnection();
    const busy = { final: false, retryAfterMs: 7000 };
    await patient.notLocated(new LocateError('registry_busy', 'later', busy));
    expect(patient.actor.getSnapshot().context.waitMs).toBe(7000);
    const failing = new LoneConnection();
    await failing.notLocated(new LocateError('registry_busy', 'later', { ...busy, retryAfterMs: 10 }));
    expect(failing.actor.getSnapshot().context.waitMs).toBe(1000);
  });

  it('waits no longer than a timer can', async () => {
    const connection = new LoneConnection();
    await connection.notLocated(new LocateError('registry_busy', 'never', { final: false, retryAfterMs: 1e12 }));
    expect(connection.clock.pending()).toEqual([LONGEST_DELAY_MS]);
  });

  it('R42: gives up when the registry says that trying again cannot help', async () => {
    const connection = new LoneConnection();
    await connection.notLocated(new LocateError('registry_unauthorized', 'get a new token', { final: true }));
    expect(connection.end).toBe('get a new token');
    expect(connection.clock.pending()).toEqual([]);
  });

  it('tells of what is no error, too', async () => {
    const connection = new LoneConnection({ retry: 'never' });
    await connection.notLocated('gone fishing');
    expect(connection.end).toBe('gone fishing');
  });

  it('tries only once for a program that rather fails than waits', async () => {
    for (const fail of [
      (connection: LoneConnection) => connection.socket(closed),
      (connection: LoneConnection) => connection.socket({ type: 'socket.refused', status: 503, message: 'busy' }),
      (connection: LoneConnection) => connection.clock.advance(10_000),
    ]) {
      const connection = new LoneConnection({ retry: 'never' });
      await connection.located();
      fail(connection);
      expect(connection.actor.getSnapshot().output).toMatchObject({ kind: 'refused' });
      expect(connection.clock.pending()).toEqual([]);
      expect(connection.log()).toEqual(['locate', 'open ws://one', 'release']);
    }
  });
});

describe('a socket that does not open', () => {
  it('is asked about again where the registry knows more: after a 4xx', async () => {
    for (const status of [400, 404, 499]) {
      const connection = new LoneConnection();
      await connection.located();
      connection.log();
      connection.socket({ type: 'socket.refused', status, message: 'gone' });
      connection.clock.advance(1000);
      expect(connection.log()).toEqual(['release', 'locate']);
    }
  });

  it('is tried again at the same URL after anything else', async () => {
    for (const status of [302, 399, 500, 503]) {
      const connection = new LoneConnection();
      await connection.located();
      connection.log();
      connection.socket({ type: 'socket.refused', status, message: 'busy' });
      connection.clock.advance(1000);
      expect(connection.log()).toEqual(['release', 'open ws://one']);
    }
  });

  it('is given ten seconds', async () => {
    const connection = new LoneConnection();
    await connection.located();
    connection.log();
    connection.clock.advance(9_999);
    expect(connection.log()).toEqual([]);
    connection.clock.advance(1);
    expect(connection.log()).toEqual(['release']);
    expect(connection.actor.getSnapshot().context.lastFailure?.message).toContain('did not answer the upgrade in time');
    connection.clock.advance(1000);
    expect(connection.log()).toEqual(['open ws://one']);
  });

  it('has an unusable URL: then the registry is asked for another', async () => {
    const openSocket = () => {
      throw new Error('no such scheme');
    };
    const connection = new LoneConnection({ openSocket });
    await connection.located();
    expect(connection.is('backingOff')).toBe(true);
    expect(connection.actor.getSnapshot().context.lastFailure).toBeInstanceOf(ConnectionLostError);
    expect(connection.actor.getSnapshot().context.lastFailure?.message).toContain('no such scheme');
    connection.clock.advance(1000);
    expect(connection.log()).toEqual(['locate', 'open ws://one', 'locate']);
  });

  it.each([
    [{ type: 'socket.refused', status: 403, message: 'no entry' } as const, 'refused the socket (403): no entry'],
    [{ type: 'socket.closed', code: 1006, reason: 'ECONNREFUSED' } as const, 'cannot be reached: ECONNREFUSED'],
    [{ type: 'socket.closed', code: 1006, reason: '' } as const, 'cannot be reached: no answer'],
  ])('is told of in words: %o', async (event, words) => {
    const connection = new LoneConnection({ retry: 'never' });
    await connection.located();
    connection.socket(event);
    expect(connection.end).toContain(words);
  });
});

describe('R38: a socket that is lost', () => {
  it('is told of in words', async () => {
    const plain = await online({ retry: 'never' });
    plain.socket({ type: 'socket.closed', code: 1012, reason: '' });
    expect(plain.end).toBe('the connection to the rendezvous was closed (code 1012)');
    const reasoned = await online({ retry: 'never' });
    reasoned.socket({ type: 'socket.closed', code: 4000, reason: 'replaced' });
    expect(reasoned.end).toBe('the connection to the rendezvous was closed (code 4000, replaced)');
  });

  it('is waited for longer each time while connections stay brief', async () => {
    const connection = await online();
    const waits: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      const wait = await waitAfter(connection);
      waits.push(wait);
      connection.socket({ type: 'socket.opened' });
      connection.clock.advance(Math.min(10_000, 2 * wait) - 1);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('is soon opened again each time when it lasted longer than it was waited for', async () => {
    const connection = await online();
    for (let round = 0; round < 7; round += 1) {
      expect(await waitAfter(connection)).toBe(1000);
      connection.socket({ type: 'socket.opened' });
      connection.clock.advance(2000);
    }
  });

  it('is soon opened again when it had proved itself', async () => {
    const connection = await online();
    for (let round = 0; round < 4; round += 1) {
      await waitAfter(connection);
      connection.socket({ type: 'socket.opened' });
    }
    connection.clock.advance(10_000);
    expect(connection.is({ attached: { online: { standing: 'proven' } } })).toBe(true);
    expect(connection.actor.getSnapshot().context).toMatchObject({ failures: 0, lastFailure: undefined });
    expect(await waitAfter(connection)).toBe(1000);
  });

  it('takes the streams of releases with it, and leaves those that can go on', async () => {
    const connection = await online();
    connection.receive(of('a', peer.data(1)), of('b', release.data(0)));
    connection.log();
    connection.socket(closed);
    expect(connection.log()).toEqual(['release', 'b ended: reset carrier_lost local']);
    expect(connection.actor.getSnapshot().context.streams).toEqual(['stream:a']);
    connection.clock.advance(100);
    expect(connection.log()).toEqual(['open ws://one']);
    connection.socket({ type: 'socket.opened' });
    expect(connection.log()).toEqual(['a: resume 1 ack 1']);
  });

  it('is soon opened again, each time, while a stream waits for it', async () => {
    const connection = await online();
    connection.receive(of('a', peer.data(1)));
    const waits: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      waits.push(await waitAfter(connection));
      connection.socket({ type: 'socket.opened' });
    }
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it('forgets what it knew of the round trip: another carrier may lead another way', async () => {
    const connection = await online({ role: 'harness' });
    connection.send({ type: 'stream.open', streamId: 'a' });
    connection.receive(of('a', peer.ack(0)));
    connection.toStream('a', { type: 'flush', messages: [new Uint8Array(1)] });
    connection.clock.advance(50);
    connection.receive(of('a', peer.ack(1)));
    const { meter } = connection.actor.getSnapshot().context;
    expect(meter.current).toMatchObject({ samples: 1, smoothedMs: 50 });
    await waitAfter(connection);
    connection.socket({ type: 'socket.opened' });
    expect(meter.current.samples).toBe(0);
  });

  it('is not waited for by a program that has nothing to go on with', async () => {
    const connection = await online({ role: 'harness', retry: 'resume' });
    connection.socket({ type: 'socket.closed', code: 1012, reason: '' });
    expect(connection.end).toBe('the connection to the rendezvous was closed (code 1012)');
    expect(connection.clock.pending()).toEqual([]);
  });

  it('is waited for by such a program until the grace of its last stream is over', async () => {
    const connection = await online({ role: 'harness', retry: 'resume' });
    connection.send({ type: 'stream.open', streamId: 'a' });
    connection.receive(of('a', peer.ack(0)));
    const lost = connection.clock.now();
    connection.socket(closed);
    for (let left = 100; connection.end === undefined && left > 0; left -= 1) {
      connection.clock.runUntil(() => connection.is({ attached: 'connecting' }) || connection.end !== undefined, 5000);
      if (connection.end === undefined) connection.socket(closed);
    }
    expect(connection.end).toContain('cannot be reached');
    expect(connection.clock.now() - lost).toBe(60_000);
    expect(connection.log().filter((line) => line.startsWith('a '))).toEqual(['a ended: reset resume_expired local']);
    expect(connection.clock.pending()).toEqual([]);
  });

  it('is given up at once where this end is no longer welcome', async () => {
    const connection = await online({ role: 'harness', retry: 'resume' });
    connection.send({ type: 'stream.open', streamId: 'a' });
    connection.receive(of('a', peer.ack(0)));
    await waitAfter(connection);
    connection.socket({ type: 'socket.refused', status: 401, message: 'this token is not known here' });
    expect(connection.end).toContain('this token is not known here');
  });

  it('is asked about at once where its registration has outlived the rendezvous', async () => {
    const connection = await online();
    await waitAfter(connection);
    connection.log();
    connection.socket({ type: 'socket.refused', status: 401, message: 'register again' });
    expect(connection.log()).toEqual(['release', 'locate']);
    await connection.located('ws://two');
    // What never worked is not asked about in a loop.
    connection.socket({ type: 'socket.refused', status: 401, message: 'register again' });
    expect(connection.is('backingOff')).toBe(true);
  });
});

describe('R39: a peer that owes an answer', () => {
  /** Something was sent now, as the endpoint notes it. */
  function owe(connection: LoneConnection, plainBytes = 0): void {
    connection.traffic.owedSince = connection.clock.now();
    connection.traffic.plainBytes = plainBytes;
    if (!connection.traffic.watched) connection.send({ type: 'answer.owed' });
  }
  function hear(connection: LoneConnection): void {
    Object.assign(connection.traffic, { heardAt: connection.clock.now(), owedSince: undefined, plainBytes: 0 });
  }

  it('is asked after three seconds of silence and given up five later', async () => {
    const connection = await online();
    connection.clock.advance(10_000);
    owe(connection);
    connection.clock.advance(2_999);
    expect(connection.log()).toEqual([]);
    connection.clock.advance(1);
    expect(connection.log()).toEqual(['ping']);
    connection.clock.advance(4_999);
    expect(connection.log()).toEqual([]);
    connection.clock.advance(1);
    expect(connection.log()).toEqual(['release']);
    expect(connection.actor.getSnapshot().context.lastFailure?.message).toBe('the rendezvous fell silent');
  });

  it('is not asked while it is heard, and left alone when it owes nothing any more', async () => {
    const connection = await online();
    for (let round = 0; round < 10; round += 1) {
      owe(connection);
      connection.clock.advance(1000);
      hear(connection);
    }
    expect(connection.log()).toEqual([]);
    connection.clock.advance(3000);
    expect(connection.is({ attached: { online: { keepalive: 'listening' } } })).toBe(true);
    expect(connection.traffic.watched).toBe(false);
    expect(connection.log()).toEqual([]);
  });

  it('answers the ping, and is watched on', async () => {
    const connection = await online();
    owe(connection);
    connection.clock.advance(3000);
    hear(connection);
    connection.socket({ type: 'socket.ponged' });
    expect(connection.is({ attached: { online: { keepalive: 'alert' } } })).toBe(true);
    owe(connection);
    connection.clock.advance(3000);
    expect(connection.log()).toEqual(['ping', 'ping']);
  });

  it('is given longer where much was sent that nothing acknowledges', async () => {
    const connection = await online();
    owe(connection, 300_000);
    connection.clock.advance(3000 + 9_999);
    expect(connection.log()).toEqual(['ping']);
    connection.clock.advance(1);
    expect(connection.log()).toEqual(['release']);
  });

  it('has less time left where a ping was out already', async () => {
    const connection = await online();
    connection.clock.advance(15_000);
    owe(connection);
    connection.clock.advance(5000);
    expect(connection.log()).toEqual(['ping', 'release']);
  });

  it('owes something to a harness as long as there is a stream', async () => {
    const connection = await online({ role: 'harness' });
    connection.send({ type: 'stream.open', streamId: 'a' });
    connection.receive(of('a', peer.ack(0)));
    owe(connection);
    hear(connection);
    connection.log();
    connection.clock.advance(3000);
    expect(connection.log()).toEqual(['ping']);
  });
});

describe('R40: a machine that has slept', () => {
  const woke = { type: 'machine.woke' } as const;

  it('replaces its socket when that does not show at once that it lives', async () => {
    const connection = await online();
    connection.receive(of('a', peer.data(1)));
    connection.log();
    connection.send(woke);
    expect(connection.log()).toEqual(['ping']);
    connection.clock.advance(2_999);
    expect(connection.is({ attached: { online: { keepalive: 'waking' } } })).toBe(true);
    connection.clock.advance(1);
    expect(connection.is('backingOff')).toBe(true);
    connection.clock.advance(100);
    expect(connection.log().at(-1)).toBe('open ws://one');
  });

  it('keeps a socket that lives', async () => {
    const connection = await online();
    connection.send(woke);
    connection.socket({ type: 'socket.ponged' });
    connection.clock.advance(10_000);
    expect(connection.is({ attached: 'online' })).toBe(true);
    expect(connection.log()).toEqual(['ping']);
  });

  it('waits for nothing that it waited for before', async () => {
    const waiting = await online();
    for (let round = 0; round < 5; round += 1) {
      await waitAfter(waiting);
      waiting.socket({ type: 'socket.opened' });
    }
    waiting.socket(closed);
    waiting.log();
    waiting.send(woke);
    expect(waiting.log()).toEqual(['open ws://one']);
    expect(waiting.actor.getSnapshot().context.failures).toBe(0);
    waiting.send(woke);
    expect(waiting.log()).toEqual(['release', 'open ws://one']);
    const locating = new LoneConnection();
    locating.send(woke);
    expect(locating.log()).toEqual(['locate', 'locate']);
    await locating.notLocated(new Error('down'));
    locating.log();
    locating.send(woke);
    expect(locating.log()).toEqual(['locate']);
  });
});

describe('a silent peer', () => {
  it('is asked every 15 s, and goes on being served while it answers', async () => {
    const connection = await online();
    for (let round = 0; round < 5; round += 1) {
      connection.clock.advance(14_999);
      expect(connection.log()).toEqual([]);
      connection.clock.advance(1);
      expect(connection.log()).toEqual(['ping']);
      connection.clock.advance(9_999);
      connection.socket({ type: 'socket.ponged' });
    }
    expect(connection.is({ attached: { online: { keepalive: 'listening' } } })).toBe(true);
  });

  it('is given up ten seconds after a ping it did not answer', async () => {
    const connection = await online();
    connection.clock.advance(15_000 + 9_999);
    expect(connection.log()).toEqual(['ping']);
    connection.clock.advance(1);
    expect(connection.log()).toEqual(['release']);
    expect(connection.actor.getSnapshot().context.lastFailure?.message).toContain('stopped answering pings');
    connection.clock.advance(1000);
    expect(connection.log()).toEqual(['open ws://one']);
  });

  it('answers a ping that nobody sent without harm', async () => {
    const connection = await online();
    connection.socket({ type: 'socket.ponged' });
    expect(connection.is({ attached: { online: { keepalive: 'listening' } } })).toBe(true);
  });
});

describe('R41: draining', () => {
  it('ends at once while the address is being asked for', () => {
    const connection = new LoneConnection();
    connection.send({ type: 'drain' });
    expect(connection.end).toBe('closed');
    expect(connection.locatingAborted).toBe(true);
    expect(connection.clock.pending()).toEqual([]);
  });

  it('ends at once while the socket is being opened', async () => {
    const connection = new LoneConnection();
    await connection.located();
    connection.send({ type: 'drain' });
    expect(connection.end).toBe('closed');
    expect(connection.log()).toEqual(['locate', 'open ws://one', 'release']);
    expect(connection.clock.pending()).toEqual([]);
  });

  it('ends at once while it waits for the next try, however it got there', async () => {
    const connection = await online();
    connection.socket(closed);
    connection.send({ type: 'drain' });
    expect(connection.end).toBe('closed');
    expect(connection.clock.pending()).toEqual([]);
  });

  it.each([
    ['executor', 'executor_draining'],
    ['harness', 'harness_draining'],
  ] as const)('resets the streams of an online %s, lets the socket close, and ends', async (role, reason) => {
    const connection = await online({ role });
    if (role === 'harness') connection.send({ type: 'stream.open', streamId: 'a' });
    connection.receive(of('a', peer.data(1)));
    connection.log();
    connection.send({ type: 'drain' });
    // The socket is told to close once the reset was handed over.
    expect(connection.log()).toEqual([`a: reset ${reason} ack 1`, 'close', `a ended: reset ${reason} local`]);
    expect(connection.end).toBeUndefined();
    connection.socket({ type: 'socket.closed', code: 1001, reason: 'draining' });
    expect(connection.end).toBe('closed');
    expect(connection.log()).toEqual(['release']);
    expect(connection.clock.pending()).toEqual([]);
  });

  it('waits one second for a socket that does not close', async () => {
    const connection = await online();
    connection.send({ type: 'drain' });
    connection.clock.advance(999);
    expect(connection.end).toBeUndefined();
    connection.clock.advance(1);
    expect(connection.end).toBe('closed');
    expect(connection.log()).toEqual(['close', 'release']);
    expect(connection.clock.pending()).toEqual([]);
  });

  it('is not cut short by being asked twice', async () => {
    const connection = await online();
    connection.send({ type: 'drain' });
    connection.send({ type: 'drain' });
    expect(connection.end).toBeUndefined();
    connection.socket(closed);
    expect(connection.end).toBe('closed');
  });

  it('opens no stream any more', async () => {
    const connection = await online();
    connection.send({ type: 'drain' });
    connection.log();
    connection.receive(of('a', peer.data(1)));
    connection.send({ type: 'stream.open', streamId: 'b' });
    expect(connection.log()).toEqual([]);
    expect(Object.keys(connection.actor.getSnapshot().children)).toEqual(['sleepWatch', 'carrier']);
  });

  it('ends when the socket cannot even be closed, and tries nothing again', async () => {
    const broken = () => {
      throw new Error('broken');
    };
    const connection = await online({ openSocket: () => ({ ping: broken, close: broken, release: () => {} }) });
    connection.send({ type: 'drain' });
    expect(connection.end).toBe('closed');
    expect(connection.clock.pending()).toEqual([]);
  });
});

describe('the streams of a connection', () => {
  it('are opened by a harness with their announcement', async () => {
    const connection = await online({ role: 'harness' });
    connection.send({ type: 'stream.open', streamId: 'a' });
    expect(connection.log()).toEqual(['a: resume 1']);
  });

  it('are opened only while there is a socket', async () => {
    const connection = new LoneConnection({ role: 'harness' });
    connection.send({ type: 'stream.open', streamId: 'a' });
    await connection.located();
    connection.send({ type: 'stream.open', streamId: 'a' });
    connection.receive(of('b', peer.data(1)));
    expect(connection.log()).toEqual(['locate', 'open ws://one']);
  });

  it('are opened once, whoever asks twice', async () => {
    const connection = await online({ role: 'harness' });
    connection.send({ type: 'stream.open', streamId: 'a' });
    const first = connection.stream('a');
    connection.send({ type: 'stream.open', streamId: 'a' });
    connection.send({ type: 'stream.arrived', frame: of('a', peer.data(1)) });
    expect(connection.stream('a')).toBe(first);
    expect(connection.log()).toEqual(['a: resume 1']);
    expect(connection.actor.getSnapshot().context.streams).toEqual(['stream:a']);
  });

  it('speak the profile of their first frame', async () => {
    const connection = await online();
    connection.receive(of('a', peer.data(1)), of('b', release.data(0)));
    expect(connection.log()).toEqual(['a delivers 1', 'b delivers 1']);
    connection.toStream('a', { type: 'flush', messages: [new Uint8Array([0x78])] });
    connection.toStream('b', { type: 'flush', messages: [new Uint8Array([0x78])] });
    expect(connection.log()).toEqual([`a: data 1 'x' ack 1`, `b: plain data 0 'x'`]);
  });

  const measureThen = async (role: 'harness' | 'executor') => {
    const connection = await online({ role });
    for (const streamId of ['a', 'b']) {
      if (role === 'harness') connection.send({ type: 'stream.open', streamId });
      connection.receive(of(streamId, role === 'harness' ? peer.ack(0) : peer.resume(1)));
    }
    connection.toStream('a', { type: 'flush', messages: [new Uint8Array(1)] });
    connection.clock.advance(50);
    connection.receive(of('a', peer.ack(1)));
    connection.toStream('b', { type: 'flush', messages: [new Uint8Array(1)] });
    connection.log();
    return connection;
  };

  it('share one round trip where they lead to one executor', async () => {
    const connection = await measureThen('harness');
    // 50 + 4 · 25 + 25 ms instead of the second of an unmeasured round trip.
    connection.clock.advance(174);
    expect(connection.log()).toEqual([]);
    connection.clock.advance(1);
    expect(connection.log()).toEqual(['b: 1 again']);
  });

  it('do not where they come from harnesses near and far', async () => {
    const connection = await measureThen('executor');
    connection.clock.advance(999);
    expect(connection.log()).toEqual([]);
    connection.clock.advance(1);
    expect(connection.log()).toEqual(['b: 1 again']);
  });

  it('end, and are forgotten, while the others go on', async () => {
    const connection = await online();
    connection.receive(of('a', peer.data(1)), of('b', peer.data(1)));
    connection.log();
    connection.receive(of('a', peer.reset('bye')));
    expect(connection.log()).toEqual(['a ended: reset bye peer']);
    expect(connection.stream('a')).toBeUndefined();
    connection.receive(of('b', peer.data(2)));
    expect(connection.log()).toEqual(['b delivers 1']);
  });

  it('R3: that throw are reset, alone: while they serve', async () => {
    const connection = await online({
      effects: (streamId) => (streamId === 'a' ? { deliver: () => raise('defect') } : {}),
    });
    connection.receive(of('b', peer.data(1)), of('a', peer.data(1)));
    expect(connection.log()).toEqual([
      'b delivers 1',
      'a refused: internal_error 1',
      'a ended: reset internal_error local',
    ]);
    expect(connection.stream('a')).toBeUndefined();
    connection.receive(of('b', peer.data(2)));
    expect(connection.log()).toEqual(['b delivers 1']);
    connection.receive(of('a', peer.data(2)));
    expect(connection.log()).toEqual(['a refused: stream_retired 1']);
  });

  it('that throw are reset, alone: on a timer, and when they open', async () => {
    const broken = { transmit: () => raise('defect') };
    const connection = await online({ role: 'harness', effects: (id) => (id === 'b' ? {} : broken) });
    connection.send({ type: 'stream.open', streamId: 'a' });
    expect(connection.log()).toEqual(['a refused: internal_error 1', 'a ended: reset internal_error local']);
    const executor = await online({ effects: (id) => (id === 'b' ? {} : broken) });
    executor.receive(of('a', peer.data(1)));
    executor.log();
    executor.clock.advance(25);
    expect(executor.log()).toEqual(['a refused: internal_error 1', 'a ended: reset internal_error local']);
    expect(executor.is({ attached: 'online' })).toBe(true);
  });

  it('that end by themselves with the same reason are not refused as well', async () => {
    const connection = await online();
    connection.receive(of('a', peer.data(1)));
    connection.log();
    connection.toStream('a', { type: 'stream.reset', reason: 'internal_error' });
    expect(connection.log()).toEqual(['a: reset internal_error ack 1', 'a ended: reset internal_error local']);
  });

  it('are no more than the limit; one that ended makes room', async () => {
    const connection = await online({ limits: { ...defaultLimits, streams: 2 } });
    connection.receive(of('a', peer.data(1)), of('b', peer.data(1)), of('c', peer.data(1)), of('d', release.data(0)));
    expect(connection.log()).toEqual([
      'a delivers 1',
      'b delivers 1',
      'c refused: too_many_streams 1',
      'd refused: too_many_streams 0',
    ]);
    connection.receive(of('a', peer.reset('bye')), of('c', peer.data(1)));
    expect(connection.log()).toEqual(['a ended: reset bye peer', 'c delivers 1']);
  });

  it('never open again by a late frame, also on the next socket', async () => {
    const connection = await online();
    connection.receive(of('a', peer.data(1)), of('a', peer.reset('bye')));
    connection.log();
    connection.receive(of('a', peer.data(1)), of('a', peer.ack(0)));
    expect(connection.log()).toEqual(['a refused: stream_retired 1']);
    await waitAfter(connection);
    connection.socket({ type: 'socket.opened' });
    connection.log();
    connection.receive(of('a', peer.data(2)));
    expect(connection.log()).toEqual(['a refused: stream_retired 1']);
  });

  it('are forgotten for good when the time of a retired id is over', async () => {
    const connection = await online({ limits: { ...defaultLimits, retiredStreamMs: 500 } });
    connection.receive(of('a', peer.data(1)), of('a', peer.reset('bye')));
    connection.log();
    connection.clock.advance(500);
    connection.receive(of('a', peer.data(1)));
    expect(connection.log()).toEqual(['a delivers 1']);
  });

  it('of a release may use their id again from the start', async () => {
    const connection = await online();
    connection.receive(of('a', release.data(0)), of('a', release.data(1)), of('a', release.reset('bye')));
    connection.log();
    connection.receive(of('a', release.data(2)));
    expect(connection.log()).toEqual(['a refused: stream_retired 0']);
    connection.receive(of('a', release.data(0)), of('a', release.data(1)));
    expect(connection.log()).toEqual(['a delivers 1', 'a delivers 1']);
    expect(connection.actor.getSnapshot().context.retired.size).toBe(0);
  });

  it('are not opened by what carries nothing', async () => {
    const connection = await online();
    for (const body of [{ kind: 'ack' }, { kind: 'heartbeat' }, { kind: 'resume', nextSeq: 0 }] as const) {
      connection.send({ type: 'stream.arrived', frame: plainFrame('a', body) });
    }
    expect(connection.log()).toEqual([]);
    expect(connection.actor.getSnapshot().context.streams).toEqual([]);
  });
});

function raise(message: string): never {
  throw new Error(message);
}

describe('the connection chart', () => {
  it('names every action, guard, delay and actor, and describes every state', () => {
    expect(unnamedParts(connectionMachine)).toEqual([]);
    for (const state of [connectionMachine.root, ...allStates(connectionMachine)]) {
      expect(state.description, state.id).toBeTruthy();
    }
  });

  it('has no state that cannot be reached', () => {
    const nothing = () => {};
    const elapsed = (delay: string, state: string) => ({ type: `xstate.after.${delay}.connection.${state}` }) as never;
    const reached = new Set<string>();
    for (const retry of ['always', 'never'] as const) {
      const map = getAdjacencyMap(connectionMachine, {
        input: {
          role: 'executor',
          retry,
          encryption: 'never',
          port: {
            locate: () => new Promise(nothing),
            openSocket: () => ({ ping: nothing, close: nothing, release: nothing }),
            streamPort: () => raise('no stream is opened here'),
            initiator: () => raise('no stream is opened here'),
            responder: () => raise('no stream is opened here'),
            streamEnded: nothing,
            refuse: nothing,
            watchSleep: () => nothing,
          },
          // Long silent, and something is owed.
          traffic: { ...newTraffic(), heardAt: -10_000, owedSince: -10_000 },
          clock: { now: () => 0, setTimeout: () => 0, clearTimeout: nothing },
          limits: defaultLimits,
          timing: defaultConnectionTiming,
          streamTiming: defaultStreamTiming,
          random: () => 0,
        },
        events: [
          { type: 'xstate.done.actor.locate', actorId: 'locate', output: { url: 'ws://one' } } as never,
          { type: 'xstate.error.actor.locate', actorId: 'locate', error: new Error('down') } as never,
          { type: 'socket.opened' },
          closed,
          { type: 'socket.refused', status: 404, message: '' },
          { type: 'drain' },
          { type: 'answer.owed' },
          { type: 'machine.woke' },
          elapsed('silenceTime', 'attached.online.keepalive.alert'),
          elapsed('pingInterval', 'attached.online.keepalive.listening'),
          elapsed('provingTime', 'attached.online.standing.unproven'),
          elapsed('backoff', 'backingOff'),
        ],
        serializeState: ({ value, context }) => JSON.stringify([value, context.location]),
      });
      for (const { state } of Object.values(map)) for (const path of activePaths(state.value)) reached.add(path);
    }
    // Whether to try again is decided before anything can look.
    const paths = allStates(connectionMachine).map(({ path }) => path.join('.'));
    expect(paths.filter((path) => !reached.has(path))).toEqual(['failed']);
  });
});
