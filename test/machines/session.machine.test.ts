import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import { executorMachine, sessionActorId } from '../../machines/executor.machine.js';
import type { ProcessEffects } from '../../machines/process.machine.js';
import { type SessionEffects, sessionMachine } from '../../machines/session.machine.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { activePaths, allStates } from './charts.js';

const DETACHED_MS = 80_000;
const noEffects: SessionEffects = { detached: () => {}, processEnded: () => {} };

function idleProcess(overrides: Partial<ProcessEffects> = {}): ProcessEffects {
  const nothing = () => {};
  return {
    killGroup: nothing,
    signalGroup: nothing,
    askGroup: nothing,
    watchGroup: nothing,
    unwatchGroup: nothing,
    abandonStreams: nothing,
    announceExited: nothing,
    announceClosed: nothing,
    ...overrides,
  };
}

function started(effects: SessionEffects = noEffects) {
  const clock = new StepClock();
  const actor = createActor(sessionMachine, {
    clock,
    input: { sessionId: 's', detachedMs: DETACHED_MS, retentionMs: 1_000, keptRetentionMs: 60_000, effects },
  });
  actor.start();
  return { actor, clock };
}

function ready(effects?: SessionEffects) {
  const session = started(effects);
  session.actor.send({ type: 'session.initialize' });
  session.actor.send({ type: 'session.initialized' });
  return session;
}

