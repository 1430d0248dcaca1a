import { describe, expect, it } from 'vitest';
import { type ChartState, type ChartTransition, statesOf } from './chart.js';
import { planDrawing } from './drawing-plan.js';

/** `{ a: { go: 'b' } }`: from each state, by its path, events with the path of their target; '' for none. */
type Leads = Readonly<Record<string, Readonly<Record<string, string>>>>;

function leaf(id: string, leads: Leads, more: Partial<ChartState> = {}): ChartState {
  const transitions = Object.entries(leads[id] ?? {}).map(([trigger, target]): ChartTransition => {
    const key = `${id}|${trigger}|0`;
    const targets = target === '' ? [] : [target];
    return {
      key,
      source: id,
      targets,
      kind: 'event',
      trigger,
      guard: undefined,
      actions: ['act'],
      reenters: false,
      candidate: undefined,
    };
  });
  const name = id.slice(id.lastIndexOf('.') + 1);
  const nothing = { entry: [], exit: [], invoked: [], initial: [], children: [] };
  return { id, name, kind: 'atomic', isRegion: false, description: name, transitions, ...nothing, ...more };
}

/** m = { a, b, both: { left: { l1, l2 }, right: { r1 } }, end }, of which `both` is parallel. */
function chartOf(leads: Leads): ChartState {
  const region = (id: string, names: readonly string[]) =>
    leaf(id, leads, { kind: 'compound', isRegion: true, children: names.map((name) => leaf(`${id}.${name}`, leads)) });
  const regions = [region('m.both.left', ['l1', 'l2']), region('m.both.right', ['r1'])];
  return leaf('m', leads, {
    kind: 'compound',
    children: [
      leaf('m.a', leads),
      leaf('m.b', leads),
      leaf('m.both', leads, { kind: 'parallel', children: regions }),
      leaf('m.end', leads, { kind: 'final' }),
    ],
  });
}

function planOf(leads: Leads, root = 'm') {
  const chart = chartOf(leads);
  const plan = planDrawing(chart, statesOf(chart).find(({ id }) => id === root) ?? chart);
  const arrows = [...plan.areas.values()].flatMap((area) =>
    area.arrows.map(
      ({ source, target, labels }) => `${source} ${labels.map(({ text }) => text.join(' ')).join('; ')} ${target}`,
    ),
  );
  const rows = [...plan.rows].flatMap(([id, written]) => written.map(({ text }) => `${id}: ${text.join(' ')}`));
  return { plan, arrows, rows };
}

describe('what is drawn as an arrow and what is written in a box', () => {
  it('draws what leads from one state to another', () => {
    expect(planOf({ 'm.a': { go: 'm.b' } })).toMatchObject({ arrows: ['m.a go / act m.b'], rows: [] });
  });

  it('writes what stays, leads to its own state, into it or to one around it', () => {
    const { arrows, rows } = planOf({
      'm.a': { stay: '', again: 'm.a' },
      m: { inside: 'm.b' },
      'm.both.left.l1': { out: 'm.both.left' },
    });
    expect(arrows).toEqual([]);
    expect(rows).toEqual([
      'm: inside / act → b',
      'm.a: stay / act',
      'm.a: again / act',
      'm.both.left.l1: out / act → left',
    ]);
  });

  it('lets several that lead the same way share one arrow', () => {
    expect(planOf({ 'm.a': { go: 'm.b', walk: 'm.b' } }).arrows).toEqual(['m.a go / act; walk / act m.b']);
  });

  it('ends what leaves a region at a box that stands for its target', () => {
    const { plan, arrows } = planOf({
      'm.both.left.l1': { quit: 'm.b', leave: 'm.b' },
      'm.both.left.l2': { quit: 'm.b' },
    });
    expect(plan.areas.get('m.both.left')?.references).toMatchObject([{ state: 'm.b', name: 'b' }]);
    expect(arrows).toHaveLength(2);
  });

  it('ends what leads into a region at the state around the regions, and says where it leads', () => {
    expect(planOf({ 'm.a': { go: 'm.both.left.l2' } }).arrows).toEqual(['m.a go / act → l2 m.both']);
  });

  it('writes what leads to an end that three or more lead to, and sets the end apart', () => {
    const { plan, arrows, rows } = planOf({ 'm.a': { x: 'm.end' }, 'm.b': { x: 'm.end' }, 'm.both': { x: 'm.end' } });
    expect(arrows).toEqual([]);
    expect(rows).toEqual(['m.a: x / act → end', 'm.b: x / act → end', 'm.both: x / act → end']);
    expect(plan.areas.get('m')?.ends.map(({ id }) => id)).toEqual(['m.end']);
  });

  it('refers to the rest of the chart from a picture of one part', () => {
    const { plan, arrows } = planOf({ 'm.both.left.l1': { quit: 'm.b', go: 'm.both.left.l2' } }, 'm.both.left');
    expect([...plan.areas.keys()]).toEqual(['m.both.left']);
    expect(arrows).toEqual(['m.both.left.l1 quit / act m.both.left>m.b', 'm.both.left.l1 go / act m.both.left.l2']);
  });
});
