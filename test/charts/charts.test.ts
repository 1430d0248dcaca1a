import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AnyStateNode } from 'xstate';
import { headerSize } from './box-size.js';
import { statesOf } from './chart.js';
import { allMachines, allPictures, CHARTS, chartFiles } from './chart-files.js';
import type { PlacedChart, Point, Size } from './placed-chart.js';

type Rect = Point & Size;

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)];
}

function valuesOf(svg: string, attribute: string): string[] {
  return [...svg.matchAll(new RegExp(`<g [^>]*${attribute}="([^"]*)"`, 'g'))].map(([, value]) => value ?? '');
}

function overlap(one: Rect, other: Rect): boolean {
  const apart = (a: number, lengthA: number, b: number, lengthB: number) =>
    a + lengthA <= b + 0.5 || b + lengthB <= a + 0.5;
  return !apart(one.x, one.width, other.x, other.width) && !apart(one.y, one.height, other.y, other.height);
}

/** Without the border, which arrows touch. */
function inner({ x, y, width, height }: Rect): Rect {
  return { x: x + 2, y: y + 2, width: width - 4, height: height - 4 };
}

/** Everything in a picture that lies on something else. */
function collisions({ states, arrows, references }: PlacedChart): string[] {
  const found: string[] = [];
  const leaves = states.filter(({ state }) => state.children.length === 0);
  const boxes = [
    ...leaves.map(({ state, ...rect }) => ({ id: state.id, rect })),
    ...references.map(({ reference, ...rect }) => ({ id: reference.box, rect })),
  ];
  const headers = states
    .filter(({ state }) => state.children.length > 0)
    .map(({ state, rows, x, y }) => ({
      id: `the text of ${state.id}`,
      rect: inner({ x, y, ...headerSize(state, rows) }),
    }));
  const labels = arrows.map(({ arrow, label }, index) => ({ id: `label ${index} of ${arrow.source}`, rect: label }));
  const solid = [...boxes, ...headers, ...labels];
  solid.forEach((one, index) => {
    for (const other of solid.slice(index + 1))
      if (overlap(one.rect, other.rect)) found.push(`${one.id} on ${other.id}`);
  });
  for (const { arrow, points } of arrows) {
    points.slice(1).forEach((point, index) => {
      const from = points[index] ?? point;
      const line = {
        x: Math.min(from.x, point.x),
        y: Math.min(from.y, point.y),
        width: Math.abs(from.x - point.x) + 1,
        height: Math.abs(from.y - point.y) + 1,
      };
      for (const { id, rect } of [...boxes, ...headers]) {
        if (id !== arrow.source && id !== arrow.target && overlap(line, rect))
          found.push(`a line of ${arrow.source} on ${id}`);
      }
    });
  }
  return found;
}

const machines = await allMachines();
const pictures = await allPictures();
const files = chartFiles(pictures);

describe('the charts in docs/charts', () => {
  it('are those of the machines as they are now: npm run charts writes them', () => {
    const written = readdirSync(CHARTS).filter((name) => name !== 'README.md');
    expect(written.sort()).toEqual([...files.keys()].sort());
    for (const [name, text] of files) expect(readFileSync(join(CHARTS, name), 'utf8') === text, name).toBe(true);
  });

  it.each(machines.map((machine) => [machine.id, machine] as const))(
    'show every state and transition of %s',
    (id, machine) => {
      const svg = files.get(`${id}.svg`) ?? '';
      const nodes = nodesOf(machine.root);
      expect(valuesOf(svg, 'data-state').sort()).toEqual(nodes.map((node) => node.id).sort());
      const edges = nodes.flatMap((node) =>
        [...node.transitions, ['', node.always ?? []] as const].flatMap(([type, candidates]) =>
          candidates.map((_, index) => `${node.id}|${type}|${index}`),
        ),
      );
      expect(new Set(valuesOf(svg, 'data-edge'))).toEqual(new Set(edges));
      expect(svg).not.toMatch(/inline|undefined|NaN/);
    },
  );

  it('nest no group in another, so that the class of a state reaches nothing inside it', () => {
    for (const [name, text] of files) {
      if (name.endsWith('.svg')) expect(text.match(/<g [^>]*>(?:(?!<\/g>)[\s\S])*<g /), name).toBeNull();
    }
  });

  it.each(pictures.map(({ plan, placed }) => [plan.root.id, plan, placed] as const))(
    'write nothing of %s on anything else, and draw no line through it',
    (_, plan, placed) => {
      expect(placed.states).toHaveLength(statesOf(plan.root).length);
      expect(collisions(placed)).toEqual([]);
    },
  );
});
