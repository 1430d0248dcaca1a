import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MountPoints } from '../../../src/host/sandbox/mount-points.js';
import { SandboxPolicyError } from '../../../src/host/sandbox/sandbox-policy.js';
import { makeWorkFolder } from '../../peers/work-folder.js';

let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ path: folder, remove } = await makeWorkFolder());
});
afterEach(async () => remove());

describe('mount points', () => {
  it('are there from the first to the last that holds them', () => {
    const points = new MountPoints();
    const path = join(folder, 'a');
    const first = points.hold([path]);
    const second = points.hold([path]);
    expect([first.paths, second.paths]).toEqual([[path], [path]]);
    first.release();
    first.release();
    expect(readdirSync(folder)).toEqual(['a']);
    expect(points.has(path)).toBe(true);
    second.release();
    expect(readdirSync(folder)).toEqual([]);
    expect(points.has(path)).toBe(false);
  });

  it('leave alone what others made or filled', () => {
    const points = new MountPoints();
    mkdirSync(join(folder, 'theirs'));
    const { paths, release } = points.hold([join(folder, 'theirs'), join(folder, 'filled')]);
    expect(paths).toHaveLength(2);
    writeFileSync(join(folder, 'filled', 'x'), '');
    release();
    expect(readdirSync(folder).sort()).toEqual(['filled', 'theirs']);
  });

  it('are not wanted where nothing can be made', () => {
    expect(new MountPoints().hold([join(folder, 'no', 'such')]).paths).toEqual([]);
  });

  it('are refused where something else appeared, and none is left', () => {
    symlinkSync('/', join(folder, 'link'));
    expect(() => new MountPoints().hold([join(folder, 'a'), join(folder, 'link')])).toThrow(SandboxPolicyError);
    expect(readdirSync(folder)).toEqual(['link']);
  });
});
