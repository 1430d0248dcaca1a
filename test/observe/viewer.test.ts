/**
 * What one reader is told: everything of what it looks at, of the rest what there is room for, and nothing while it does
 * not keep up.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createActor, setup } from 'xstate';
import { Observation } from '../../src/observe/observation.js';
import type { ObservationRecord } from '../../src/observe/record.js';
import { Viewer } from '../../src/observe/viewer.js';

const leaf = setup({}).createMachine({
  id: 'leaf',
  initial: 'off',
  states: { off: { on: { flip: 'on' } }, on: { on: { flip: 'off' } } },
});
class Page {
  bufferedAmount = 0;
  readonly messages: ObservationRecord[][] = [];

  send(text: string): void {
    this.messages.push(JSON.parse(text) as ObservationRecord[]);
  }

  get records(): ObservationRecord[] {
    return this.messages.flat();
  }
}

/** Many leaves, each the root of its own system. */
function leaves(observation: Observation, count: number) {
  return Array.from({ length: count }, (_, n) => {
    const actor = createActor(leaf, { id: `leaf:${n}` }).start();
    observation.addRoot(actor);
    return actor;
  });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a viewer', () => {
  it('is told of everything while there is little', () => {
    const observation = new Observation();
    const [actor] = leaves(observation, 1);
    const page = new Page();
    const viewer = new Viewer(observation, page);
    actor?.send({ type: 'flip' });
    vi.advanceTimersByTime(50);
    expect(page.messages[0]?.map(({ type }) => type)).toEqual(['observing.started', 'actor.appeared']);
    expect(page.messages[1]).toMatchObject([
      { type: 'actor.received', event: 'flip' },
      { type: 'actor.changed', states: ['leaf.on'], edges: ['leaf.off|flip|0'] },
    ]);
    viewer.close();
    expect(observation.isWatched).toBe(false);
  });

  it('is told all of what it looks at, samples of the rest, and how much was left out', () => {
    const observation = new Observation();
    const actors = leaves(observation, 100);
    const page = new Page();
    const viewer = new Viewer(observation, page);
    const looked = actors[70];
    viewer.lookAt(looked?.sessionId ?? '');
    for (let round = 0; round < 3; round += 1) for (const actor of actors) actor.send({ type: 'flip' });
    vi.advanceTimersByTime(500);
    const changed = page.records.filter(
      (record) => record.type === 'actor.changed' && record.actor === looked?.sessionId,
    );
    expect(changed).toHaveLength(3);
    const received = page.records.filter(({ type }) => type === 'actor.received').length;
    expect(received).toBeLessThan(60);
    const dropped = page.records.flatMap((record) => (record.type === 'records.dropped' ? record : []));
    expect(dropped.every(({ why }) => why === 'load')).toBe(true);
    expect(received + dropped.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(300);
    // In the end the page knows where each of them stands.
    const states = new Map<string, string>();
    for (const record of page.records) {
      if ('states' in record && record.states.length > 0) states.set(record.actor, record.states.join());
    }
    expect(actors.map(({ sessionId }) => states.get(sessionId))).toEqual(actors.map(() => 'leaf.on'));
    viewer.close();
  });

  it('that does not keep up is skipped, told so, and told anew what is there', () => {
    const observation = new Observation();
    const [actor] = leaves(observation, 1);
    const page = new Page();
    const viewer = new Viewer(observation, page);
    page.bufferedAmount = 2 * 1024 * 1024;
    for (let round = 0; round < 101; round += 1) {
      actor?.send({ type: 'flip' });
      vi.advanceTimersByTime(50);
    }
    expect(page.messages).toHaveLength(1);
    page.bufferedAmount = 0;
    vi.advanceTimersByTime(50);
    const [dropped, started, appeared] = page.messages[1] ?? [];
    expect(dropped).toMatchObject({ type: 'records.dropped', why: 'slow' });
    expect(dropped).toHaveProperty('count', expect.any(Number));
    expect(started).toMatchObject({ type: 'observing.started' });
    expect(appeared).toMatchObject({ type: 'actor.appeared', states: ['leaf.on'] });
    actor?.send({ type: 'flip' });
    vi.advanceTimersByTime(50);
    expect(page.messages[2]).toMatchObject([{ type: 'actor.received' }, { states: ['leaf.off'] }]);
    viewer.close();
  });

  it('hands what it was told on to the next', () => {
    const observation = new Observation();
    const [actor] = leaves(observation, 1);
    const first = new Viewer(observation, new Page());
    actor?.send({ type: 'flip' });
    vi.advanceTimersByTime(50);
    const page = new Page();
    const second = new Viewer(observation, page, first.recent.all());
    expect(page.messages[0]?.map(({ type }) => type)).toEqual([
      'observing.started',
      'actor.appeared',
      'actor.received',
      'actor.changed',
      'observing.started',
      'actor.appeared',
    ]);
    first.close();
    second.close();
  });
});
