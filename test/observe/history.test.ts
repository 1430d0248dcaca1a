/**
 * What the page remembers, without the page: how an actor stood at any moment, what each frame means beside those before
 * it, and that memory is bounded.
 */
import { describe, expect, it } from 'vitest';
import { History } from '../../src/observe/page/history.js';
import { View } from '../../src/observe/page/view.js';
import { eventText, nameText, stateText } from '../../src/observe/page/words.js';
import type { FrameRecord, ObservationRecord } from '../../src/observe/record.js';

const started: ObservationRecord = {
  type: 'observing.started',
  at: 0,
  version: 1,
  program: 'signalbox 0',
  wallTime: 0,
  payloads: false,
};

function appeared(actor: string, id: string, parent?: string, chart = id.split(':')[0] ?? ''): ObservationRecord {
  const family = parent === undefined ? {} : { parent };
  return {
    type: 'actor.appeared',
    at: 1,
    actor,
    id,
    ...family,
    chart,
    status: 'active',
    states: [`${chart}.a`],
    facts: { n: 0 },
  };
}

function changed(actor: string, at: number, state: string, n: number): ObservationRecord {
  return { type: 'actor.changed', at, actor, event: 'go', states: [state], edges: [], facts: { n } };
}

function frame(dir: FrameRecord['dir'], at: number, body: Partial<FrameRecord>): FrameRecord {
  return {
    type: 'frame',
    endpoint: 1,
    stream: 's',
    dir,
    kind: 'data',
    reliable: true,
    ack: 0,
    ackBits: 0,
    at,
    ...body,
  };
}

function known(history: History, actor: string) {
  const found = history.actors.get(actor);
  if (found === undefined) throw new Error(`${actor} is not known`);
  return found;
}

describe('the past of an actor', () => {
  it('is as it was at each moment', () => {
    const history = new History();
    history.take([started, appeared('x:1', 'stream:s')]);
    const before = history.now;
    history.take([changed('x:1', 10, 'stream.b', 1), changed('x:1', 20, 'stream.c', 2)]);
    history.take([{ type: 'actor.ended', at: 30, actor: 'x:1', status: 'done', states: ['stream.c'] }]);
    const actor = known(history, 'x:1');
    const at = (moment: number) => {
      const standing = history.standing(actor, moment);
      const { states = [], status = 'absent', facts = undefined } = standing ?? {};
      return [states.join(), status, facts?.n];
    };
    expect(at(before - 1)).toEqual(['', 'absent', undefined]);
    expect(at(before)).toEqual(['stream.a', 'active', 0]);
    expect(at(before + 1)).toEqual(['stream.b', 'active', 1]);
    expect(at(before + 2)).toEqual(['stream.c', 'active', 2]);
    expect(at(before + 3)).toEqual(['stream.c', 'done', 2]);
    expect([history.timeOf(before + 1), history.momentAt(15)]).toEqual([10, before + 1]);
  });

  it('is bounded, and what is left of it is still right', () => {
    const history = new History({ mostRecords: 1000, mostOver: 10 });
    history.take([started, appeared('x:1', 'stream:s'), appeared('x:2', 'stream:t')]);
    history.take([changed('x:2', 2, 'stream.early', 7)]);
    for (let n = 0; n < 5000; n += 1) history.take([changed('x:1', 10 + n, `stream.n${n}`, n)]);
    expect(known(history, 'x:1').own.length).toBeLessThanOrEqual(1000);
    expect(history.now - history.oldest).toBeLessThanOrEqual(1000);
    const standing = history.standing(known(history, 'x:2'), history.oldest);
    expect([standing?.states, standing?.facts.n]).toEqual([['stream.early'], 7]);
    const oldest = history.standing(known(history, 'x:1'), history.oldest);
    expect(oldest?.states[0]).toMatch(/^stream\.n4\d+$/);
  });

  it('forgets actors that are over, those that crashed last', () => {
    const history = new History({ mostRecords: 10_000, mostOver: 10 });
    history.take([started]);
    for (let n = 0; n < 100; n += 1) {
      const error = n === 3 ? { error: { name: 'TypeError', message: 'no' } } : {};
      const status = n === 3 ? 'error' : 'done';
      history.take([
        appeared(`x:${n}`, `stream:${n}`),
        { type: 'actor.ended', at: n, actor: `x:${n}`, status, states: [], ...error },
      ]);
    }
    expect(history.actors.size).toBeLessThan(15);
    expect(history.actors.get('x:3')?.status).toBe('error');
  });

  it('goes on when everything is told anew', () => {
    const history = new History();
    history.take([started, appeared('x:1', 'stream:s'), appeared('x:2', 'stream:t'), changed('x:1', 5, 'stream.b', 1)]);
    const moment = history.now;
    history.take([
      { type: 'records.dropped', at: 9, count: 5, why: 'slow' },
      { ...started, at: 9 },
      appeared('x:1', 'stream:s'),
    ]);
    expect([known(history, 'x:1').status, known(history, 'x:2').status]).toEqual(['active', 'stopped']);
    expect(history.standing(known(history, 'x:1'), moment)?.states).toEqual(['stream.b']);
    expect(history.dropped.slow).toBe(5);
  });
});

