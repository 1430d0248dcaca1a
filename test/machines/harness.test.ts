import { describe, expect, it } from 'vitest';
import { createActor, fromPromise } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import { HarnessError, harnessMachine, type Initialized } from '../../machines/harness.machine.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { activePaths, allStates, unnamedParts } from './charts.js';

const INITIALIZE_MS = 10_000;

/** A promise that the test settles, and whether who asked for it still wants session. */
class Awaited<Value, Input = unknown> {
  asked = 0;
  aborted = false;
  settle: { resolve: (value: Value) => void; reject: (error: unknown) => void } | undefined;
  readonly logic = fromPromise<Value, Input>(({ signal }) => {
    this.asked += 1;
    signal.addEventListener('abort', () => {
      this.aborted = true;
    });
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
  });
}

function harness(recoverMs = 0) {
  const clock = new StepClock();
  const open = new Awaited<void>();
  const initialize = new Awaited<Initialized>();
  const resume = new Awaited<void, Initialized>();
  const catchUp = new Awaited<void>();
  const close = new Awaited<void>();
  const actor = createActor(
    harnessMachine.provide({
      actors: {
        openTransport: open.logic,
        initialize: initialize.logic,
        resumeSession: resume.logic,
        catchUp: catchUp.logic,
        closeTransport: close.logic,
      },
    }),
    { clock, input: { initializeMs: INITIALIZE_MS, recoverMs, random: () => 0 } },
  );
  actor.start();
  const settled = () => clock.advanceAsync(0);
  return {
    actor,
    clock,
    open,
    initialize,
    resume,
    catchUp,
    close,
    settled,
    state: () => actor.getSnapshot().value,
    error: () => actor.getSnapshot().context.error,
    async opened() {
      open.settle?.resolve();
      await settled();
    },
    async ready() {
      await this.opened();
      initialize.settle?.resolve({ sessionId: 'session-1' });
      await settled();
    },
  };
}

describe('a harness', () => {
  it('opens a transport, asks initialize once, and is ready with the session', async () => {
    const session = harness();
    expect(session.state()).toBe('connecting');
    await session.opened();
    expect(session.state()).toBe('initializing');
    session.initialize.settle?.resolve({ sessionId: 'session-1', environmentInfo: { os: 'linux' } });
    await session.settled();
    expect(session.state()).toBe('ready');
    expect(session.actor.getSnapshot().context.session).toEqual({
      sessionId: 'session-1',
      environmentInfo: { os: 'linux' },
    });
    expect([session.open.asked, session.initialize.asked, session.close.asked]).toEqual([1, 1, 0]);
    expect(session.clock.pending()).toEqual([]);
  });

  it('fails with the error of a transport that cannot be opened', async () => {
    const session = harness();
    const refused = new HarnessError('unreachable', 'start one');
    session.open.settle?.reject(refused);
    await session.settled();
    expect(session.state()).toBe('failed');
    expect(session.error()).toBe(refused);
    expect(session.initialize.asked).toBe(0);
  });

  it('makes an error of whatever it is told', async () => {
    const session = harness();
    await session.opened();
    session.initialize.settle?.reject('no');
    await session.settled();
    expect(session.state()).toBe('failed');
    expect(session.error()).toEqual(new Error('no'));
  });

  it('gives an executor its time to answer, and says what may be wrong', async () => {
    const session = harness();
    await session.opened();
    session.clock.advance(INITIALIZE_MS - 1);
    expect(session.state()).toBe('initializing');
    session.clock.advance(1);
    expect(session.state()).toBe('failed');
    expect(session.error()).toMatchObject({ code: 'initialize_timeout', initiator: 'peer', scope: 'connection' });
    expect(session.initialize.aborted).toBe(true);
    expect(session.clock.pending()).toEqual([]);
  });

  it.each([
    ['while it is being opened', async (_: ReturnType<typeof harness>) => {}],
    ['while initialize is asked', (session: ReturnType<typeof harness>) => session.opened()],
    ['when it is ready', (session: ReturnType<typeof harness>) => session.ready()],
  ])('fails when its transport ends %s', async (_when, reach) => {
    const session = harness();
    await reach(session);
    session.actor.send({ type: 'transport.ended', reason: 'carrier_lost' });
    expect(session.state()).toBe('failed');
    expect(session.error()).toMatchObject({ code: 'transport_lost' });
    expect(session.error()?.message).toContain('carrier_lost');
    expect(session.clock.pending()).toEqual([]);
  });

  it.each([
    ['while the transport is being opened', async (_: ReturnType<typeof harness>) => {}],
    ['while initialize is asked', (session: ReturnType<typeof harness>) => session.opened()],
    ['when it is ready', (session: ReturnType<typeof harness>) => session.ready()],
  ])('closes its transport when its user is done, %s', async (_when, reach) => {
    const session = harness();
    await reach(session);
    session.actor.send({ type: 'harness.close' });
    expect(session.state()).toBe('closing');
    // What the peer does now makes no failure of it, and asking twice changes nothing.
    session.actor.send({ type: 'transport.ended', reason: 'stream_closed' });
    session.actor.send({ type: 'harness.close' });
    expect(session.state()).toBe('closing');
    session.close.settle?.resolve();
    await session.settled();
    expect(session.state()).toBe('closed');
    expect(session.close.asked).toBe(1);
    expect(session.error()).toBeUndefined();
    expect(session.clock.pending()).toEqual([]);
  });

  it('stops opening and asking when it is closed', async () => {
    const early = harness();
    early.actor.send({ type: 'harness.close' });
    expect(early.open.aborted).toBe(true);
    const later = harness();
    await later.opened();
    later.actor.send({ type: 'harness.close' });
    expect(later.initialize.aborted).toBe(true);
  });

  it('is closed although its transport could not be closed properly', async () => {
    const session = harness();
    await session.ready();
    session.actor.send({ type: 'harness.close' });
    session.close.settle?.reject(new Error('gone'));
    await session.settled();
    expect(session.state()).toBe('closed');
  });
});

