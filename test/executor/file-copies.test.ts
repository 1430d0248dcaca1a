/**
 * What copying takes beyond a release (docs/extensions.md): facts, lists, checksums, and putting files in their place;
 * on the host's files and within a sandbox.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/executor/executor.js';
import { list } from '../../src/host/file-facts.js';
import { describeSandbox } from '../host/sandbox/describe-sandbox.js';
import { makeWorkFolder } from '../peers/work-folder.js';
import { base64, MemoryClient } from './memory-client.js';

const executor = createExecutor({ cwd: '/', env: { PATH: process.env.PATH ?? '/usr/bin:/bin' } });
afterAll(() => executor.drain());

let folder: string;
let client: MemoryClient;
let remove: () => Promise<void>;

beforeEach(async () => {
  const made = await makeWorkFolder();
  folder = made.path;
  remove = made.remove;
  client = await MemoryClient.ready(executor);
});
afterEach(async () => {
  client.disconnect();
  await remove();
});

const at = (name: string) => join(folder, name);
const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const MISSING = { code: -32004, message: 'No such file or directory (os error 2)' };

describe('fs/stat', () => {
  it('tells of the path itself: kind, bytes, mode, time, and where a link leads', async () => {
    writeFileSync(at('file'), 'four');
    chmodSync(at('file'), 0o4751);
    utimesSync(at('file'), 0, 981_173_106.789);
    symlinkSync('no/where', at('link'));
    const stat = (name: string) => client.result('fs/stat', { path: at(name) });
    expect(await stat('file')).toEqual({ kind: 'file', size: 4, mode: 0o4751, modifiedAtMs: 981_173_106_789 });
    expect(await stat('link')).toMatchObject({ kind: 'symlink', target: 'no/where' });
    expect(await stat('.')).toMatchObject({ kind: 'directory' });
    expect(await client.result('fs/stat', { path: '/dev/null' })).toMatchObject({ kind: 'other' });
    expect(await client.error('fs/stat', { path: at('nothing') })).toEqual(MISSING);
  });
});

describe('fs/list', () => {
  it('tells of every entry, links that lead nowhere too, in the order of names', async () => {
    mkdirSync(at('list'));
    for (const name of ['b', 'a', 'grüße ☃', ' x\ny']) writeFileSync(at(`list/${name}`), name);
    symlinkSync('gone', at('list/link'));
    const { entries, ...rest } = await client.result('fs/list', { path: at('list') });
    expect(rest).toEqual({ truncated: false, unnameable: 0 });
    const names = (entries as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual([' x\ny', 'a', 'b', 'grüße ☃', 'link']);
    expect((entries as object[])[4]).toMatchObject({ kind: 'symlink', target: 'gone' });
  });

  it('goes on behind a name, as large folders need it', async () => {
    mkdirSync(at('large'));
    for (const name of ['e', 'b', 'd', 'a', 'c']) writeFileSync(at(`large/${name}`), '');
    const names = (entries: unknown) => (entries as readonly { name: string }[]).map(({ name }) => name);
    const page = list(at('large'), 'a', 3);
    expect([names(page.entries), page.truncated]).toEqual([['b', 'c', 'd'], true]);
    const { entries, truncated } = await client.result('fs/list', { path: at('large'), after: 'd' });
    expect([names(entries), truncated]).toEqual([['e'], false]);
  });

  it('counts names that no request can name', async () => {
    mkdirSync(at('odd'));
    writeFileSync(Buffer.concat([Buffer.from(at('odd/')), Buffer.from([0xff, 0x61])]), '');
    expect(await client.result('fs/list', { path: at('odd') })).toEqual({
      entries: [],
      truncated: false,
      unnameable: 1,
    });
  });
});

describe('fs/hash', () => {
  it('is that of the whole file, or of its beginning', async () => {
    const bytes = randomBytes(700_001);
    writeFileSync(at('file'), bytes);
    const hash = (params: object) => client.result('fs/hash', { path: at('file'), ...params });
    expect(await hash({})).toEqual({ sha256: sha256(bytes), length: 700_001 });
    expect(await hash({ length: 1e9 })).toEqual({ sha256: sha256(bytes), length: 700_001 });
    expect(await hash({ length: 300_000 })).toEqual({ sha256: sha256(bytes.subarray(0, 300_000)), length: 300_000 });
    expect(await hash({ length: 0 })).toEqual({ sha256: sha256(''), length: 0 });
  });

  it('is only of regular files, and blocks on none', async () => {
    expect(await client.error('fs/hash', { path: folder })).toMatchObject({ code: -32600 });
    expect(await client.error('fs/hash', { path: '/dev/zero' })).toMatchObject({ code: -32600 });
    expect(await client.error('fs/hash', { path: at('nothing') })).toEqual(MISSING);
  });
});

describe('a file that is updated', () => {
  const open = (name: string) => client.result('fs/open', { handleId: 'u', path: at(name), mode: 'update' });

  it('is made for its owner alone', async () => {
    await open('new');
    expect(statSync(at('new')).mode & 0o777).toBe(0o600);
  });

  it('keeps what it holds and can be read, too', async () => {
    writeFileSync(at('file'), 'hello world');
    await open('file');
    await client.result('fs/writeBlock', { handleId: 'u', offset: 6, chunk: base64('W') });
    expect(readFileSync(at('file'), 'utf8')).toBe('hello World');
    const block = await client.result('fs/readBlock', { handleId: 'u', offset: 0, len: 7 });
    expect(block).toEqual({ chunk: base64('hello W'), eof: false });
  });

  it('is not named where the modes of releases are', async () => {
    expect(await client.error('fs/open', { handleId: 'u', path: at('x'), mode: 'append' })).toEqual({
      code: -32602,
      message: 'unknown variant `append`, expected `read` or `replace`',
    });
  });
});

describe('putting a file in its place', () => {
  it('renames over what is there', async () => {
    writeFileSync(at('part'), 'new');
    writeFileSync(at('file'), 'old');
    expect(await client.result('fs/rename', { sourcePath: at('part'), destinationPath: at('file') })).toEqual({});
    expect([readFileSync(at('file'), 'utf8'), existsSync(at('part'))]).toEqual(['new', false]);
    const again = { sourcePath: at('part'), destinationPath: at('file') };
    expect(await client.error('fs/rename', again)).toEqual(MISSING);
    expect(await client.error('fs/rename', { sourcePath: at('file'), destinationPath: folder })).toMatchObject({
      code: -32603,
    });
  });

  it('makes links that may lead nowhere', async () => {
    await client.result('fs/symlink', { path: at('link'), target: '../gone' });
    expect(readlinkSync(at('link'))).toBe('../gone');
    const exists = { code: -32603, message: 'File exists (os error 17)' };
    expect(await client.error('fs/symlink', { path: at('link'), target: 'x' })).toEqual(exists);
    for (const target of ['', 'a\0b']) {
      expect(await client.error('fs/symlink', { path: at('other'), target })).toMatchObject({ code: -32602 });
    }
  });

  it('sets mode and time, and those of a link on the link', async () => {
    writeFileSync(at('file'), '');
    symlinkSync('file', at('link'));
    const set = (name: string, params: object) => client.result('fs/setAttributes', { path: at(name), ...params });
    await set('file', { mode: 0o640 });
    await set('file', { modifiedAtMs: 1_000_000_000_500 });
    await set('link', { mode: 0o777, modifiedAtMs: 5000 });
    expect(statSync(at('file'))).toMatchObject({ mode: 0o100640, mtimeMs: 1_000_000_000_500 });
    expect(lstatSync(at('link')).mtimeMs).toBe(5000);
    for (const params of [
      { mode: 0o10000 },
      { mode: -1 },
      { mode: '7' },
      { modifiedAtMs: 1e17 },
      { modifiedAtMs: 'x' },
    ]) {
      expect(await client.error('fs/setAttributes', { path: at('file'), ...params })).toMatchObject({ code: -32602 });
    }
    expect(await client.error('fs/setAttributes', { path: at('nothing'), mode: 0 })).toEqual(MISSING);
  });
});

describeSandbox('copying within a sandbox', () => {
  it('reads what may be read and writes where it may be written, and nowhere else', async () => {
    mkdirSync(at('in'));
    mkdirSync(at('out'));
    writeFileSync(at('out/file'), 'outside');
    writeFileSync(at('in/part'), 'inside');
    const grant = (path: string, access: string) => ({ path: { type: 'path', path: `file://${path}` }, access });
    const root = { path: { type: 'special', value: { kind: 'root' } }, access: 'read' };
    const fileSystem = { type: 'restricted', entries: [root, grant(at('in'), 'write')] };
    const sandbox = {
      permissions: { type: 'managed', network: 'restricted', file_system: fileSystem },
      windowsSandboxLevel: 'disabled',
    };
    const done = (method: string, params: object) => client.result(method, { ...params, sandbox });
    const refused = async (method: string, params: object) =>
      (await client.error(method, { ...params, sandbox })).message;

    expect(await done('fs/hash', { path: at('out/file') })).toMatchObject({ sha256: sha256('outside') });
    expect(await done('fs/stat', { path: at('out/file') })).toMatchObject({ size: 7 });
    await done('fs/setAttributes', { path: at('in/part'), mode: 0o600, modifiedAtMs: 5000 });
    await done('fs/rename', { sourcePath: at('in/part'), destinationPath: at('in/file') });
    await done('fs/symlink', { path: at('in/link'), target: 'file' });
    await done('fs/open', { handleId: 'u', path: at('in/file'), mode: 'update' });
    await done('fs/writeBlock', { handleId: 'u', offset: 0, chunk: base64('I') });
    expect(readFileSync(at('in/file'), 'utf8')).toBe('Inside');
    const { entries } = await done('fs/list', { path: at('in') });
    // A sandbox has places of its own in a workspace, all of them hidden.
    expect((entries as { name: string }[]).filter(({ name }) => !name.startsWith('.'))).toMatchObject([
      { name: 'file', mode: 0o600 },
      { name: 'link', target: 'file' },
    ]);

    const readOnly = 'Read-only file system (os error 30)';
    expect(await refused('fs/setAttributes', { path: at('out/file'), mode: 0o777 })).toBe(readOnly);
    expect(await refused('fs/symlink', { path: at('out/link'), target: 'file' })).toBe(readOnly);
    expect(await refused('fs/open', { handleId: 'v', path: at('out/file'), mode: 'update' })).toBe(readOnly);
    const moved = { sourcePath: at('in/file'), destinationPath: at('out/file') };
    expect(await refused('fs/rename', moved)).toMatch(/os error (18|30)\b/);
    expect(readdirSync(at('out'))).toEqual(['file']);
    expect(readFileSync(at('out/file'), 'utf8')).toBe('outside');
    // What is asked about this program in procfs is answered about the helper.
    expect(await done('fs/hash', { path: '/proc/self/cmdline' })).not.toMatchObject({
      sha256: sha256(readFileSync('/proc/self/cmdline')),
    });
  }, 30_000);
});