describe('the frames of a stream', () => {
  const kinds = (frames: readonly FrameRecord[]) => {
    const history = new History();
    history.take([started, ...frames]);
    return (history.ladders.get('s')?.rows ?? []).map(({ kind, note }) => [kind, note]);
  };
  const arrive = (...seqs: number[]) => kinds(seqs.map((seq, at) => frame('in', at, { seq, index: 0, count: 1 })));

  it('show a gap, what fills it, and what came twice', () => {
    expect(arrive(1, 2, 4, 6, 4, 3, 5, 2, 7)).toEqual([
      ['plain', ''],
      ['plain', ''],
      ['gap', 'gap: 1 missing'],
      ['gap', 'gap: 2 missing'],
      ['twice', 'came twice'],
      ['fills', 'fills the gap'],
      ['fills', 'fills the gap'],
      ['twice', 'came twice'],
      ['plain', ''],
    ]);
  });

  it('say why they were sent again, and how the stream ends', () => {
    const sent = (['passed', 'late', 'probe', 'resumed'] as const).map((cause, at) =>
      frame('out', at, { seq: 1, cause }),
    );
    const reset = frame('in', 9, { kind: 'reset', reason: 'stream_closed' });
    expect(kinds([...sent, reset])).toEqual([
      ['again', 'again: three later acknowledged'],
      ['again', 'again: a later one acknowledged'],
      ['again', 'again: probe, nothing was heard'],
      ['again', 'again: resume, a new carrier'],
      ['reset', 'stream_closed'],
    ]);
  });

  it('hang together where they are segments of one message', () => {
    const history = new History();
    const parts = [0, 1, 2].map((index) => frame('out', index, { seq: 5 + index, index, count: 3 }));
    history.take([started, ...parts, frame('out', 4, { seq: 8, index: 0, count: 1 })]);
    const rows = history.ladders.get('s')?.rows ?? [];
    expect(rows.map(({ part, odd }) => [part, odd])).toEqual([
      ['first', true],
      ['middle', true],
      ['last', true],
      ['whole', false],
    ]);
  });
});

describe('stepping', () => {
  it('leads from one thing that happened to the actor to the next, frames included', () => {
    const history = new History();
    const view = new View(history, () => {});
    history.take([started, appeared('x:1', 'stream:s'), appeared('x:2', 'stream:t')]);
    view.select('x:1');
    history.take([frame('in', 5, { seq: 1 }), changed('x:1', 5, 'stream.b', 1)]);
    history.take([changed('x:2', 6, 'stream.b', 1), changed('x:1', 7, 'stream.c', 2)]);
    const end = history.now;
    const walked = [1, 2, 3].map(() => {
      view.step(-1);
      return end - view.moment;
    });
    expect(walked).toEqual([2, 3, 3]);
    view.step(1);
    expect(end - view.moment).toBe(2);
    view.step(1);
    expect(end - view.moment).toBe(0);
    expect(view.isLive).toBe(false);
    view.goLive();
    expect(view.isLive).toBe(true);
  });
});

describe('names', () => {
  it('are as short as tells them apart', () => {
    expect(nameText('stream:4602aff3-7f53-4a2a-a92f-befa4fd5b920')).toBe('stream 4602aff3');
    expect(nameText('connection:local')).toBe('connection local');
    expect(nameText('carrier')).toBe('carrier');
    expect(stateText(['stream.reset'], 'stream')).toBe('reset');
    const open = ['carrier.attached', 'receiving.gapped', 'sending.inFlight.probing'].map(
      (path) => `stream.reliable.${path}`,
    );
    expect(stateText(open, 'stream')).toBe('reliable: gapped, inFlight.probing');
    expect(eventText('xstate.after.graceTime.stream.reliable')).toBe('after graceTime');
    expect(eventText('xstate.error.actor.stream:1')).toBe('crashed: stream:1');
  });
});
