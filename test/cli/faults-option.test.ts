import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatFaults, parseFaults } from '../../src/cli/faults-option.js';
import type { Faults } from '../../src/rendezvous/faults.js';

const none: Faults = { drop: 0, duplicate: 0, reorder: 0, delayMs: 0, delaySpreadMs: 0, cutMs: 0, seed: 42 };
const parse = (text: string) => parseFaults(text, 42);

describe('faults on the command line', () => {
  it('are read in any order, any of them, with blanks where people put them', () => {
    expect(parse('drop=2%,dup=1.5%,reorder=3,delay=50ms±20,cut=10s,seed=7')).toEqual({
      drop: 0.02,
      duplicate: 0.015,
      reorder: 3,
      delayMs: 50,
      delaySpreadMs: 20,
      cutMs: 10_000,
      seed: 7,
    });
    expect(parse(' cut = 2.5s , drop=100 % ')).toEqual({ ...none, cutMs: 2500, drop: 1 });
  });

  it.each([
    ['delay=50ms', 50, 0],
    ['delay=50ms±20', 50, 20],
    ['delay=50ms+-20', 50, 20],
    ['delay=50ms+/-20', 50, 20],
    ['delay=50ms ± 20ms', 50, 20],
    ['delay=1s±250ms', 1000, 250],
    ['delay=1.5s±0.5', 1500, 500],
    ['delay=500ms±0.5s', 500, 500],
  ])('%s is %d ms, give or take %d', (text, delayMs, delaySpreadMs) => {
    expect(parse(text)).toEqual({ ...none, delayMs, delaySpreadMs });
  });

  it.each([
    ['', '"" is no fault: there are drop, dup, reorder, delay, cut, and seed.'],
    ['drop=2%,', '"" is no fault: there are drop, dup, reorder, delay, cut, and seed.'],
    ['lose=2%', '"lose" is no fault: there are drop, dup, reorder, delay, cut, and seed.'],
    ['toString=2%', '"toString" is no fault: there are drop, dup, reorder, delay, cut, and seed.'],
    ['drop', 'drop has no value: write drop=2%.'],
    ['cut=', 'cut has no value: write cut=10s.'],
    ['drop=1%,drop=2%', 'drop is there twice.'],
    ['seed=7', 'none of these is a fault.'],
    ['drop=0%,reorder=0', 'none of these is a fault.'],
    ['drop=2', 'drop=2: expected a percentage, e.g. drop=2%.'],
    ['drop=-2%', 'drop=-2%: expected a percentage, e.g. drop=2%.'],
    ['dup=1e1%', 'dup=1e1%: expected a percentage, e.g. dup=1%.'],
    ['dup=100.1%', 'dup=100.1%: expected at most 100%, e.g. dup=1%.'],
    ['reorder=1.5', 'reorder=1.5: expected a whole number from 0 to 100, e.g. reorder=3.'],
    ['reorder=101', 'reorder=101: expected a whole number from 0 to 100, e.g. reorder=3.'],
    ['drop=1%,seed=4294967296', 'seed=4294967296: expected a whole number from 0 to 4294967295, e.g. seed=7.'],
    ['delay=50', 'delay=50: expected a time in ms or s, perhaps with ± so much, e.g. delay=50ms±20.'],
    ['delay=50ms±', 'delay=50ms±: expected a time in ms or s, perhaps with ± so much, e.g. delay=50ms±20.'],
    ['delay=50ms±51', 'delay=50ms±51: expected a spread no larger than the delay, e.g. delay=50ms±20.'],
    ['delay=61s', 'delay=61s: expected at most 60s, e.g. delay=50ms±20.'],
    ['cut=10', 'cut=10: expected a time in ms or s, e.g. cut=10s.'],
    ['cut=99ms', 'cut=99ms: expected from 100ms to 86400s, e.g. cut=10s.'],
    ['cut=86401s', 'cut=86401s: expected from 100ms to 86400s, e.g. cut=10s.'],
  ])('%j is refused', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'commander.invalidArgument', message }));
  });

  it('are shown as they are read', () => {
    const share = fc.integer({ min: 0, max: 100_000 }).map((thousandths) => thousandths / 1000 / 100);
    const faults = fc.record({
      drop: share,
      duplicate: share,
      reorder: fc.nat(100),
      delay: fc.tuple(fc.nat(60_000), fc.nat(60_000)),
      cutMs: fc.integer({ min: 100, max: 86_400_000 }),
      seed: fc.nat(2 ** 32 - 1),
    });
    fc.assert(
      fc.property(faults, ({ delay: [delayMs, spread], ...others }) => {
        const wanted = { ...others, delayMs, delaySpreadMs: Math.min(spread, delayMs) };
        const read = parse(formatFaults(wanted));
        expect(read).toEqual({
          ...wanted,
          drop: expect.closeTo(wanted.drop, 9),
          duplicate: expect.closeTo(wanted.duplicate, 9),
        });
        expect(formatFaults(read)).toBe(formatFaults(wanted));
      }),
    );
  });

  it('are read or refused, whatever is written', () => {
    const word = fc.constantFrom('drop', 'dup', 'delay', 'cut', 'reorder', 'seed', '=', ',', '%', '±', '+-', 'ms', 's');
    const text = fc.array(fc.oneof(word, fc.nat(200).map(String), fc.string({ maxLength: 3 })), { maxLength: 12 });
    fc.assert(
      fc.property(text, (words) => {
        let read: Faults;
        try {
          read = parse(words.join(''));
        } catch (error) {
          expect(error).toMatchObject({ code: 'commander.invalidArgument' });
          return;
        }
        for (const value of Object.values(read)) expect(value).toBeGreaterThanOrEqual(0);
        expect(Math.max(read.drop, read.duplicate)).toBeLessThanOrEqual(1);
        expect(read.delaySpreadMs).toBeLessThanOrEqual(read.delayMs);
      }),
    );
  });
});
