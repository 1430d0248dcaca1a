/**
 * `signalbox cp` as a process, against `signalbox up` as another: files and folders there and back.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findBubblewrap } from '../../src/host/sandbox/bubblewrap.js';
import { describeSandbox } from '../host/sandbox/describe-sandbox.js';
import { type Running, runProgram, runShell, scratchFolder, startProgram, startUp } from './program.js';

const MIB = 1024 * 1024;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let state: string;
let running: Running;
/** Where relative paths over there start. */
let there: string;
let here: string;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
  there = await mkdtemp(join(tmpdir(), 'signalbox-there-'));
  ({ up: running } = await startUp({ state, cwd: there, lasting: true }));
});
afterAll(async () => {
  running.child.kill('SIGTERM');
  await running.ended;
  await rm(state, { recursive: true, force: true });
  await rm(there, { recursive: true, force: true });
});
beforeEach(async () => {
  here = await scratchFolder();
  for (const name of await readdir(there)) await rm(join(there, name), { recursive: true });
});

const cp = (...args: string[]) => runProgram({ state, cwd: here }, ['cp', ...args]);
const line = (text: RegExp | string) =>
  expect.stringMatching(new RegExp(`^signalbox: ${text instanceof RegExp ? text.source : text}[^\\n]*\\n$`));
const whole = { code: 0, stderr: '' };

