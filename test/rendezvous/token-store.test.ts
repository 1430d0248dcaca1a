import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { issueToken, TokenError } from '../../src/rendezvous/token.js';
import { FileTokenStore, MemoryTokenStore } from '../../src/rendezvous/token-store.js';

async function tokenFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-tokens-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'state', 'tokens.json');
}

async function faultOf(action: Promise<unknown>): Promise<TokenError> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TokenError);
  return error as TokenError;
}

describe('a token', () => {
  it('is 256 random bits behind a readable prefix, and only its hash is in the record', () => {
    const { token, record } = issueToken('harness', 'box-1');
    expect(token).toMatch(/^sbx_harness_[A-Za-z0-9_-]{43}$/);
    expect(JSON.stringify(record)).not.toContain(token.slice(12));
    expect(issueToken('harness', 'box-1').token).not.toBe(token);
  });

  it.each(['', ' ', 'a/b', '../x', '.hidden', 'ä', 'x'.repeat(129)])(
    'is not issued for the environment id %j',
    (id) => {
      expect(() => issueToken('executor', id)).toThrow(expect.objectContaining({ code: 'environment_id_invalid' }));
    },
  );
});

describe('tokens in memory', () => {
  it('are recognised exactly', async () => {
    const store = new MemoryTokenStore();
    const one = store.create('executor', 'box-1');
    const two = store.create('harness', 'box-2');
    expect(await store.authenticate(one.token)).toEqual(one.record);
    expect(await store.authenticate(two.token)).toEqual(two.record);
    for (const wrong of ['', `${one.token}x`, one.token.slice(0, -1), one.record.sha256]) {
      expect(await store.authenticate(wrong)).toBeUndefined();
    }
    expect(await store.find(two.record.id)).toEqual(two.record);
    expect(await store.find(two.token)).toBeUndefined();
  });
});

