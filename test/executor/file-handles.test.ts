import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/executor/executor.js';
import { base64, MemoryClient } from './memory-client.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-handles-')));
const executor = createExecutor({ cwd: folder, env: { HOME: folder } });
afterAll(async () => {
  await executor.drain();
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);
const openDescriptors = () => readdirSync('/proc/self/fd').length;
let client: MemoryClient;

beforeEach(async () => {
  writeFileSync(at('a.txt'), 'hello\n');
  client = await MemoryClient.ready(executor);
});

describe('a file handle', () => {
  it('reads blocks wherever it is asked to, and tells where the file ends', async () => {
    expect(await client.result('fs/open', { handleId: 'h', path: at('a.txt') })).toEqual({ handleId: 'h' });
    const block = (offset: number, len: number) => client.result('fs/readBlock', { handleId: 'h', offset, len });
    expect(await block(0, 3)).toEqual({ chunk: base64('hel'), eof: false });
    expect(await block(3, 3)).toEqual({ chunk: base64('lo\n'), eof: false });
    expect(await block(3, 4)).toEqual({ chunk: base64('lo\n'), eof: true });
    expect(await block(100, 1)).toEqual({ chunk: '', eof: true });
    expect(await block(0, 1024 * 1024)).toEqual({ chunk: base64('hello\n'), eof: true });
    unlinkSync(at('a.txt'));
    expect(await block(0, 6)).toEqual({ chunk: base64('hello\n'), eof: false });
    expect(await client.result('fs/close', { handleId: 'h' })).toEqual({});
    expect(await client.result('fs/close', { handleId: 'h' })).toEqual({});
    const gone = { code: -32004, message: 'unknown file handle `h`' };
    expect(await client.error('fs/readBlock', { handleId: 'h', offset: 0, len: 1 })).toEqual(gone);
  });

  it('writes blocks in any order, with zeros in between, visible at once', async () => {
    await client.result('fs/open', { handleId: 'w', path: at('new'), mode: 'replace' });
    await client.result('fs/writeBlock', { handleId: 'w', offset: 5, chunk: base64('hey') });
    expect(readFileSync(at('new')).toString('latin1')).toBe('\0\0\0\0\0hey');
    await client.result('fs/writeBlock', { handleId: 'w', offset: 0, chunk: base64('begin') });
    expect(readFileSync(at('new'), 'utf8')).toBe('beginhey');
    await client.result('fs/open', { handleId: 'again', path: at('new'), mode: 'replace' });
    expect(readFileSync(at('new'), 'utf8')).toBe('');
  });

  it('moves a large file both ways byte for byte', async () => {
    const block = Buffer.alloc(1024 * 1024, 'abcdefghijk');
    await client.result('fs/open', { handleId: 'w', path: at('large'), mode: 'replace' });
    for (let n = 0; n < 5; n += 1) {
      await client.result('fs/writeBlock', {
        handleId: 'w',
        offset: n * block.length,
        chunk: block.toString('base64'),
      });
    }
    await client.result('fs/open', { handleId: 'r', path: at('large') });
    for (let n = 0; n < 5; n += 1) {
      const read = await client.result('fs/readBlock', { handleId: 'r', offset: n * block.length, len: block.length });
      expect(read.eof).toBe(false);
      expect(Buffer.from(String(read.chunk), 'base64').equals(block)).toBe(true);
    }
  });

  it('works one way only, and survives being used the other way', async () => {
    await client.result('fs/open', { handleId: 'r', path: at('a.txt') });
    await client.result('fs/open', { handleId: 'w', path: at('w'), mode: 'replace' });
    const wrong = { code: -32603, message: 'Bad file descriptor (os error 9)' };
    expect(await client.error('fs/writeBlock', { handleId: 'r', offset: 0, chunk: base64('x') })).toEqual(wrong);
    expect(await client.error('fs/readBlock', { handleId: 'w', offset: 0, len: 1 })).toEqual(wrong);
    expect(await client.result('fs/readBlock', { handleId: 'r', offset: 0, len: 1 })).toMatchObject({ eof: false });
  });

  it.each<[string, object, number, string]>([
    ['fs/open', { handleId: 'x'.repeat(33), path: 'a.txt' }, -32600, 'file handle ID must not exceed 32 bytes'],
    ['fs/close', { handleId: 'x'.repeat(33) }, -32600, 'file handle ID must not exceed 32 bytes'],
    ['fs/open', { handleId: 'h', path: '' }, -32600, `path \`${folder}\` is not a file`],
    ['fs/open', { handleId: 'h', path: 'missing' }, -32004, 'No such file or directory (os error 2)'],
    ['fs/open', { handleId: 'h', path: '', mode: 'replace' }, -32603, 'Is a directory (os error 21)'],
    ['fs/open', { handleId: 'h', path: 'a.txt', mode: null }, -32602, 'invalid type: null, expected string or map'],
    [
      'fs/open',
      { handleId: 'h', path: 'a.txt', mode: 'x' },
      -32602,
      'unknown variant `x`, expected `read` or `replace`',
    ],
    ['fs/writeBlock', { handleId: 'h', offset: 0, chunk: '%' }, -32602, 'Invalid symbol 37, offset 0.'],
    ['fs/readBlock', { handleId: 'h', offset: 0.5, len: 1 }, -32602, 'invalid number'],
  ])('%s refuses %j', async (method, params, code, message) => {
    const given = 'path' in params ? { ...params, path: at(String(params.path)) } : params;
    expect(await client.error(method, given)).toEqual({ code, message });
  });

  it('refuses blocks of no byte or of more than a megabyte', async () => {
    await client.result('fs/open', { handleId: 'h', path: at('a.txt') });
    const read = { code: -32600, message: 'file read block length must be between 1 and 1048576' };
    for (const len of [0, 1024 * 1024 + 1]) {
      expect(await client.error('fs/readBlock', { handleId: 'h', offset: 0, len })).toEqual(read);
    }
    await client.result('fs/open', { handleId: 'w', path: at('w'), mode: 'replace' });
    const write = { code: -32600, message: 'file write block length must be between 1 and 1048576' };
    for (const bytes of [0, 1024 * 1024 + 1]) {
      const chunk = Buffer.alloc(bytes).toString('base64');
      expect(await client.error('fs/writeBlock', { handleId: 'w', offset: 0, chunk })).toEqual(write);
    }
  });

  it('refuses a link when links are not followed', async () => {
    rmSync(at('link'), { force: true });
    symlinkSync('a.txt', at('link'));
    expect(await client.result('fs/open', { handleId: 'l', path: at('link') })).toEqual({ handleId: 'l' });
    const params = { handleId: 'm', path: at('link'), followSymlinks: false };
    expect((await client.error('fs/open', params)).message).toBe('Symbolic link loop (os error 40)');
  });
});

describe('the handles of a connection', () => {
  it('are at most 128, and are closed with it', async () => {
    const before = openDescriptors();
    for (let n = 0; n < 128; n += 1) await client.result('fs/open', { handleId: `h${n}`, path: at('a.txt') });
    expect(await client.error('fs/open', { handleId: 'one more', path: at('a.txt') })).toEqual({
      code: -32600,
      message: 'at most 128 file handles may be open per connection',
    });
    await client.result('fs/close', { handleId: 'h5' });
    await client.result('fs/open', { handleId: 'one more', path: at('a.txt') });
    const taken = { code: -32600, message: 'file handle `h6` already exists' };
    expect(await client.error('fs/open', { handleId: 'h6', path: at('a.txt') })).toEqual(taken);
    client.disconnect();
    expect(openDescriptors()).toBe(before);
  });

  it('are not those of another connection', async () => {
    await client.result('fs/open', { handleId: 'h', path: at('a.txt') });
    const other = await MemoryClient.ready(executor);
    expect((await other.error('fs/readBlock', { handleId: 'h', offset: 0, len: 1 })).code).toBe(-32004);
  });
});