describe('the session chart', () => {
  it('describes every state and reaches each of them', () => {
    const map = getAdjacencyMap(sessionMachine, {
      input: { sessionId: 's', detachedMs: 1, retentionMs: 1, keptRetentionMs: 1, effects: noEffects },
      serializeState: (state) => JSON.stringify([state.value, Object.keys(state.children), state.context.kept]),
      events: [
        { type: 'session.initialize' },
        { type: 'session.initialized' },
        { type: 'session.resume' },
        { type: 'session.keep', keep: true },
        { type: 'session.abandon' },
        { type: 'session.end' },
        { type: 'transport.closed' },
        { type: 'process.start', processId: 'p', effects: idleProcess() },
      ],
    });
    const reached = new Set(Object.values(map).flatMap(({ state }) => activePaths(state.value)));
    for (const state of allStates(sessionMachine)) {
      expect(state.description, state.id).toBeTruthy();
      expect(reached, state.id).toContain(state.path.join('.'));
    }
  });

  it('is forgotten when nobody ever initialised it', () => {
    const { actor } = started();
    actor.send({ type: 'transport.closed' });
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('R43: can be resumed until the deadline, and needs initialized again', () => {
    const { actor, clock } = ready();
    actor.send({ type: 'transport.closed' });
    clock.advance(DETACHED_MS - 1);
    actor.send({ type: 'session.resume' });
    expect(actor.getSnapshot().value).toBe('awaitingInitialized');
    clock.advance(DETACHED_MS);
    expect(actor.getSnapshot().status).toBe('active');
  });

  it('R44: ends at the deadline only after its processes are gone', () => {
    const killed: string[] = [];
    const { actor, clock } = ready();
    actor.send({ type: 'process.start', processId: 'p', effects: idleProcess({ killGroup: () => killed.push('p') }) });
    const child = actor.getSnapshot().children['process:p'];
    child?.send({ type: 'process.spawned' });
    actor.send({ type: 'transport.closed' });
    clock.advance(DETACHED_MS);
    expect(killed).toEqual(['p']);
    expect(actor.getSnapshot().value).toBe('ending');
    child?.send({ type: 'process.exited', exitCode: 137 });
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('stays for as long as a process of it can be read when it is kept, and then as long as any', () => {
    const { actor, clock } = ready();
    actor.send({ type: 'session.keep', keep: true });
    actor.send({ type: 'process.start', processId: 'p', effects: idleProcess() });
    const child = actor.getSnapshot().children['process:p'];
    child?.send({ type: 'process.spawned' });
    actor.send({ type: 'transport.closed' });
    clock.advance(100 * DETACHED_MS);
    expect(actor.getSnapshot().value).toBe('kept');
    actor.send({ type: 'session.resume' });
    actor.send({ type: 'session.initialized' });
    actor.send({ type: 'transport.closed' });
    child?.send({ type: 'process.exited', exitCode: 0 });
    child?.send({ type: 'streams.ended' });
    // Sixty seconds, where a session that is not kept has one.
    clock.advance(59_000);
    expect(actor.getSnapshot().value).toBe('kept');
    clock.advance(2_000);
    expect(actor.getSnapshot().value).toBe('detached');
    clock.advance(DETACHED_MS);
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('is not kept any more when that is taken back, nor when it has no process', () => {
    const { actor } = ready();
    actor.send({ type: 'session.keep', keep: true });
    actor.send({ type: 'transport.closed' });
    expect(actor.getSnapshot().value).toBe('detached');
    const other = ready();
    other.actor.send({ type: 'session.keep', keep: true });
    other.actor.send({ type: 'process.start', processId: 'p', effects: idleProcess() });
    other.actor.send({ type: 'session.keep', keep: false });
    other.actor.send({ type: 'transport.closed' });
    expect(other.actor.getSnapshot().value).toBe('detached');
  });

  it('R45: outlives the crash of a process chart and forgets that process', () => {
    const ended: unknown[] = [];
    const { actor } = ready({ detached: () => {}, processEnded: (id, error) => ended.push(id, String(error)) });
    const crashing = idleProcess({
      announceExited: () => {
        throw new Error('defect');
      },
    });
    actor.send({ type: 'process.start', processId: 'p', effects: crashing });
    const child = actor.getSnapshot().children['process:p'];
    child?.send({ type: 'process.spawned' });
    child?.send({ type: 'process.exited', exitCode: 0 });
    expect(ended).toEqual(['p', 'Error: defect']);
    expect(actor.getSnapshot().value).toBe('ready');
    expect(actor.getSnapshot().children['process:p']).toBeUndefined();
  });
});

describe('the executor chart', () => {
  function running() {
    const clock = new StepClock();
    const ended: string[] = [];
    const actor = createActor(executorMachine, {
      clock,
      input: {
        detachedMs: 1_000,
        retentionMs: 1_000,
        keptRetentionMs: 1_000,
        effects: { sessionEnded: (id) => ended.push(id) },
      },
    });
    actor.start();
    return { actor, clock, ended };
  }

  it('describes every state and reaches each of them', () => {
    const { actor, clock } = running();
    const reached = new Set<string>();
    const look = () => {
      for (const path of activePaths(actor.getSnapshot().value)) reached.add(path);
    };
    look();
    actor.send({ type: 'session.open', sessionId: 's', effects: noEffects });
    const session = actor.getSnapshot().children[sessionActorId('s')];
    session?.send({ type: 'session.initialize' });
    session?.send({ type: 'session.initialized' });
    session?.send({ type: 'process.start', processId: 'p', effects: idleProcess() });
    actor.send({ type: 'executor.drain' });
    look();
    clock.advance(1_500);
    look();
    for (const state of allStates(executorMachine)) {
      expect(state.description, state.id).toBeTruthy();
      expect(reached, state.id).toContain(state.path.join('.'));
    }
  });

  it('is stopped at once when it has no session, and opens none while it drains', () => {
    const { actor } = running();
    actor.send({ type: 'executor.drain' });
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('keeps no session that is over', () => {
    const { actor, ended } = running();
    actor.send({ type: 'session.open', sessionId: 's', effects: noEffects });
    actor.getSnapshot().children[sessionActorId('s')]?.send({ type: 'transport.closed' });
    expect(ended).toEqual(['s']);
    expect(Object.keys(actor.getSnapshot().children)).toEqual([]);
  });
});
