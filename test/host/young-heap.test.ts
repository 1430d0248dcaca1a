import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const MODULE = new URL('../../src/host/young-heap.ts', import.meta.url).href;
const MIB = 1024 * 1024;

/** What V8 keeps for young objects after many of them have survived collections, in a process of its own. */
async function youngBytes(bounded: boolean): Promise<number> {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { boundYoungHeap } from ${JSON.stringify(MODULE)};
    if (${bounded}) boundYoungHeap()();
    const kept = [];
    for (let round = 0; round < 60; round += 1) {
      for (let n = 0; n < 20_000; n += 1) kept[n] = { round, n, text: [n] };
      await new Promise(setImmediate);
    }
    console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size, kept.length);
  `;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
  return Number(stdout.split(' ')[0]);
}

describe('the young heap', () => {
  it('grows no further than its bound, which it would by itself', async () => {
    expect(await youngBytes(false)).toBe(32 * MIB);
    expect(await youngBytes(true)).toBe(8 * MIB);
  });
});
