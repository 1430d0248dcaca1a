import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import { type ProcessEffects, processMachine } from '../../machines/process.machine.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { activePaths, allStates } from './charts.js';

const RETENTION_MS = 80_000;

function recorded() {
  const done: string[] = [];
  const effects: ProcessEffects = {
    killGroup: () => done.push('kill'),
    signalGroup: (signal) => done.push(signal),
    askGroup: () => done.push('ask'),
    watchGroup: () => done.push('watch'),
    unwatchGroup: () => done.push('unwatch'),
    abandonStreams: () => done.push('abandon'),
    announceExited: (code) => done.push(`exited ${code}`),
    announceClosed: () => done.push('closed'),
  };
  return { done, effects };
}

function started() {
  const clock = new StepClock();
  const { done, effects } = recorded();
  const actor = createActor(processMachine, {
    clock,
    input: { processId: 'p', retentionMs: RETENTION_MS, effects },
  });
  actor.start();
  return { actor, clock, done };
}

describe('the process chart', () => {
  it('describes every state and reaches each of them', () => {
    const { effects } = recorded();
    const map = getAdjacencyMap(processMachine, {
      input: { processId: 'p', retentionMs: 1, effects },
      events: [
        { type: 'process.spawned' },
        { type: 'process.failed' },
        { type: 'process.exited', exitCode: 0 },
        { type: 'process.terminate' },
        { type: 'process.terminate', graceMs: 1 },
        { type: 'process.signal', signal: 'SIGINT' },
        { type: 'group.ended' },
        { type: 'process.discard' },
        { type: 'streams.ended' },
        { type: 'xstate.after.retention.process.closed' } as never,
      ],
    });
    const reached = new Set(Object.values(map).flatMap(({ state }) => activePaths(state.value)));
    for (const state of allStates(processMachine)) {
      expect(state.description, state.id).toBeTruthy();
      // A parallel state whose regions are all done moves on within the same step.
      if (state.path.join('.') === 'live.streams.ended' || state.path.join('.') === 'live.leader.exited') continue;
      expect(reached, state.id).toContain(state.path.join('.'));
    }
  });

  it('R46: closes only after exit and end of output, in either order', () => {
    const one = started();
    one.actor.send({ type: 'process.spawned' });
    one.actor.send({ type: 'process.exited', exitCode: 3 });
    expect(one.done).toEqual(['exited 3']);
    one.actor.send({ type: 'streams.ended' });
    expect(one.done).toEqual(['exited 3', 'closed']);

    const other = started();
    other.actor.send({ type: 'process.spawned' });
    other.actor.send({ type: 'streams.ended' });
    expect(other.done).toEqual([]);
    other.actor.send({ type: 'process.exited', exitCode: 0 });
    expect(other.done).toEqual(['exited 0', 'closed']);
  });

  it('gives streams up that a descendant still holds after the group was killed', () => {
    const { actor, clock, done } = started();
    actor.send({ type: 'process.spawned' });
    actor.send({ type: 'process.terminate' });
    actor.send({ type: 'process.exited', exitCode: 137 });
    expect(done).toEqual(['kill', 'exited 137']);
    clock.advance(1_000);
    expect(done).toEqual(['kill', 'exited 137', 'abandon', 'closed']);
  });

  it('leaves a descendant alone when the leader ended by itself', () => {
    const { actor, clock, done } = started();
    actor.send({ type: 'process.spawned' });
    actor.send({ type: 'process.exited', exitCode: 0 });
    actor.send({ type: 'process.terminate' });
    clock.advance(24 * 3_600_000);
    expect(done).not.toContain('kill');
  });

  it('keeps a closed process for the retention time', () => {
    const { actor, clock } = started();
    actor.send({ type: 'process.spawned' });
    actor.send({ type: 'streams.ended' });
    actor.send({ type: 'process.exited', exitCode: 0 });
    clock.advance(RETENTION_MS - 1);
    expect(actor.getSnapshot().status).toBe('active');
    clock.advance(1);
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('R48: kills a child that was terminated or discarded before it was there', () => {
    const terminated = started();
    terminated.actor.send({ type: 'process.terminate' });
    terminated.actor.send({ type: 'process.spawned' });
    expect(terminated.done).toEqual(['kill']);
    const discarded = started();
    discarded.actor.send({ type: 'process.discard' });
    discarded.actor.send({ type: 'process.spawned' });
    // At once, so that a start that still waits never runs, and again when it is there.
    expect(discarded.done).toEqual(['kill', 'kill', 'abandon']);
    discarded.actor.send({ type: 'process.exited', exitCode: 137 });
    expect(discarded.actor.getSnapshot().status).toBe('done');
  });

  it('needs not wait for a leader that is gone when it is discarded', () => {
    const { actor, done } = started();
    actor.send({ type: 'process.spawned' });
    actor.send({ type: 'process.exited', exitCode: 0 });
    actor.send({ type: 'process.discard' });
    expect(done).toEqual(['exited 0', 'kill', 'abandon']);
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('waits for no discarded process for ever', () => {
    const { actor, clock } = started();
    actor.send({ type: 'process.spawned' });
    actor.send({ type: 'process.discard' });
    clock.advance(10_000);
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('delivers signals while somebody of the group may run, and none after a kill', () => {
    const { actor, done } = started();
    actor.send({ type: 'process.signal', signal: 'SIGINT' });
    actor.send({ type: 'process.spawned' });
    actor.send({ type: 'process.signal', signal: 'SIGUSR1' });
    actor.send({ type: 'process.terminate', graceMs: 1_000 });
    actor.send({ type: 'process.signal', signal: 'SIGUSR2' });
    actor.send({ type: 'process.terminate' });
    actor.send({ type: 'process.signal', signal: 'SIGHUP' });
    expect(done).toEqual(['SIGUSR1', 'ask', 'SIGUSR2', 'kill']);
  });
});

describe('R47: a process that is asked to end', () => {
  function asked(graceMs = 5_000) {
    const process = started();
    process.actor.send({ type: 'process.spawned' });
    process.actor.send({ type: 'process.terminate', graceMs });
    return process;
  }
  const isClosed = ({ actor }: ReturnType<typeof started>) => actor.getSnapshot().matches('closed');

  it('is killed when its grace is over, and its streams are given up then', () => {
    const process = asked();
    process.clock.advance(4_999);
    expect(process.done).toEqual(['ask']);
    process.clock.advance(1);
    expect(process.done).toEqual(['ask', 'kill']);
    process.actor.send({ type: 'process.exited', exitCode: 137 });
    process.clock.advance(1_000);
    expect(process.done).toEqual(['ask', 'kill', 'exited 137', 'abandon', 'closed']);
  });

  it('closes as soon as nobody of its group and of its output is left', () => {
    const process = asked();
    process.actor.send({ type: 'process.exited', exitCode: 143 });
    process.actor.send({ type: 'streams.ended' });
    expect(isClosed(process)).toBe(false);
    process.actor.send({ type: 'group.ended' });
    expect(process.done).toEqual(['ask', 'exited 143', 'watch', 'unwatch', 'closed']);
    process.clock.advance(60_000);
    expect(process.done).not.toContain('kill');
  });

  it('has what outlives its leader killed when the grace is over', () => {
    const process = asked();
    process.clock.advance(3_000);
    process.actor.send({ type: 'process.exited', exitCode: 0 });
    process.clock.advance(1_999);
    expect(process.done).toEqual(['ask', 'exited 0', 'watch']);
    process.clock.advance(1);
    expect(process.done).toEqual(['ask', 'exited 0', 'watch', 'unwatch', 'kill']);
    process.clock.advance(1_000);
    expect(isClosed(process)).toBe(true);
  });

  it('is killed at once when it is terminated again without grace', () => {
    for (const leaderEnds of [false, true]) {
      const process = asked();
      if (leaderEnds) process.actor.send({ type: 'process.exited', exitCode: 0 });
      process.actor.send({ type: 'process.terminate' });
      expect(process.done.at(-1)).toBe('kill');
      if (!leaderEnds) process.actor.send({ type: 'process.exited', exitCode: 137 });
      process.clock.advance(1_000);
      expect(isClosed(process)).toBe(true);
      expect(process.done.filter((effect) => effect === 'kill')).toHaveLength(1);
    }
  });

  it('keeps its first grace when it is asked again', () => {
    const process = asked();
    process.clock.advance(4_000);
    process.actor.send({ type: 'process.terminate', graceMs: 60_000 });
    process.clock.advance(1_000);
    expect(process.done).toEqual(['ask', 'kill']);
  });

  it('is killed at once when its session is over', () => {
    for (const leaderEnds of [false, true]) {
      const process = asked();
      if (leaderEnds) process.actor.send({ type: 'process.exited', exitCode: 0 });
      process.actor.send({ type: 'process.discard' });
      expect(process.done.slice(-2)).toEqual(['kill', 'abandon']);
      process.clock.advance(1_000);
      expect(process.actor.getSnapshot().status).toBe('done');
    }
  });
});
