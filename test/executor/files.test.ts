import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/executor/executor.js';
import { base64, MemoryClient } from './memory-client.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-files-')));
const executor = createExecutor({ cwd: folder, env: { HOME: folder } });
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await executor.drain();
});

const at = (...names: string[]) => join(folder, ...names);
let client: MemoryClient;

beforeEach(async () => {
  rmSync(folder, { recursive: true });
  mkdirSync(at('d', 'sub'), { recursive: true });
  writeFileSync(at('a.txt'), 'hello\n');
  writeFileSync(at('sp ace%20é'), 'odd');
  symlinkSync('a.txt', at('link'));
  symlinkSync('d', at('folder-link'));
  symlinkSync('nowhere', at('broken'));
  client = await MemoryClient.ready(executor);
});

const NOT_FOUND = { code: -32004, message: 'No such file or directory (os error 2)' };

describe('files', () => {
  it('are read by plain path, by URI and below the home folder', async () => {
    const expected = { dataBase64: base64('hello\n') };
    expect(await client.result('fs/readFile', { path: at('a.txt') })).toEqual(expected);
    expect(await client.result('fs/readFile', { path: `file://${at('d/../link')}` })).toEqual(expected);
    expect(await client.result('fs/readFile', { path: '~/a.txt' })).toEqual(expected);
  });

  it.each([
    ['missing', NOT_FOUND],
    ['broken', NOT_FOUND],
    ['a.txt/x', { code: -32603, message: 'Not a directory (os error 20)' }],
  ])('that cannot be read: %s', async (name, error) => {
    expect(await client.error('fs/readFile', { path: at(name) })).toEqual(error);
  });

  it('that are no files are refused without waiting for them', async () => {
    execFileSync('mkfifo', [at('fifo')]);
    for (const path of [at('fifo'), at('d'), '/dev/null', '/dev/zero']) {
      expect(await client.error('fs/readFile', { path })).toEqual({
        code: -32600,
        message: `path \`${path}\` is not a file`,
      });
    }
  });

  it('of every size come back whole, also those without a size', async () => {
    for (const size of [0, 1, 1024 * 1024, 1024 * 1024 + 1, 5_000_000]) {
      const bytes = randomBytes(size);
      writeFileSync(at('big'), bytes);
      const { dataBase64 } = await client.result('fs/readFile', { path: at('big') });
      expect(sum(Buffer.from(String(dataBase64), 'base64'))).toBe(sum(bytes));
      await client.result('fs/writeFile', { path: at('copy'), dataBase64 });
      expect(sum(readFileSync(at('copy')))).toBe(sum(bytes));
    }
    const { dataBase64 } = await client.result('fs/readFile', { path: '/proc/self/status' });
    expect(Buffer.from(String(dataBase64), 'base64').toString()).toContain('Pid:');
  });

  it('are written through links, and created behind broken ones', async () => {
    await client.result('fs/writeFile', { path: at('link'), dataBase64: base64('through') });
    await client.result('fs/writeFile', { path: at('broken'), dataBase64: base64('new') });
    expect(readFileSync(at('a.txt'), 'utf8') + readFileSync(at('nowhere'), 'utf8')).toBe('throughnew');
    expect(await client.error('fs/writeFile', { path: at('x'), dataBase64: '%%' })).toEqual({
      code: -32600,
      message: 'fs/writeFile requires valid base64 dataBase64: Invalid symbol 37, offset 0.',
    });
    expect(await client.error('fs/writeFile', { path: at('no/x'), dataBase64: '' })).toEqual(NOT_FOUND);
  });

  it('have metadata that follows links and says so', async () => {
    const file = { isDirectory: false, isFile: true, size: 6, createdAtMs: 0 };
    expect(await client.result('fs/getMetadata', { path: at('a.txt') })).toMatchObject({ ...file, isSymlink: false });
    expect(await client.result('fs/getMetadata', { path: at('link') })).toMatchObject({ ...file, isSymlink: true });
    expect(await client.result('fs/getMetadata', { path: '/dev/null' })).toMatchObject({
      isDirectory: false,
      isFile: false,
    });
    expect(await client.error('fs/getMetadata', { path: at('broken') })).toEqual(NOT_FOUND);
  });

  it('are listed without broken links', async () => {
    symlinkSync('loop', at('loop'));
    const { entries } = await client.result('fs/readDirectory', { path: `file://${folder}` });
    const names = (entries as { fileName: string }[]).map(({ fileName }) => fileName).sort();
    expect(names).toEqual(['a.txt', 'd', 'folder-link', 'link', 'sp ace%20é']);
  });

  it('are removed, and never what a link points to', async () => {
    await client.result('fs/remove', { path: at('folder-link') });
    await client.result('fs/getMetadata', { path: at('d') });
    expect((await client.error('fs/remove', { path: at('d'), recursive: false })).message).toBe(
      'Directory not empty (os error 39)',
    );
    await client.result('fs/remove', { path: at('d') });
    await client.result('fs/remove', { path: at('d') });
    expect(await client.error('fs/remove', { path: at('d'), force: false })).toEqual(NOT_FOUND);
    expect((await client.error('fs/remove', { path: at('a.txt/x') })).message).toBe('Not a directory (os error 20)');
  });

  it('have folders made, with or without their parents', async () => {
    expect(await client.result('fs/createDirectory', { path: at('n/m'), recursive: null })).toEqual({});
    expect(await client.error('fs/createDirectory', { path: at('o/p'), recursive: false })).toEqual(NOT_FOUND);
    expect((await client.error('fs/createDirectory', { path: at('a.txt') })).message).toBe('File exists (os error 17)');
  });

  it('have their real path told in the form of the question', async () => {
    expect(await client.result('fs/canonicalize', { path: at('folder-link/sub') })).toEqual({ path: at('d/sub') });
    expect(await client.result('fs/canonicalize', { path: `file://${folder}/sp%20ace%2520%C3%A9` })).toEqual({
      path: `file://${folder}/sp%20ace%2520%C3%A9`,
    });
  });

  it('are not reached through links when the caller does not follow them', async () => {
    const strict = { followSymlinks: false };
    expect((await client.error('fs/readFile', { path: at('link'), ...strict })).message).toBe(
      'Symbolic link loop (os error 40)',
    );
    expect((await client.error('fs/getMetadata', { path: at('link'), ...strict })).message).toBe(
      'path contains a symbolic link',
    );
    expect((await client.error('fs/readFile', { path: at('folder-link/x'), ...strict })).message).toBe(
      'Not a directory (os error 20)',
    );
    expect((await client.error('fs/remove', { path: at('link'), ...strict })).message).toBe(
      'recursive no-follow removal is unsupported',
    );
  });

  it.each([
    ['rel', -32602, 'invalid URI: relative URL without a base'],
    ['http://x/', -32602, 'unsupported path URI scheme `http`'],
    ['file://other/x', -32600, `'file://other/x' is invalid on '${process.platform}'`],
    ['/a\0b', -32602, 'a path must not contain a NUL byte'],
  ])('with the path %j are refused', async (path, code, message) => {
    expect(await client.error('fs/readFile', { path })).toEqual({ code, message });
  });
});

function sum(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
