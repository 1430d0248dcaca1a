/**
 * How long registrations are remembered, and how many, on a virtual clock.
 */
import { describe, expect, it } from 'vitest';
import { Registrations } from '../../src/rendezvous/registrations.js';
import { StepClock } from '../stand-ins/step-clock.js';

const LIFETIME_MS = 1000;

function memory(bounds: { mostPerEnvironment?: number; most?: number } = {}) {
  const clock = new StepClock();
  const registrations = new Registrations({
    lifetimeMs: LIFETIME_MS,
    mostPerEnvironment: 8,
    most: 64,
    clock,
    ...bounds,
  });
  const add = (environmentId = 'box-1') =>
    registrations.add({ environmentId, tokenId: 'token', executorKey: undefined }, 5000 + clock.now());
  const isKept = ({ id }: { id: string }) => registrations.find(id) !== undefined;
  return { clock, registrations, add, isKept };
}

describe('a registration', () => {
  it('has an id of its own, expires after its time, and is then forgotten by itself', () => {
    const { clock, registrations, add, isKept } = memory();
    const first = add();
    expect(first).toMatchObject({ environmentId: 'box-1', tokenId: 'token', expires: 6000 });
    clock.advance(400);
    const second = add();
    expect(second.expires).toBe(6400);
    expect(second.id).not.toBe(first.id);
    clock.advance(599);
    expect([isKept(first), isKept(second)]).toEqual([true, true]);
    clock.advance(1);
    expect([isKept(first), isKept(second)]).toEqual([false, true]);
    clock.advance(400);
    expect(registrations.size).toBe(0);
    // Nothing is waited for where nothing is left.
    expect(clock.pending()).toEqual([]);
    expect(isKept(add())).toBe(true);
    expect(clock.pending()).toHaveLength(1);
  });

  it('makes room in its own environment first', () => {
    const { registrations, add, isKept } = memory({ mostPerEnvironment: 2 });
    const other = add('box-2');
    const own = [add(), add(), add()];
    expect(own.map(isKept)).toEqual([false, true, true]);
    expect(isKept(other)).toBe(true);
    for (let count = 0; count < 1000; count++) add();
    expect(registrations.size).toBe(3);
  });

  it('makes room for those of all', () => {
    const { clock, registrations, add, isKept } = memory({ most: 3 });
    const all = ['a', 'b', 'c', 'd'].map(add);
    expect(all.map(isKept)).toEqual([false, true, true, true]);
    for (let count = 0; count < 1000; count++) add(`box-${count}`);
    expect(registrations.size).toBe(3);
    clock.advance(LIFETIME_MS);
    expect([registrations.size, clock.pending()]).toEqual([0, []]);
  });

  it('leaves nothing behind when all ends', () => {
    const { clock, registrations, add } = memory();
    add();
    registrations.close();
    expect([registrations.size, clock.pending()]).toEqual([0, []]);
  });
});