/** Kind, mode, time and content of everything below, by name. */
async function tree(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true })).sort();
  const entries = names.map(async (name) => {
    const path = join(folder, name);
    const stats = await lstat(path);
    const facts = `${stats.isSymbolicLink() ? '' : (stats.mode & 0o7777).toString(8)} ${Math.floor(stats.mtimeMs)}`;
    if (stats.isSymbolicLink()) return [name, `-> ${await readlink(path)}`];
    return [name, stats.isDirectory() ? `${facts} folder` : `${facts} ${sha256(await readFile(path))}`];
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function makeTree(folder: string): Promise<void> {
  await mkdir(join(folder, 'sub', 'deep er'), { recursive: true });
  await mkdir(join(folder, 'grüße ☃ 日本'));
  await mkdir(join(folder, 'empty'));
  await writeFile(join(folder, 'grüße ☃ 日本', 'it\'s "odd" $x\n*'), 'odd');
  await writeFile(join(folder, '-rf'), '');
  await writeFile(join(folder, '.hidden'), randomBytes(3 * MIB + 7));
  await writeFile(join(folder, 'sub', 'run.sh'), '#!/bin/sh\n');
  await chmod(join(folder, 'sub', 'run.sh'), 0o4755);
  await writeFile(join(folder, 'sub', 'deep er', 'secret'), 'x');
  await chmod(join(folder, 'sub', 'deep er', 'secret'), 0o600);
  await symlink('../sub', join(folder, 'sub', 'link to folder'));
  await symlink('no/where', join(folder, 'broken'));
  await symlink('/etc/hostname', join(folder, 'absolute'));
  for (const name of ['sub/run.sh', '.hidden', 'sub/deep er', 'sub', 'empty']) {
    await utimes(join(folder, name), 0, 981_173_106 + name.length);
  }
  await chmod(join(folder, 'sub', 'deep er'), 0o550);
}

describe('signalbox cp', () => {
  it('brings a file there and back, under the name it is given or its own', async () => {
    const bytes = randomBytes(5 * MIB + 3);
    await writeFile(join(here, 'a file'), bytes);
    await chmod(join(here, 'a file'), 0o750);
    expect(await cp('a file', ':')).toMatchObject(whole);
    expect(await cp('a file', ':other')).toMatchObject(whole);
    expect(await readdir(there)).toEqual(['a file', 'other']);
    expect((await readFile(join(there, 'other'))).equals(bytes)).toBe(true);
    expect((await stat(join(there, 'a file'))).mode & 0o7777).toBe(0o750);
    expect(await cp(`local:${there}/other`, 'back')).toMatchObject(whole);
    expect((await readFile(join(here, 'back'))).equals(bytes)).toBe(true);
  });

  it('replaces a file, keeps its mode, and follows a link that is named', async () => {
    await writeFile(join(there, 'file'), 'old and longer');
    await chmod(join(there, 'file'), 0o640);
    await symlink('file', join(there, 'link'));
    await writeFile(join(here, 'new'), 'new');
    expect(await cp('new', ':link')).toMatchObject(whole);
    expect(await readFile(join(there, 'file'), 'utf8')).toBe('new');
    expect((await stat(join(there, 'file'))).mode & 0o777).toBe(0o640);
    expect(await readlink(join(there, 'link'))).toBe('file');
  });

  it('brings a tree there and back: links, modes, times, spaces, unicode', async () => {
    await makeTree(join(here, 'tree'));
    const before = await tree(join(here, 'tree'));
    expect(await cp('-rp', 'tree', ':')).toMatchObject(whole);
    expect(await tree(join(there, 'tree'))).toEqual(before);
    expect(await cp('-r', '-p', ':tree', 'back')).toMatchObject(whole);
    expect(await tree(join(here, 'back'))).toEqual(before);
    // A second time all is there, and is replaced.
    await rm(join(there, 'tree', 'sub', 'run.sh'));
    const again = await cp('-rp', '--json', 'tree/.', ':tree');
    expect(JSON.parse(again.stdout.toString())).toMatchObject({
      files: 5,
      folders: 5,
      links: 3,
      failed: 0,
      errors: [],
    });
    expect(await tree(join(there, 'tree'))).toEqual(before);
  });

  it('brings several into a folder', async () => {
    for (const name of ['a', 'b', 'c']) await writeFile(join(here, name), name);
    await mkdir(join(there, 'into'));
    expect(await cp('a', 'b', 'c', ':into/')).toMatchObject(whole);
    expect(await readdir(join(there, 'into'))).toEqual(['a', 'b', 'c']);
    expect(await cp(':into/a', ':into/c', '.')).toMatchObject(whole);
    expect(await cp('a', 'b', ':nowhere')).toMatchObject({ code: 1, stderr: line(':nowhere must be a folder') });
  });

  it('reads standard input and writes standard output', async () => {
    const bytes = randomBytes(2 * MIB + 1);
    await writeFile(join(here, 'in'), bytes);
    const run = await runShell(
      { state, cwd: here },
      `cat in | $signalbox cp - :piped && $signalbox cp :piped - | sha256sum
        $signalbox cp :piped - | head -c 5 | wc -c; echo "\${PIPESTATUS[0]}"
        $signalbox cp - :none < /dev/null`,
    );
    expect(run.stderr).toBe('');
    expect(run.stdout.toString()).toBe(`${sha256(bytes)}  -\n5\n141\n`);
    expect((await readFile(join(there, 'piped'))).equals(bytes)).toBe(true);
    expect((await readdir(there)).sort()).toEqual(['none', 'piped']);
    expect(await runProgram({ state, cwd: here }, ['cp', '-', ':'], 'x')).toMatchObject({
      code: 1,
      stderr: line(/:\S* is no file: name the file/),
    });
  });

  it('tells a program what it did', async () => {
    await writeFile(join(here, 'file'), 'hello');
    const { code, stdout } = await cp('--json', 'file', ':');
    expect([code, JSON.parse(stdout.toString())]).toEqual([
      0,
      {
        files: 1,
        folders: 0,
        links: 0,
        bytes: 5,
        resumedBytes: 0,
        failed: 0,
        seconds: expect.any(Number),
        sha256: sha256(Buffer.from('hello')),
        errors: [],
      },
    ]);
  });

  it('copies what it can, and says of each thing why not', async () => {
    await mkdir(join(here, 'tree'));
    for (const name of ['a', 'b', 'c']) await writeFile(join(here, 'tree', name), name);
    await mkdir(join(there, 'tree', 'b'), { recursive: true });
    const run = await cp('-r', 'tree', 'nothing', ':');
    expect(run.code).toBe(1);
    expect(run.stderr.split('\n').sort()).toEqual([
      '',
      `signalbox: :${there}/tree/b is a folder: remove it or copy elsewhere`,
      `signalbox: cannot read ${here}/nothing: nothing is there`,
    ]);
    expect(await readdir(join(there, 'tree'))).toEqual(['a', 'b', 'c']);
  });

  it('writes through no link that lies in a folder', async () => {
    await mkdir(join(here, 'tree', 'in'), { recursive: true });
    await writeFile(join(here, 'tree', 'file'), 'new');
    await mkdir(join(there, 'tree'));
    await mkdir(join(there, 'elsewhere'));
    await writeFile(join(there, 'precious'), 'old');
    await symlink('../elsewhere', join(there, 'tree', 'in'));
    await symlink('../precious', join(there, 'tree', 'file'));
    const run = await cp('-r', 'tree', ':');
    expect(run).toMatchObject({ code: 1, stderr: line(/:\S*\/tree\/in is there and no folder/) });
    expect(await readFile(join(there, 'precious'), 'utf8')).toBe('old');
    expect(await readFile(join(there, 'tree', 'file'), 'utf8')).toBe('new');
  });

  it.each([
    ['a source that is not there', ['nothing', ':'], 1, /cannot read \S*nothing: nothing is there/],
    ['one over there', [':nothing', '.'], 1, /cannot read :\S*nothing: nothing is there/],
    ['a folder that is not there', ['file', ':no/such/file'], 1, /the folder :\S*no\/such is not there: make it first/],
    ['a folder without -r', ['folder', ':'], 1, /\S*folder is a folder: add -r/],
    ['a device as the target', ['file', ':/dev/null'], 1, /:\/dev\/null is a device/],
    ['only local paths', ['file', 'other'], 2, /all of these are local: write :PATH/],
    ['one path', ['file'], 2, /name what to copy, and where to/],
    ['several pipes', ['-', 'file', ':'], 2, /- stands for one file alone/],
    ['a file onto itself', [':', '-r', ':sub'], 1, /:\S* would be copied into itself/],
  ])('says what is wrong with %s', async (_, args, code, text) => {
    await writeFile(join(here, 'file'), 'x');
    await mkdir(join(here, 'folder'));
    expect(await cp(...args)).toMatchObject({ code, stderr: line(text) });
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it('draws nothing where there is no terminal, and a line where there is one', async () => {
    await writeFile(join(here, 'file'), randomBytes(MIB));
    const inTerminal = (args: string) =>
      runShell({ state, cwd: here }, `script -qec "$signalbox cp ${args}" /dev/null`);
    expect((await inTerminal('file :')).stdout.toString()).toMatch(/\rfile {2}100% {2}1\.0 MiB of 1\.0 MiB {2}/);
    expect((await inTerminal('--no-progress file :')).stdout.length).toBe(0);
    expect((await inTerminal('-q file :')).stdout.length).toBe(0);
    expect(await cp('file', ':')).toMatchObject(whole);
  });
});

describe('a copy that is interrupted', () => {
  const partials = async (folder: string) => (await readdir(folder)).filter((name) => name.endsWith('.part'));

  it.each(['there', 'back'] as const)(
    'goes on where it stopped: %s',
    async (way) => {
      const bytes = randomBytes(48 * MIB);
      const [from, to] = way === 'there' ? [here, there] : [there, here];
      await writeFile(join(from, 'big'), bytes);
      const args = way === 'there' ? ['big', ':'] : [':big', '.'];
      const first = startProgram({ state, cwd: here }, 'cp', ...args);
      await vi.waitUntil(
        async () => {
          const [partial] = await partials(to);
          return partial !== undefined && (await stat(join(to, partial))).size > 4 * MIB;
        },
        { interval: 5, timeout: 20_000 },
      );
      first.child.kill('SIGINT');
      expect(await first.ended).toMatchObject({ code: 130, stderr: line('stopped: run the same command again') });
      expect(await readdir(to)).toEqual(await partials(to));
      const second = await cp('--json', ...args);
      const told = JSON.parse(second.stdout.toString()) as { resumedBytes: number };
      expect(told).toMatchObject({ files: 1, bytes: bytes.length, sha256: sha256(bytes) });
      expect(told.resumedBytes).toBeGreaterThanOrEqual(4 * MIB);
      expect((await readFile(join(to, 'big'))).equals(bytes)).toBe(true);
      expect(await partials(to)).toEqual([]);
    },
    60_000,
  );

  it('begins anew when what is there is not what it should be, or the source is another', async () => {
    const bytes = randomBytes(32 * MIB);
    await writeFile(join(here, 'big'), bytes);
    const run = startProgram({ state, cwd: here }, 'cp', 'big', ':again');
    await vi.waitUntil(async () => (await partials(there)).length > 0, { interval: 1, timeout: 20_000 });
    run.child.kill('SIGKILL');
    await run.ended;
    const left = await partials(there);
    expect(left).toHaveLength(1);
    for (const name of left) await writeFile(join(there, name), randomBytes(5 * MIB));
    const second = await cp('--json', 'big', ':again');
    expect(JSON.parse(second.stdout.toString())).toMatchObject({ resumedBytes: 0, sha256: sha256(bytes) });
    expect((await readFile(join(there, 'again'))).equals(bytes)).toBe(true);
  }, 60_000);

  it('says that the other machine is not there, and that it was lost', async () => {
    const { up: lostUp, state: own } = await startUp({ cwd: there });
    await writeFile(join(here, 'big'), randomBytes(64 * MIB));
    const run = startProgram({ state: own, cwd: here }, 'cp', '--grace', '1.5', 'big', ':');
    await vi.waitUntil(async () => (await partials(there)).length > 0, { interval: 5, timeout: 20_000 });
    lostUp.child.kill('SIGKILL');
    await lostUp.ended;
    expect(await run.ended).toMatchObject({
      code: 255,
      stderr: line('.*run the same command again: it goes on where it stopped'),
    });
    expect(await readdir(there)).toEqual(await partials(there));
    expect(await runProgram({ state: own, cwd: here }, ['cp', 'big', ':'])).toMatchObject({
      code: 255,
      stderr: line('no executor to talk to'),
    });
  }, 60_000);
});

describeSandbox('a copy to a full disk', () => {
  /** Runs it where `full` is a disk of 4 MiB, and tells what is on that afterwards. */
  async function onSmallDisk(full: string, script: string) {
    const bubblewrap = await findBubblewrap(process.env.PATH);
    const disk = `${bubblewrap.path} --dev-bind / / --size ${4 * MIB} --tmpfs ${full}`;
    const run = await runShell({ state, cwd: here }, `${disk} sh -c '${script}; ls ${full}'`);
    return { ...run, stdout: run.stdout.toString() };
  }

  it('here: one line, and nothing under the final name', async () => {
    await writeFile(join(there, 'big'), randomBytes(8 * MIB));
    await mkdir(join(here, 'full'));
    const run = await onSmallDisk(join(here, 'full'), '$signalbox cp :big full/; echo $?');
    expect(run.stderr).toEqual(line(/cannot write \S*full\/big: No space left on device \(free some space/));
    expect(run.stdout).toBe('1\n');
  }, 60_000);

  it('there: one line, and nothing under the final name', async () => {
    await writeFile(join(here, 'big'), randomBytes(8 * MIB));
    await mkdir(join(there, 'full'));
    const own = await scratchFolder();
    const script = `export XDG_STATE_HOME=${own}; cd ${there}; exec 3>&1
      $signalbox up --listen http://127.0.0.1:0 >${own}/out 2>&1 & up=$!
      while ! grep -qs Try ${own}/out; do sleep 0.1; done
      cd ${here}; $signalbox cp big :full/; echo $?; kill $up; wait $up`;
    const run = await onSmallDisk(join(there, 'full'), script);
    expect(run.stderr).toEqual(line(/cannot write :\S*full\/big: No space left on device \(free some space/));
    expect(run.stdout).toBe('1\n');
  }, 60_000);
});
