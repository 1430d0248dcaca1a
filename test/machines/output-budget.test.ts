import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvictedBytes } from '../../machines/protocol/evicted-bytes.js';
import { OutputBudget } from '../../machines/protocol/output-budget.js';
import { OutputLog, promisedOutputLog } from '../../machines/protocol/output-log.js';

const KIB = 1024;

describe('evicted bytes', () => {
  const sizes = fc.array(fc.record({ bytes: fc.nat(100), skip: fc.nat(2) }), { maxLength: 60 });

  it('are counted exactly from every seq that is remembered, and from the start', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 2, max: 40 }), (steps, most) => {
        const evicted = new EvictedBytes(most);
        const added: { seq: number; bytes: number }[] = [];
        let seq = 0;
        for (const { bytes, skip } of steps) {
          seq += 1 + skip;
          evicted.add(seq, bytes);
          added.push({ seq, bytes });
        }
        for (let after = 0; after <= seq + 2; after++) {
          const missed = added.filter((chunk) => chunk.seq > after).reduce((sum, { bytes }) => sum + bytes, 0);
          const told = evicted.after(after);
          if (after === 0 || after >= seq - most / 2 + 1) expect(told).toBe(missed);
          else expect([missed, null]).toContain(told);
        }
      }),
    );
  });
});

describe('a log that was promised bytes', () => {
  it('keeps at least so many, and tells exactly what is gone', () => {
    const written = fc.array(fc.integer({ min: 1, max: 44 * KIB }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(written, fc.nat(50), (pieces, afterSeq) => {
        const log = promisedOutputLog(64 * KIB);
        for (const size of pieces) log.append('stdout', Buffer.alloc(size));
        const total = pieces.reduce((sum, size) => sum + size, 0);
        expect(log.totalBytes).toBe(total);
        expect(log.bytes).toBeGreaterThanOrEqual(Math.min(total, 64 * KIB));
        const unread = pieces.slice(afterSeq).reduce((sum, size) => sum + size, 0);
        const read = log.read(afterSeq).chunks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
        expect(read + (log.missedAfter(afterSeq) ?? Number.NaN)).toBe(unread);
      }),
    );
  });

  it('counts nothing when nothing was promised', () => {
    const log = new OutputLog({ retainedBytes: 10, retainedChunks: 10 });
    for (let i = 0; i < 5; i++) log.append('stdout', Buffer.alloc(10));
    expect(log.missedAfter(0)).toBe(0);
  });
});

describe('the budget of a session', () => {
  it('is never exceeded by more than the newest chunk of each process', () => {
    const step = fc.record({ log: fc.nat(4), bytes: fc.nat(3 * KIB) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const budget = new OutputBudget({ mostBytes: 16 * KIB, mostReservedBytes: 8 * KIB });
        const logs = Array.from({ length: 5 }, () => new OutputLog());
        for (const [index, log] of logs.entries()) budget.add(log, index === 0 ? KIB : 0);
        for (const { log, bytes } of steps) {
          const written = logs[log] as OutputLog;
          written.append('stdout', Buffer.alloc(bytes));
          budget.changed(written);
          expect(budget.cost).toBe(logs.reduce((sum, { cost }) => sum + cost, 0));
          const newest = logs.reduce((sum, each) => sum + (each.read().chunks.at(-1)?.bytes.byteLength ?? 0) + 256, 0);
          expect(budget.cost).toBeLessThanOrEqual(Math.max(16 * KIB, newest));
        }
      }),
    );
  });

  it('takes from those who have ended first, and last from those who were promised something', () => {
    const budget = new OutputBudget({ mostBytes: 10 * KIB, mostReservedBytes: 4 * KIB });
    const [promised, running, ended] = [new OutputLog(), new OutputLog(), new OutputLog()];
    const fill = (log: OutputLog, chunks: number) => {
      for (let i = 0; i < chunks; i++) log.append('stdout', Buffer.alloc(KIB - 256));
      budget.changed(log);
    };
    budget.add(promised, 4 * KIB);
    budget.add(running, 0);
    budget.add(ended, 0);
    expect(budget.reservableBytes).toBe(0);
    budget.end(ended);
    fill(promised, 3);
    fill(running, 3);
    fill(ended, 3);
    fill(running, 2);
    expect([promised, running, ended].map(({ cost }) => cost)).toEqual([3 * KIB, 3.5 * KIB - 512, KIB].map(Math.round));
    budget.remove(promised);
    expect(budget.reservableBytes).toBe(4 * KIB);
    expect(budget.cost).toBe(running.cost + ended.cost);
  });
});
