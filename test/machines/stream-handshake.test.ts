import { describe, expect, it, vi } from 'vitest';
import { getAdjacencyMap } from 'xstate/graph';
import { streamMachine } from '../../machines/stream.machine.js';
import {
  defaultStreamTiming,
  type HandshakeAnswer,
  type StreamEvent,
  type StreamInput,
} from '../../machines/stream-types.js';
import { defaultLimits } from '../../proto/limits.js';
import { activePaths, allStates } from './charts.js';
import { LoneStream, type LoneStreamOptions, peer, release, STREAM_ID } from './lone-stream.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const reset = (reason: string, initiator: 'local' | 'peer') => ({
  streamId: STREAM_ID,
  kind: 'reset',
  reason,
  initiator,
});

/** Steps of a handshake that a test ends when it wants. */
function pending<T>() {
  let settle: { resolve(value: T): void; reject(error: Error): void } | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return {
    promise,
    resolve: (value: T) => settle?.resolve(value),
    reject: () => settle?.reject(new Error('it does not open')),
  };
}

/** A harness whose message 1 and reading of message 2 are ended by the test. */
function harness(options: LoneStreamOptions = {}) {
  const greet = pending<Uint8Array>();
  const conclude = pending<void>();
  const answers: string[] = [];
  const notes: string[] = [];
  const stream = new LoneStream({
    ...options,
    role: 'harness',
    profile: 'unknown',
    port: { opened: () => notes.push('opened'), deliver: () => notes.push('delivered') },
    initiator: {
      greet: () => greet.promise,
      conclude: (answer) => {
        answers.push(Buffer.from(answer).toString());
        return conclude.promise;
      },
      abandon: () => notes.push('abandoned'),
    },
  });
  const becomes = (state: string) => vi.waitFor(() => expect(stateOf(stream)).toBe(state));
  const greeted = async () => {
    greet.resolve(bytes('one'));
    await becomes('opening.handshaking.greeted');
    expect(stream.sent()).toEqual(['resume 0', `handshake 'one'`]);
  };
  return { stream, greet, conclude, answers, notes, becomes, greeted };
}

/** An executor to which a message 1 came. */
function executor(profile: 'noise' | 'reliable') {
  const read = pending<void>();
  const authorise = pending<HandshakeAnswer>();
  const signals: AbortSignal[] = [];
  const notes: string[] = [];
  const stream = new LoneStream({
    profile,
    port: { opened: () => notes.push('opened') },
    responder: {
      read: () => read.promise,
      authorise: (signal) => {
        signals.push(signal);
        return authorise.promise;
      },
      abandon: () => notes.push('abandoned'),
    },
  });
  const becomes = (state: string) => vi.waitFor(() => expect(stateOf(stream)).toBe(state));
  const readDone = async () => {
    read.resolve();
    await becomes('opening.handshaking.authorising');
  };
  const admitted = async () => {
    await readDone();
    authorise.resolve({ message: bytes('two'), admitted: true });
    await vi.waitFor(() => expect(stream.is(profile)).toBe(true));
  };
  return { stream, read, authorise, signals, notes, becomes, readDone, admitted };
}

function stateOf(stream: LoneStream): string {
  const paths = activePaths(stream.actor.getSnapshot().value);
  return paths[paths.length - 1] ?? '';
}