describe('R49: a harness whose transport is lost for good', () => {
  const RECOVER_MS = 25_000;
  const ended = { type: 'transport.ended', reason: 'the executor lost its connection' } as const;

  async function recovering() {
    const session = harness(RECOVER_MS);
    await session.ready();
    session.actor.send(ended);
    expect(session.state()).toEqual({ recovering: 'reopening' });
    return session;
  }
  async function settle(session: ReturnType<typeof harness>, what: 'open' | 'resume' | 'catchUp', error?: unknown) {
    if (error === undefined) session[what].settle?.resolve();
    else session[what].settle?.reject(error);
    await session.settled();
  }

  it('opens another, resumes its session, reads back what it missed, and is ready again', async () => {
    const session = await recovering();
    await settle(session, 'open');
    expect(session.state()).toEqual({ recovering: 'resuming' });
    await settle(session, 'resume');
    expect(session.state()).toEqual({ recovering: 'catchingUp' });
    await settle(session, 'catchUp');
    expect(session.state()).toBe('ready');
    expect([session.open.asked, session.resume.asked, session.catchUp.asked]).toEqual([2, 1, 1]);
    expect(session.error()).toBeUndefined();
    expect(session.clock.pending()).toEqual([]);
  });

  it('tries again, later each time, whatever fails and whenever the new transport ends', async () => {
    const session = await recovering();
    const waits: number[] = [];
    const wait = () => {
      expect(session.state()).toEqual({ recovering: 'waiting' });
      const before = session.clock.now();
      session.clock.runUntil(() => session.actor.getSnapshot().matches({ recovering: 'reopening' }), 30_000);
      waits.push(session.clock.now() - before);
    };
    await settle(session, 'open', new HarnessError('unreachable', 'nobody there'));
    wait();
    await settle(session, 'open');
    await settle(session, 'resume', new Error('already attached'));
    wait();
    await settle(session, 'open');
    session.actor.send(ended);
    wait();
    await settle(session, 'open');
    await settle(session, 'resume');
    await settle(session, 'catchUp', new Error('lost again'));
    wait();
    await settle(session, 'open');
    session.clock.advance(INITIALIZE_MS);
    wait();
    expect(waits).toEqual([250, 500, 1000, 2000, 4000]);
  });

  it('gives up when its time is over, and says what was lost and why it stayed lost', async () => {
    const session = await recovering();
    await settle(session, 'open', new HarnessError('unreachable', 'nobody there'));
    session.clock.advance(RECOVER_MS);
    expect(session.state()).toBe('failed');
    expect(session.error()).toMatchObject({ code: 'transport_lost' });
    expect(session.error()?.message).toMatch(
      /^the session with the executor is lost: .*; it could not be had again: nobody there$/,
    );
    expect(session.clock.pending()).toEqual([]);
  });

  it('gives up at once when the executor no longer has the session', async () => {
    const session = await recovering();
    await settle(session, 'open');
    await settle(session, 'resume', new HarnessError('session_lost', 'unknown session id'));
    expect(session.state()).toBe('failed');
    expect(session.error()).toMatchObject({ code: 'session_lost' });
  });

  it('fails at once when the session went with it', async () => {
    const session = harness(RECOVER_MS);
    await session.ready();
    session.actor.send({ ...ended, final: true });
    expect(session.state()).toBe('failed');
  });

  it('can be closed meanwhile', async () => {
    const session = await recovering();
    session.actor.send({ type: 'harness.close' });
    expect(session.state()).toBe('closing');
    expect(session.open.aborted).toBe(true);
  });
});

describe('the harness chart', () => {
  it('names every action, guard, delay and actor, and describes every state', () => {
    expect(unnamedParts(harnessMachine)).toEqual([]);
    for (const state of [harnessMachine.root, ...allStates(harnessMachine)])
      expect(state.description, state.id).toBeTruthy();
  });

  it('has no state that cannot be reached', () => {
    const done = (actorId: string) => ({ type: `xstate.done.actor.${actorId}`, actorId, output: {} }) as never;
    const map = getAdjacencyMap(harnessMachine, {
      input: { initializeMs: INITIALIZE_MS, recoverMs: 1, random: () => 0 },
      events: [
        done('reopenTransport'),
        done('resumeSession'),
        done('catchUp'),
        done('openTransport'),
        done('initialize'),
        done('closeTransport'),
        { type: 'harness.close' },
        { type: 'transport.ended', reason: 'r' },
      ],
      serializeState: ({ value }) => JSON.stringify(value),
    });
    const reached = new Set(Object.values(map).flatMap(({ state }) => activePaths(state.value)));
    expect(
      allStates(harnessMachine)
        .map(({ path }) => path.join('.'))
        .filter((path) => !reached.has(path)),
    ).toEqual([]);
  });

  it('runs only with its actors provided', async () => {
    const actor = createActor(harnessMachine, {
      input: { initializeMs: INITIALIZE_MS, recoverMs: 0, random: () => 0 },
      clock: new StepClock(),
    });
    actor.start();
    await new StepClock().advanceAsync(0);
    expect(actor.getSnapshot().context.error?.message).toContain('provided');
  });
});
