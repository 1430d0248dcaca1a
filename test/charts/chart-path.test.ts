import { describe, expect, it } from 'vitest';
import { head, outside, path } from './chart-path.js';

const corner = [
  { x: 0, y: 0 },
  { x: 100, y: 0 },
  { x: 100, y: 100 },
];

describe('a line', () => {
  it('has its corners rounded, to half a pixel', () => {
    expect(path(corner)).toBe('M0 0L95 0Q100 0 100 5L100 100');
  });

  it('ends in a head that points where it goes', () => {
    expect(head({ x: 0, y: 0 }, { x: 0.01, y: 20 })).toBe('<path class="head" d="M0 20L3.5 13L-3.5 13z"/>');
  });

  it('leaves a gap where its label is', () => {
    expect(outside(corner, { x: 40, y: -10, width: 20, height: 20 })).toEqual([
      [
        { x: 0, y: 0 },
        { x: 40, y: 0 },
      ],
      [
        { x: 60, y: 0 },
        { x: 100, y: 0 },
        { x: 100, y: 100 },
      ],
    ]);
  });

  it('leaves it around a corner too, and at either end', () => {
    const around = outside(corner, { x: 80, y: -10, width: 40, height: 30 });
    expect(around.map((piece) => piece.map(({ x, y }) => [x, y]))).toEqual([
      [
        [0, 0],
        [80, 0],
      ],
      [
        [100, 20],
        [100, 100],
      ],
    ]);
    expect(outside(corner, { x: -5, y: -5, width: 10, height: 10 })).toHaveLength(1);
    expect(outside(corner, { x: -5, y: -5, width: 200, height: 200 })).toEqual([]);
  });

  it('is whole where its label is elsewhere', () => {
    expect(outside(corner, { x: 0, y: 50, width: 20, height: 20 })).toEqual([corner]);
  });
});
