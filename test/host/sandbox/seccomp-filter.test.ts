import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { offlineFilter } from '../../../src/host/sandbox/seccomp-filter.js';

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const KILL = 0x80000000;

/** Numbers of audit architectures and system calls, from the kernel's headers. */
const ARCHITECTURES = {
  x64: { audit: 0xc000003e, refused: [41, 42, 49, 425, 426, 427], socketpair: 53 },
  arm64: { audit: 0xc00000b7, refused: [198, 200, 203, 425, 426, 427], socketpair: 199 },
  riscv64: { audit: 0xc00000f3, refused: [198, 200, 203, 425, 426, 427], socketpair: 199 },
} as const;
const X64_AS_32_BIT = 0x40000003;

/** Runs the program as the kernel does. */
function judge(filter: Buffer, audit: number, call: number, secondArgument = 0): number {
  const data: Readonly<Record<number, number>> = { 0: call, 4: audit, 24: secondArgument };
  let accumulator = 0;
  for (let at = 0; at * 8 < filter.length; at++) {
    const code = filter.readUInt16LE(at * 8);
    const ifTrue = filter.readUInt8(at * 8 + 2);
    const ifFalse = filter.readUInt8(at * 8 + 3);
    const operand = filter.readUInt32LE(at * 8 + 4);
    if (code === 0x20) accumulator = data[operand] ?? Number.NaN;
    else if (code === 0x54) accumulator = (accumulator & operand) >>> 0;
    else if (code === 0x15) at += accumulator === operand ? ifTrue : ifFalse;
    else if (code === 0x35) at += accumulator >= operand ? ifTrue : ifFalse;
    else if (code === 0x06) return operand;
    else throw new Error(`no such instruction ${code}`);
  }
  throw new Error('the program has no end');
}

describe.each(Object.entries(ARCHITECTURES))('the filter for %s', (architecture, { audit, refused, socketpair }) => {
  const filter = offlineFilter(architecture) as Buffer;

  it('refuses what makes or connects sockets, and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), (call) => {
        if (call === socketpair) return;
        expect(judge(filter, audit, call)).toBe(refused.includes(call as never) ? EPERM : ALLOW);
      }),
      { numRuns: 2000 },
    );
  });

  it('lets pairs be made that can send to each other only', () => {
    const [stream, datagram, raw, packets] = [1, 2, 3, 5];
    const flags = [0, 0o4000, 0o2000000, 0o2004000];
    for (const flag of flags) {
      for (const kind of [stream, packets]) expect(judge(filter, audit, socketpair, kind | flag)).toBe(ALLOW);
      for (const kind of [0, datagram, raw, 4, 10]) expect(judge(filter, audit, socketpair, kind | flag)).toBe(EPERM);
    }
  });

  it('ends programs that speak to the kernel as another architecture', () => {
    expect(judge(filter, X64_AS_32_BIT, 1)).toBe(KILL);
  });
});

describe('the filter', () => {
  it('does not let x86-64 calls through under their other numbers', () => {
    const filter = offlineFilter('x64') as Buffer;
    for (const call of [1, 41]) expect(judge(filter, ARCHITECTURES.x64.audit, 0x40000000 + call)).toBe(EPERM);
  });

  it('is not made for an architecture it does not know', () => {
    expect(offlineFilter('s390x')).toBeUndefined();
  });
});