describe('R16: a harness whose stream is to be encrypted', () => {
  it('says nothing before message 1 is written', async () => {
    const { stream, greeted } = harness();
    expect(stream.sentWithin(10_000)).toEqual([]);
    await greeted();
  });

  it('numbers records from 1 when the answer announces reliability', async () => {
    const { stream, greeted, conclude, answers, notes, becomes } = harness();
    await greeted();
    stream.receive(peer.handshake('two'));
    await becomes('opening.handshaking.concluding');
    expect(answers).toEqual(['two']);
    expect(notes).toEqual([]);
    conclude.resolve();
    await vi.waitFor(() => expect(stream.is('reliable')).toBe(true));
    expect(notes).toEqual(['abandoned', 'opened']);
    stream.flush('record');
    expect(stream.sent()).toEqual([`data 1 'record'`]);
  });

  it('numbers records from 0, never again and without acknowledgements, when the executor is a release', async () => {
    const { stream, greeted, conclude } = harness();
    await greeted();
    stream.receive(release.handshake('two'));
    conclude.resolve();
    await vi.waitFor(() => expect(stream.is('noise')).toBe(true));
    stream.flush('a', 'b');
    expect(stream.sent()).toEqual([`plain data 0 'a'`, `plain data 1 'b'`]);
    stream.receive(release.data(1), release.data(0), release.data(1));
    expect(stream.delivered).toEqual(['m0', 'm1']);
    expect(stream.sentWithin(60_000)).toEqual([]);
  });

  it('asks an executor that is silent for its answer again, with growing waits, and never greets twice', async () => {
    const { stream, greeted } = harness();
    await greeted();
    expect(stream.sentWithin(999)).toEqual([]);
    expect(stream.sentWithin(1)).toEqual(['heartbeat']);
    expect(stream.sentWithin(2000)).toEqual(['heartbeat']);
    expect(stream.sentWithin(4000)).toEqual(['heartbeat']);
  });

  it('gives up after fifteen seconds', async () => {
    const { stream, greeted, notes } = harness();
    await greeted();
    stream.clock.advance(15_000);
    expect(stream.end).toEqual(reset('handshake_timeout', 'local'));
    expect(notes).toEqual(['abandoned']);
  });

  it('ignores everything that says nothing until then', async () => {
    const { stream, greeted } = harness();
    await greeted();
    stream.receive(peer.ack(0), peer.heartbeat(), peer.resume(1));
    expect(stateOf(stream)).toBe('opening.handshaking.greeted');
    expect(stream.sent()).toEqual([]);
  });

  it.each([
    ['data', () => [peer.data(1)]],
    ['data before the answer', () => [peer.data(1), peer.handshake('two')]],
    ['data of a release', () => [release.data(0)]],
  ])('is reset by %s of somebody who has not answered', async (_, frames) => {
    const { stream, greeted } = harness();
    await greeted();
    stream.receive(...frames());
    expect(stream.end).toEqual(reset('handshake_incomplete', 'local'));
  });

  it('ends with the reset of anybody on the way, before and while the answer is read', async () => {
    const waiting = harness();
    await waiting.greeted();
    waiting.stream.receive(release.reset('noise_relay_protocol_error'));
    expect(waiting.stream.end).toEqual(reset('noise_relay_protocol_error', 'peer'));
    expect(waiting.stream.sent()).toEqual([]);
    const reading = harness();
    await reading.greeted();
    reading.stream.receive(peer.handshake('two'), release.reset('no'));
    reading.conclude.resolve();
    await vi.waitFor(() => expect(reading.stream.end).toEqual(reset('no', 'peer')));
  });

  it('is reset by an answer that does not open, and its user never hears of it', async () => {
    const { stream, greeted, conclude, notes } = harness();
    await greeted();
    stream.receive(peer.handshake('forged'));
    conclude.reject();
    await vi.waitFor(() => expect(stream.end).toEqual(reset('noise_relay_protocol_error', 'local')));
    expect(notes).toEqual(['abandoned']);
  });

  it('keeps what comes behind the answer until that has been read, in order', async () => {
    const { stream, greeted, conclude, notes, becomes } = harness();
    await greeted();
    stream.receive(release.handshake('two'), release.data(1));
    await becomes('opening.handshaking.concluding');
    stream.receive(release.data(0), release.data(2));
    expect(stream.delivered).toEqual([]);
    conclude.resolve();
    await vi.waitFor(() => expect(stream.delivered).toEqual(['m0', 'm1', 'm2']));
    expect(notes).toEqual(['abandoned', 'opened', 'delivered']);
  });

  it('keeps a bounded number of such frames', async () => {
    const { stream, greeted, becomes } = harness();
    await greeted();
    stream.receive(release.handshake('two'));
    await becomes('opening.handshaking.concluding');
    for (let seq = 0; seq < 64; seq += 1) stream.receive(release.data(seq));
    expect(stream.end).toBeUndefined();
    stream.receive(release.data(64));
    expect(stream.end).toEqual(reset('handshake_incomplete', 'local'));
  });

  it('is over with its socket: nothing of a handshake can go on at another', async () => {
    const { stream, greeted } = harness();
    await greeted();
    stream.actor.send({ type: 'carrier.lost' });
    expect(stream.end).toEqual(reset('carrier_lost', 'local'));
  });

  it('may be closed meanwhile, and says so', async () => {
    const { stream, greeted } = harness();
    await greeted();
    stream.actor.send({ type: 'stream.close' });
    expect(stream.end).toMatchObject({ kind: 'closed' });
    expect(stream.sent()).toEqual(['reset stream_closed']);
  });

  it('does not mind an answer that comes twice', async () => {
    const { stream, greeted, conclude } = harness();
    await greeted();
    stream.receive(peer.handshake('two'));
    conclude.resolve();
    await vi.waitFor(() => expect(stream.is('reliable')).toBe(true));
    stream.receive(peer.handshake('two'));
    expect(stream.end).toBeUndefined();
    expect(stream.delivered).toEqual([]);
  });
});

