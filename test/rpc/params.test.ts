import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { base64, decodeParams, flag, list, oneOf, struct, text, textMap, unsigned } from '../../src/rpc/params.js';

const schema = struct('Sample', {
  name: text(),
  words: v.optional(list(text())),
  map: v.optional(textMap()),
  on: v.optional(flag(), false),
  count: v.nullish(unsigned('usize')),
  kind: v.optional(oneOf(['core', 'all', 'none'])),
  inner: v.nullish(struct('Inner', { a: text(), b: flag() })),
  data: v.optional(base64()),
});

function fault(params: unknown): string {
  try {
    decodeParams(schema, params);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

describe('params', () => {
  it.each([
    [undefined, 'invalid type: null, expected struct Sample'],
    [null, 'invalid type: null, expected struct Sample'],
    ['p', 'invalid type: string "p", expected struct Sample'],
    [true, 'invalid type: boolean `true`, expected struct Sample'],
    [[], 'invalid length 0, expected struct Sample with 8 elements'],
    [{}, 'missing field `name`'],
    [{ name: 5 }, 'invalid type: number, expected a string'],
    [{ name: null }, 'invalid type: null, expected a string'],
    [{ name: 'n', words: 'ls' }, 'invalid type: string "ls", expected a sequence'],
    [{ name: 'n', words: ['a', {}] }, 'invalid type: map, expected a string'],
    [{ name: 'n', map: { A: 1 } }, 'invalid type: number, expected a string'],
    [{ name: 'n', map: null }, 'invalid type: null, expected a map'],
    [{ name: 'n', on: 'yes' }, 'invalid type: string "yes", expected a boolean'],
    [{ name: 'n', count: -1 }, 'invalid number'],
    [{ name: 'n', count: 1.5 }, 'invalid number'],
    [{ name: 'n', count: 'x' }, 'invalid type: string "x", expected usize'],
    [{ name: 'n', kind: 'x' }, 'unknown variant `x`, expected one of `core`, `all`, `none`'],
    [{ name: 'n', inner: { b: true } }, 'missing field `a`'],
    [{ name: 'n', inner: { a: 'a', b: 1 } }, 'invalid type: number, expected a boolean'],
    [{ name: 'n', data: '%' }, 'Invalid symbol 37, offset 0.'],
    [{ count: 'x', on: 1 }, 'invalid type: string "x", expected usize'],
    [{ on: 1, count: 'x' }, 'invalid type: number, expected a boolean'],
  ])('%j: %s', (params, expected) => {
    expect(fault(params)).toBe(expected);
  });

  it('come by name or by position, with members nobody knows left out', () => {
    expect(decodeParams(schema, { name: 'n', bogus: 1 })).toEqual({ name: 'n', on: false });
    const positional = ['n', [], {}, true, 5, 'all', null, 'YQ=='];
    expect(decodeParams(schema, positional)).toMatchObject({ name: 'n', on: true, count: 5, kind: 'all' });
  });
});
