import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/executor/executor.js';
import { MemoryClient } from './memory-client.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-trees-')));
const executor = createExecutor({ cwd: folder, env: { HOME: folder } });
afterAll(async () => {
  await executor.drain();
  rmSync(folder, { recursive: true });
});

const at = (...names: string[]) => join(folder, ...names);
let client: MemoryClient;

beforeEach(async () => {
  rmSync(folder, { recursive: true });
  mkdirSync(at('a', '.h', 'x'), { recursive: true });
  mkdirSync(at('b', 'c'), { recursive: true });
  for (const file of ['a/f', 'a/.hf', 'a/.h/x/y', 'b/c/z']) writeFileSync(at(file), file);
  symlinkSync('a', at('la'));
  symlinkSync('a/f', at('lf'));
  symlinkSync('nowhere', at('lb'));
  symlinkSync('..', at('b', 'up'));
  client = await MemoryClient.ready(executor);
});

const OPTIONS = { maxDepth: 5, maxDirectories: 100, maxEntries: 100, followDirectorySymlinks: false };

async function walked(options: object = {}, path = folder): Promise<string[]> {
  const { entries, errors } = await client.result('fs/walk', { path, options: { ...OPTIONS, ...options } });
  expect(errors).toEqual([]);
  return (entries as { path: string; kind: string }[]).map(
    (entry) => entry.path.slice(folder.length + 1) + (entry.kind === 'directory' ? '/' : ''),
  );
}

describe('fs/walk', () => {
  it('lists breadth first and by name, links left out', async () => {
    const all = ['a/', 'b/', 'a/.h/', 'a/.hf', 'a/f', 'b/c/', 'a/.h/x/', 'b/c/z', 'a/.h/x/y'];
    expect(await walked()).toEqual(all);
    expect(await walked({ pruneHiddenDirectories: true })).toEqual([
      'a/',
      'b/',
      'a/.h/',
      'a/.hf',
      'a/f',
      'b/c/',
      'b/c/z',
    ]);
    expect(await walked({ maxDepth: 0 })).toEqual(['a/', 'b/']);
  });

  it('follows links to folders when told to, each folder once', async () => {
    const all = ['a/', 'b/', 'la/', 'a/.h/', 'a/.hf', 'a/f', 'b/c/', 'b/up/', 'a/.h/x/', 'b/c/z', 'a/.h/x/y'];
    expect(await walked({ followDirectorySymlinks: true })).toEqual(all);
    expect(await walked({}, at('la'))).toEqual([]);
    expect(await walked({}, at('a', 'f'))).toEqual([]);
  });

  it('answers in the form it was asked in, and says when it left something out', async () => {
    const ask = (options: object) =>
      client.result('fs/walk', { path: `file://${folder}`, options: { ...OPTIONS, ...options } });
    expect(await ask({ maxEntries: 1 })).toEqual({
      entries: [{ path: `file://${at('a')}`, kind: 'directory' }],
      errors: [],
      truncated: true,
    });
    expect(await ask({ maxDirectories: 1 })).toMatchObject({ truncated: true });
    expect(await ask({})).toMatchObject({ truncated: false });
  });

  it.each([
    [{ maxDepth: 65 }, 'filesystem walk limits exceed maximums: depth=64, directories=10000, entries=50000'],
    [{ maxEntries: 50_001 }, 'filesystem walk limits exceed maximums: depth=64, directories=10000, entries=50000'],
    [{ maxDirectories: 0 }, 'filesystem walk limits must be greater than zero'],
    [{ maxEntries: 0 }, 'filesystem walk limits must be greater than zero'],
  ])('refuses %j', async (options, message) => {
    const params = { path: folder, options: { ...OPTIONS, ...options } };
    expect(await client.error('fs/walk', params)).toEqual({ code: -32600, message });
  });

  it('needs its options and its root', async () => {
    expect((await client.error('fs/walk', { path: folder })).message).toBe('missing field `options`');
    expect((await client.error('fs/walk', { path: folder, options: {} })).message).toBe('missing field `maxDepth`');
    expect((await client.error('fs/walk', { path: at('no'), options: OPTIONS })).code).toBe(-32004);
  });
});