describe('R12: an executor to which a handshake came', () => {
  it('says nothing until the registry has said yes, then answers in the profile of the harness', async () => {
    for (const profile of ['noise', 'reliable'] as const) {
      const { stream, readDone, authorise, notes } = executor(profile);
      await readDone();
      expect(stream.sentWithin(9_999)).toEqual([]);
      authorise.resolve({ message: bytes('two'), admitted: true });
      await vi.waitFor(() => expect(stream.is(profile)).toBe(true));
      expect(stream.sent()).toEqual([profile === 'noise' ? `plain handshake 'two'` : `handshake 'two'`]);
      expect(notes).toEqual(['abandoned', 'opened']);
    }
  });

  it('is reset when message 1 does not open', async () => {
    const { stream, read } = executor('noise');
    read.reject();
    await vi.waitFor(() => expect(stream.end).toEqual(reset('noise_relay_protocol_error', 'local')));
    expect(stream.sent()).toEqual(['plain reset noise_relay_protocol_error']);
  });

  it('is reset when the registry says no, or nothing for ten seconds, and then stops asking', async () => {
    const refused = executor('reliable');
    await refused.readDone();
    refused.authorise.reject();
    await vi.waitFor(() => expect(refused.stream.end).toEqual(reset('noise_relay_protocol_error', 'local')));
    expect(refused.stream.sent()).toEqual(['reset noise_relay_protocol_error']);

    const silent = executor('noise');
    await silent.readDone();
    silent.stream.clock.advance(10_000);
    expect(silent.stream.end).toEqual(reset('authorisation_timeout', 'local'));
    expect(silent.signals.map(({ aborted }) => aborted)).toEqual([true]);
    silent.authorise.resolve({ message: bytes('late'), admitted: true });
    await silent.authorise.promise;
    expect(silent.stream.sent()).toEqual(['plain reset noise_relay_protocol_error']);
    expect(silent.notes).toEqual(['abandoned']);
  });

  it('tells the harness when the registry refuses this executor, and there is no stream then', async () => {
    const { stream, readDone, authorise, notes } = executor('noise');
    await readDone();
    authorise.resolve({ message: bytes('rejected'), admitted: false });
    await vi.waitFor(() => expect(stream.end).toEqual(reset('credential_rejected', 'local')));
    expect(stream.sent()).toEqual([`plain handshake 'rejected'`]);
    expect(notes).toEqual(['abandoned']);
  });

  it.each([
    ['data', release.data(0)],
    ['another handshake', release.handshake('again')],
  ])('is reset by %s before it has answered', async (_, frame) => {
    const { stream, readDone, notes } = executor('noise');
    await readDone();
    stream.receive(frame);
    expect(stream.end).toEqual(reset('handshake_incomplete', 'local'));
    expect(stream.sent()).toEqual(['plain reset noise_relay_protocol_error']);
    expect(notes).toEqual(['abandoned']);
  });

  it('forgets one that its harness resets, without a word', async () => {
    const { stream, readDone, signals } = executor('noise');
    await readDone();
    stream.receive(release.reset('gone'));
    expect(stream.end).toEqual(reset('gone', 'peer'));
    expect(stream.sent()).toEqual([]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it('ignores resume, ack and heartbeat, and a handshake that a bad network doubled', async () => {
    const { stream, readDone } = executor('reliable');
    await readDone();
    stream.receive(peer.resume(0), peer.ack(0), peer.heartbeat(), peer.handshake('one'));
    expect(stateOf(stream)).toBe('opening.handshaking.authorising');
    expect(stream.sent()).toEqual([]);
  });

  it('says its answer again to a harness that asks, until something sealed shows that it has it', async () => {
    const { stream, admitted } = executor('reliable');
    await admitted();
    expect(stream.sent()).toEqual([`handshake 'two'`]);
    stream.receive(peer.heartbeat());
    expect(stream.sent()).toEqual([`handshake 'two'`]);
    stream.receive(peer.data(1));
    stream.clock.advance(1000);
    stream.sent();
    stream.receive(peer.heartbeat());
    expect(stream.sent()).toEqual(['ack 1']);
  });

  it('takes a word that its own handshake has overtaken for what it is', async () => {
    const { stream, admitted } = executor('reliable');
    await admitted();
    stream.sent();
    stream.receive(peer.resume(0));
    expect(stream.end).toBeUndefined();
    expect(stream.sent()).toEqual([]);
  });

  it('keeps an active stream when somebody forges a handshake on it', async () => {
    for (const profile of ['noise', 'reliable'] as const) {
      const { stream, admitted } = executor(profile);
      await admitted();
      stream.sent();
      stream.receive(profile === 'noise' ? release.handshake('forged') : peer.handshake('forged'));
      expect(stream.end).toBeUndefined();
      expect(stream.sent()).toEqual([]);
    }
  });

  it('goes on at another carrier once it is reliable, and never when its peer is a release', async () => {
    const ours = executor('reliable');
    await ours.admitted();
    ours.stream.receive(peer.data(1));
    ours.stream.actor.send({ type: 'carrier.lost' });
    ours.stream.actor.send({ type: 'carrier.back' });
    expect(ours.stream.is({ reliable: { carrier: 'interrupted' } })).toBe(true);
    const theirs = executor('noise');
    await theirs.admitted();
    theirs.stream.actor.send({ type: 'carrier.lost' });
    expect(theirs.stream.end).toEqual(reset('carrier_lost', 'local'));
  });
});

describe('R9: records of a release', () => {
  async function open() {
    const opened = executor('noise');
    await opened.admitted();
    opened.stream.sent();
    return opened.stream;
  }

  it('wait for one that is missing, and the stream is given up when it stays so', async () => {
    const stream = await open();
    stream.receive(release.data(0), release.data(2));
    expect(stream.delivered).toEqual(['m0']);
    expect(stream.is({ noise: 'gapped' })).toBe(true);
    stream.clock.advance(9_000);
    stream.receive(release.data(3));
    stream.clock.advance(1_000);
    expect(stream.end).toEqual(reset('gap_stalled', 'local'));
    expect(stream.sent()).toEqual(['plain reset noise_relay_protocol_error']);
  });

  it('are given ten seconds for each gap anew', async () => {
    const stream = await open();
    stream.receive(release.data(1));
    stream.clock.advance(9_000);
    stream.receive(release.data(0), release.data(3));
    stream.clock.advance(9_000);
    expect(stream.end).toBeUndefined();
    stream.receive(release.data(2));
    expect(stream.is({ noise: 'complete' })).toBe(true);
    expect(stream.delivered).toEqual(['m0', 'm1', 'm2', 'm3']);
  });

  it('too far ahead reset the stream, and what came before counts', async () => {
    const stream = await open();
    stream.receive(release.data(0), release.data(66));
    expect(stream.delivered).toEqual(['m0']);
    expect(stream.end).toEqual(reset('seq_beyond_window', 'local'));
  });
});

describe('the chart of an encrypted stream', () => {
  const nothing = () => {};
  const never = () => new Promise<never>(nothing);
  const common: Omit<StreamInput, 'role'> = {
    streamId: STREAM_ID,
    port: {
      transmit: nothing,
      retransmit: nothing,
      deliver: nothing,
      backlog: nothing,
      readSocket: nothing,
      opened: nothing,
    },
    clock: { now: () => 0, setTimeout: () => 0, clearTimeout: nothing },
    limits: defaultLimits,
    timing: defaultStreamTiming,
    meter: { current: { smoothedMs: 0, varianceMs: 0, latestMs: 0, samples: 1 } },
    random: () => 0,
  };
  const initiator = { greet: never, conclude: never, abandon: nothing };
  const responder = { read: never, authorise: never, abandon: nothing };
  const done = (id: string, output: unknown) => ({ type: `xstate.done.actor.${id}`, output }) as never;
  const events: StreamEvent[] = [
    done('greet', bytes('one')),
    done('conclude', undefined),
    done('read', undefined),
    done('authorise', { message: bytes('two'), admitted: true }),
    { type: 'frames', frames: [release.handshake('two')] },
    { type: 'frames', frames: [peer.handshake('two')] },
    { type: 'frames', frames: [release.data(0)] },
    { type: 'frames', frames: [release.data(1)] },
    { type: 'stream.close' },
  ];

  it('has no state of a handshake, or of a release behind one, that cannot be reached', () => {
    const inputs: StreamInput[] = [
      { ...common, role: 'harness', initiator },
      { ...common, role: 'executor', profile: 'noise', responder },
    ];
    const reached = new Set<string>();
    for (const input of inputs) {
      const map = getAdjacencyMap(streamMachine, {
        input,
        events,
        serializeState: ({ value, context: { order, early, profile } }) =>
          JSON.stringify([value, order.expected, order.held.length, early.length, profile]),
        stopWhen: ({ context: { order, early } }) => order.expected > 2 || early.length > 2,
      });
      for (const { state } of Object.values(map)) for (const path of activePaths(state.value)) reached.add(path);
    }
    const encrypted = allStates(streamMachine)
      .map(({ path }) => path.join('.'))
      .filter((path) => /^(opening\.handshaking|noise)/.test(path));
    expect(encrypted.length).toBeGreaterThan(8);
    expect(encrypted.filter((path) => !reached.has(path))).toEqual([]);
  });
});
