import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputLog, type OutputLogLimits } from '../../machines/protocol/output-log.js';
import { WriteIds } from '../../machines/protocol/write-ids.js';

/** The rules of jsonrpc.md §4.3 and §4.4, as slowly and plainly as they can be written. */
class PlainLog {
  readonly chunks: { seq: number; size: number }[] = [];
  nextSeq = 1;
  constructor(readonly limits: OutputLogLimits) {}

  append(size: number): void {
    this.chunks.push({ seq: this.nextSeq++, size });
    const total = () => this.chunks.reduce((sum, chunk) => sum + chunk.size, 0);
    while (
      this.chunks.length > 1 &&
      (total() > this.limits.retainedBytes || this.chunks.length > this.limits.retainedChunks)
    ) {
      this.chunks.shift();
    }
  }

  read(afterSeq: number, maxBytes?: number) {
    const taken: number[] = [];
    let total = 0;
    for (const { seq, size } of this.chunks.filter((chunk) => chunk.seq > afterSeq)) {
      if (maxBytes !== undefined && taken.length > 0 && total + size > maxBytes) break;
      total += size;
      taken.push(seq);
    }
    const last = taken.at(-1);
    return { seqs: taken, nextSeq: maxBytes === undefined || last === undefined ? this.nextSeq : last + 1 };
  }
}

describe('the output log', () => {
  it('retains, evicts and pages like the plain rules', () => {
    const step = fc.oneof(
      fc.record({ append: fc.nat(40) }),
      fc.record({ claim: fc.constant(true) }),
      fc.record({ after: fc.nat(60), max: fc.option(fc.nat(120), { nil: undefined }) }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.nat(200),
        fc.integer({ min: 1, max: 12 }),
        (steps, bytes, chunks) => {
          const limits = { retainedBytes: bytes, retainedChunks: chunks };
          const log = new OutputLog(limits);
          const plain = new PlainLog(limits);
          for (const action of steps) {
            if ('append' in action) {
              log.append('stdout', new Uint8Array(action.append));
              plain.append(action.append);
            } else if ('claim' in action) expect(log.claimSeq()).toBe(plain.nextSeq++);
            else {
              const page = log.read(action.after, action.max);
              expect({ seqs: page.chunks.map(({ seq }) => seq), nextSeq: page.nextSeq }).toEqual(
                plain.read(action.after, action.max),
              );
            }
            expect(log.bytes).toBe(plain.chunks.reduce((sum, { size }) => sum + size, 0));
            expect(log.lastChunkSeq).toBe(plain.chunks.at(-1)?.seq ?? 0);
          }
        },
      ),
    );
  });

  it('starts at seq 257 after 3 MiB in chunks of 8 KiB', () => {
    const log = new OutputLog();
    for (let i = 0; i < 384; i++) log.append('stdout', new Uint8Array(8192));
    expect(log.read(0).chunks[0]?.seq).toBe(257);
    expect(log.bytes).toBe(1024 * 1024);
  });

  it('keeps no more chunks than its limit when a program writes byte by byte', () => {
    const log = new OutputLog();
    for (let i = 0; i < 60_000; i++) log.append('pty', new Uint8Array(1));
    expect(log.read(0).chunks.length).toBe(50_000);
  });
});

describe('write ids', () => {
  it('remembers exactly the newest ids', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30)), fc.integer({ min: 1, max: 10 }), (writes, capacity) => {
        const ids = new WriteIds(capacity);
        let newest: number[] = [];
        for (const id of writes) {
          ids.add(String(id));
          if (!newest.includes(id)) newest = [...newest, id].slice(-capacity);
          expect(ids.size).toBe(newest.length);
          for (const known of newest) expect(ids.has(String(known))).toBe(true);
        }
      }),
    );
  });
});