describe('fs/copy', () => {
  const params = (from: string, to: string, recursive = false) => ({
    sourcePath: at(from),
    destinationPath: `file://${at(to)}`,
    recursive,
  });
  const copied = (from: string, to: string, recursive = false) => client.result('fs/copy', params(from, to, recursive));
  const refused = async (from: string, to: string, recursive = false) =>
    (await client.error('fs/copy', params(from, to, recursive))).message;

  it('copies a tree with its modes and links, and merges onto a folder', async () => {
    chmodSync(at('a', 'f'), 0o751);
    symlinkSync('f', at('a', 'inner'));
    mkdirSync(at('cp'));
    writeFileSync(at('cp', 'kept'), 'kept');
    await copied('a', 'cp', true);
    await copied('a', 'cp/deeper', true);
    expect(readFileSync(at('cp', '.h', 'x', 'y'), 'utf8')).toBe('a/.h/x/y');
    expect(readFileSync(at('cp', 'kept'), 'utf8')).toBe('kept');
    expect(lstatSync(at('cp', 'f')).mode & 0o777).toBe(0o751);
    expect(readlinkSync(at('cp', 'deeper', 'inner'))).toBe('f');
  });

  it('copies a link as a link, wherever it leads', async () => {
    for (const link of ['lf', 'la', 'lb']) await copied(link, `${link}2`, true);
    expect(readlinkSync(at('la2'))).toBe('a');
    expect(readlinkSync(at('lb2'))).toBe('nowhere');
    expect(await refused('lf', 'lf2')).toBe('File exists (os error 17)');
  });

  it('leaves a file that is copied onto itself as it is', async () => {
    await copied('a/f', 'a/f');
    expect(readFileSync(at('a', 'f'), 'utf8')).toBe('a/f');
  });

  it('refuses what cannot be', async () => {
    const itself = 'fs/copy cannot copy a directory to itself or one of its descendants';
    expect(await refused('a', 'a/q', true)).toBe(itself);
    expect(await refused('a', 'a', true)).toBe(itself);
    expect(await refused('a', 'cp')).toBe('fs/copy requires recursive: true when sourcePath is a directory');
    expect(await refused('a/f', 'b')).toBe('Is a directory (os error 21)');
    expect(await refused('b', 'a/f', true)).toBe('File exists (os error 17)');
    expect(await refused('nope', 'x')).toBe('No such file or directory (os error 2)');
    expect(await refused('a/f', 'nodir/x')).toBe('No such file or directory (os error 2)');
    execFileSync('mkfifo', [at('pipe')]);
    expect(await refused('pipe', 'x')).toBe('fs/copy only supports regular files, directories, and symlinks');
    const { recursive: _, ...incomplete } = params('a/f', 'x');
    expect((await client.error('fs/copy', incomplete)).message).toBe('missing field `recursive`');
  });
});

describe('fs/watchMissing', () => {
  it('tells once that something is there', async () => {
    const missing = [at('later'), at('no', 'deep', 'x')];
    expect(await client.result('fs/watchMissing', { watchId: 7, missing })).toEqual({ watching: true });
    mkdirSync(at('no', 'deep'), { recursive: true });
    writeFileSync(at('no', 'deep', 'x'), '');
    const told = await client.messages.first(({ method }) => method === 'fs/missingChanged');
    expect(told).toEqual({ method: 'fs/missingChanged', params: { watchId: 7 } });
  });

  it('has nothing to wait for when something is there already, or nothing was named', async () => {
    const params = { watchId: 1, missing: [at('later'), at('lb')] };
    expect(await client.result('fs/watchMissing', params)).toEqual({ watching: false });
    expect(await client.result('fs/watchMissing', { watchId: 2, missing: [] })).toEqual({ watching: false });
  });

  it('watches no more than a thousand paths', async () => {
    const missing = Array.from({ length: 1025 }, (_, n) => at(`missing${n}`));
    expect((await client.error('fs/watchMissing', { watchId: 1, missing })).code).toBe(-32600);
  });
});