describe('tokens in a file', () => {
  it('are there for the next program, hashed, in a file and folder of the owner alone', async () => {
    const path = await tokenFile();
    const issued = await new FileTokenStore(path).create('executor', 'box-1');
    const store = new FileTokenStore(path);
    await store.load();
    expect(await store.authenticate(issued.token)).toEqual(issued.record);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
    expect(await readFile(path, 'utf8')).not.toContain(issued.token.slice(13));
    expect(await readdir(join(path, '..'))).toEqual(['tokens.json']);
  });

  it('are none where there is no file', async () => {
    const store = new FileTokenStore(await tokenFile());
    await store.load();
    expect(await store.authenticate('sbx_harness_x')).toBeUndefined();
  });

  it('count at once when they are created or removed while a rendezvous runs', async () => {
    const path = await tokenFile();
    const running = new FileTokenStore(path);
    await running.load();
    for (let count = 0; count < 5; count++) {
      const { token, record } = await new FileTokenStore(path).create('harness', `box-${count}`);
      const found = await Promise.all([running.authenticate(token), running.authenticate(token)]);
      expect(found).toEqual([record, record]);
    }
    const { token, record } = await new FileTokenStore(path).create('harness', 'last');
    expect(await running.find(record.id)).toEqual(record);
    await rm(path);
    expect(await running.find(record.id)).toBeUndefined();
    expect(await running.authenticate(token)).toBeUndefined();
  });

  it('are all kept when several programs create some at the same time', async () => {
    const path = await tokenFile();
    const creations = Array.from({ length: 12 }, (_, count) =>
      new FileTokenStore(path).create('harness', `box-${count}`),
    );
    const issued = await Promise.all(creations);
    const store = new FileTokenStore(path);
    for (const { token, record } of issued) expect(await store.authenticate(token)).toEqual(record);
  });

  it('are revoked by the beginnings of their ids, all that are named or none, and at once', async () => {
    const path = await tokenFile();
    const store = new FileTokenStore(path);
    const [one, two, three] = [
      await store.create('harness', 'box-1'),
      await store.create('executor', 'box-1'),
      await store.create('harness', 'box-2'),
    ];
    const running = new FileTokenStore(path);
    await running.load();
    expect(await store.list()).toEqual([one.record, two.record, three.record]);
    expect((await faultOf(store.revoke([one.record.id, 'nosuch']))).code).toBe('token_unknown');
    expect((await faultOf(store.revoke(['']))).code).toBe('token_ambiguous');
    const mistaken = await faultOf(store.revoke([one.token]));
    expect([mistaken.code, mistaken.message.includes(one.token.slice(12))]).toEqual(['token_unknown', false]);
    expect(await running.authenticate(one.token)).toEqual(one.record);
    expect(await store.revoke([one.record.id, three.record.id.slice(0, 13), one.record.id])).toEqual([
      one.record,
      three.record,
    ]);
    expect(await running.authenticate(one.token)).toBeUndefined();
    expect(await running.find(three.record.id)).toBeUndefined();
    expect(await running.authenticate(two.token)).toEqual(two.record);
    expect(await readdir(join(path, '..'))).toEqual(['tokens.json']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('lose none when some are revoked while others are created', async () => {
    const path = await tokenFile();
    const old = await Promise.all(
      Array.from({ length: 6 }, () => new FileTokenStore(path).create('harness', 'old').then(({ record }) => record)),
    );
    const fresh = Array.from({ length: 6 }, () => new FileTokenStore(path).create('harness', 'new'));
    await Promise.all([...fresh, ...old.map(({ id }) => new FileTokenStore(path).revoke([id]))]);
    expect((await new FileTokenStore(path).list()).map(({ environmentId }) => environmentId)).toEqual(
      Array.from({ length: 6 }, () => 'new'),
    );
  });

  it('stay valid while the file is damaged, and the damage is reported once', async () => {
    const path = await tokenFile();
    const { token, record } = await new FileTokenStore(path).create('executor', 'box-1');
    const good = await readFile(path, 'utf8');
    const damages: string[] = [];
    const running = new FileTokenStore(path, (error) => damages.push(error.code));
    await running.load();
    await writeFile(path, good.slice(0, -10));
    expect(await running.authenticate(token)).toEqual(record);
    expect(await running.authenticate(token)).toEqual(record);
    expect(damages).toEqual(['token_file_damaged']);
    await writeFile(path, JSON.stringify({ version: 1, tokens: [] }));
    expect(await running.authenticate(token)).toBeUndefined();
  });

  it.each([
    ['not JSON', '{', 'is damaged: it is not JSON'],
    ['empty', '', 'is damaged: it is not JSON'],
    ['of another shape', '[]', 'is damaged'],
    ['of another version', '{"version":2,"tokens":[]}', 'is damaged: version'],
    [
      'without a hash',
      '{"version":1,"tokens":[{"id":"a","role":"harness","environmentId":"b","createdAt":"c"}]}',
      'sha256',
    ],
    ['too large', ' '.repeat(2_000_000), 'more than any token file'],
  ])('that is %s is refused, with what to do', async (_, content, why) => {
    const path = await tokenFile();
    await new FileTokenStore(path).create('executor', 'box-1');
    await writeFile(path, content);
    const error = await faultOf(new FileTokenStore(path).load());
    expect(error.code).toBe('token_file_damaged');
    expect(error.message).toContain(path);
    expect(error.message).toContain(why);
    // Creating would overwrite what might still be repaired.
    expect((await faultOf(new FileTokenStore(path).create('harness', 'box-1'))).code).toBe('token_file_damaged');
    expect(await readFile(path, 'utf8')).toBe(content);
    expect(await readdir(join(path, '..'))).toEqual(['tokens.json']);
  });

  it('that others may write is refused', async () => {
    const path = await tokenFile();
    await new FileTokenStore(path).create('executor', 'box-1');
    await chmod(path, 0o620);
    expect((await faultOf(new FileTokenStore(path).load())).code).toBe('token_file_exposed');
  });

  it('that is a folder, or below a file, is refused', async () => {
    const path = await tokenFile();
    await new FileTokenStore(path).create('executor', 'box-1');
    expect((await faultOf(new FileTokenStore(join(path, '..')).load())).code).toBe('token_file_unreadable');
    expect((await faultOf(new FileTokenStore(join(path, 'x')).load())).code).toBe('token_file_unreadable');
    expect((await faultOf(new FileTokenStore(join(path, 'x')).create('harness', 'b'))).code).toBe(
      'token_file_unwritable',
    );
  });
});
