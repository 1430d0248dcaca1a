/**
 * `signalbox cp` with unmodified executors, which can neither write at an offset nor rename: through the shell there.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { describePeers, releases } from './describe-peers.js';
import { cleanEnvironment, startProgram } from './process-tree.js';
import { type ListeningExecutor, startListeningExecutor } from './real-executor.js';
import { makeWorkFolder } from './work-folder.js';

const SIGNALBOX = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const MIB = 1024 * 1024;

describePeers(releases(['0.131.0', '0.169.0'], ['0.140.0']), 'signalbox cp with a real executor', (peer) => {
  let executor: ListeningExecutor;
  let here: string;
  let there: string;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    const folder = await makeWorkFolder();
    remove = folder.remove;
    here = join(folder.path, 'here');
    there = join(folder.path, 'there');
    await Promise.all([mkdir(here), mkdir(there)]);
    executor = await startListeningExecutor({ peer });
  });
  afterEach(async () => {
    await executor.stop();
    await remove();
  });

  function start(...args: string[]) {
    const env = cleanEnvironment({ SIGNALBOX_URL: executor.url, XDG_STATE_HOME: join(here, '..', 'state') });
    return startProgram(process.execPath, ['--import', 'tsx', SIGNALBOX, 'cp', ...args], { env });
  }

  async function cp(...args: string[]) {
    const program = await start(...args);
    try {
      const { exitCode } = await program.ended;
      return { exitCode, ...program.output };
    } finally {
      await program.stop();
    }
  }
  const whole = { exitCode: 0, stderr: '' };

  it('brings a file there and back, and goes on where an earlier try stopped', async () => {
    const bytes = randomBytes(33 * MIB + 1);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(here, 'big'), bytes);
    const first = await start(join(here, 'big'), `:${there}`);
    await vi.waitUntil(
      async () => {
        const [partial] = await readdir(there);
        return partial !== undefined && (await stat(join(there, partial))).size >= 8 * MIB;
      },
      { interval: 2, timeout: 20_000 },
    );
    await first.stop();
    expect(await readdir(there)).toEqual([expect.stringMatching(/^\.signalbox-\w+\.part$/)]);
    const second = JSON.parse((await cp('--json', join(here, 'big'), `:${there}`)).stdout);
    expect(second).toMatchObject({ files: 1, bytes: bytes.length, sha256, failed: 0 });
    expect(second.resumedBytes).toBeGreaterThanOrEqual(4 * MIB);
    expect((await readFile(join(there, 'big'))).equals(bytes)).toBe(true);
    expect(await cp(`:${there}/big`, join(here, 'back'))).toMatchObject(whole);
    expect((await readFile(join(here, 'back'))).equals(bytes)).toBe(true);
    expect(await readdir(there)).toEqual(['big']);
  }, 90_000);

  it('brings a tree there and back', async () => {
    const source = join(here, 'tree');
    const odd = join(source, 'grüße ☃', 'it\'s "odd" $x *');
    await mkdir(join(source, 'grüße ☃'), { recursive: true });
    await writeFile(odd, 'odd');
    await writeFile(join(source, '-n'), '');
    await writeFile(join(source, '.hidden'), 'x');
    await chmod(join(source, '.hidden'), 0o640);
    await utimes(join(source, '.hidden'), 0, 981_173_106);
    await symlink('no where\n', join(source, 'broken'));
    expect(await cp('-rp', source, `:${there}`)).toMatchObject(whole);
    expect(await cp('-rp', `:${there}/tree`, join(here, 'back'))).toMatchObject(whole);
    for (const copy of [join(there, 'tree'), join(here, 'back')]) {
      expect((await readdir(copy)).sort()).toEqual(['-n', '.hidden', 'broken', 'grüße ☃']);
      expect(await readFile(join(copy, 'grüße ☃', 'it\'s "odd" $x *'), 'utf8')).toBe('odd');
      expect(await readlink(join(copy, 'broken'))).toBe('no where\n');
      expect(await stat(join(copy, '.hidden'))).toMatchObject({ mode: 0o100640, mtimeMs: 981_173_106_000 });
    }
  }, 60_000);

  it('says what is wrong in one line', async () => {
    await writeFile(join(here, 'file'), 'x');
    const missing = await cp(`:${there}/nothing`, here);
    expect(missing).toMatchObject({
      exitCode: 1,
      stderr: `signalbox: cannot read :${there}/nothing: nothing is there\n`,
    });
    const nowhere = await cp(join(here, 'file'), `:${there}/no/where`);
    expect(nowhere.stderr).toBe(`signalbox: the folder :${there}/no is not there: make it first\n`);
    expect(nowhere.exitCode).toBe(1);
  }, 60_000);
});
