/**
 * `token ls` and `token revoke` as processes of their own, and what a running rendezvous makes of it.
 */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startRendezvous } from '../../src/rendezvous/rendezvous.js';
import { FileTokenStore } from '../../src/rendezvous/token-store.js';
import { type ProgramOptions, printed, runProgram, runShell, scratchFolder, startProgram } from './program.js';

vi.setConfig({ testTimeout: 90_000 });

async function create(options: ProgramOptions, role: string, env: string) {
  const { code, stdout } = await runProgram(options, ['token', 'create', '--role', role, '--env', env, '--json']);
  expect(code).toBe(0);
  return JSON.parse(stdout.toString()) as { id: string; token: string };
}

describe('signalbox token', () => {
  it('lists ids and what they are for, never what lets anybody in, and revokes by the beginning of an id', async () => {
    const state = await scratchFolder();
    expect((await runProgram({ state }, ['token', 'ls', '--json'])).stdout.toString()).toBe('[]\n');
    const [one, two] = [await create({ state }, 'executor', 'box1'), await create({ state }, 'harness', 'box2')];
    const people = (await runProgram({ state }, ['token', 'ls'])).stdout.toString();
    expect(people.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^ID +ROLE +ENVIRONMENT +CREATED$/),
      expect.stringMatching(new RegExp(`^${one.id.slice(0, 8)} +executor +box1 +\\d{4}-\\d\\d-\\d\\dT\\S+Z$`)),
      expect.stringMatching(new RegExp(`^${two.id.slice(0, 8)} +harness +box2 +\\S+$`)),
    ]);
    const programs = (await runProgram({ state }, ['token', 'ls', '--json'])).stdout.toString();
    expect(JSON.parse(programs)).toEqual([
      { id: one.id, role: 'executor', environment: 'box1', createdAt: expect.any(String) },
      expect.objectContaining({ id: two.id }),
    ]);
    expect(people + programs).not.toMatch(/sbx_|sha256|[0-9a-f]{64}/);

    const revoked = await runProgram({ state }, ['token', 'revoke', one.id.slice(0, 8)]);
    expect([revoked.code, revoked.stdout.toString()]).toEqual([0, `revoked ${one.id.slice(0, 8)}, executor of box1\n`]);
    const left = JSON.parse((await runProgram({ state }, ['token', 'ls', '--json'])).stdout.toString());
    expect(left).toEqual([expect.objectContaining({ id: two.id })]);
    expect((await stat(join(state, 'signalbox', 'tokens.json'))).mode & 0o777).toBe(0o600);
  });

  it('says in one line that there is no such token, without repeating one that was given in place of its id', async () => {
    const state = await scratchFolder();
    const tokens = join(state, 'elsewhere.json');
    const { token } = await create({ state }, 'harness', 'box1');
    const none = await runProgram({ state }, ['token', 'revoke', '--tokens', tokens, 'ffffffff']);
    expect([none.code, none.stdout.toString()]).toEqual([1, '']);
    expect(none.stderr).toBe(`signalbox: ${tokens} has no token "ffffffff"; see: signalbox token ls\n`);
    const secret = await runProgram({ state }, ['token', 'revoke', token]);
    expect([secret.code, secret.stderr.includes(token)]).toEqual([1, false]);
    expect((await runProgram({ state }, ['token', 'revoke'])).code).toBe(2);
  });
});

describe('whoever stops reading what is told', () => {
  it('ends it without complaint', async () => {
    const state = await scratchFolder();
    for (const command of ['token ls', 'doctor --json', 'completion bash']) {
      const { stdout, stderr } = await runShell({ state }, `$signalbox ${command} | true; echo \${PIPESTATUS[0]}`);
      expect([command, stdout.toString(), stderr]).toEqual([command, '141\n', '']);
    }
  });
});

describe('a token that is revoked while it is used', () => {
  it('ends the command of the harness that holds it, and the executor says what is wrong when it is its own', async () => {
    const state = await scratchFolder();
    const tokens = join(state, 'tokens.json');
    const store = new FileTokenStore(tokens);
    const [serving, using] = [await store.create('executor', 'box1'), await store.create('harness', 'box1')];
    const file = async (name: string, token: string) => {
      await writeFile(join(state, name), token, { mode: 0o600 });
      return join(state, name);
    };
    const rendezvous = await startRendezvous({ listen: 'http://127.0.0.1:0', tokens: new FileTokenStore(tokens) });
    onTestFinished(() => rendezvous.close());
    const executor = startProgram(
      { state },
      ...['executor', '--remote', rendezvous.url, '--environment-id', 'box1', '--log-level', 'info'],
      ...['--token-file', await file('executor', serving.token)],
    );
    await printed(executor, /(registered|online)/, 'stderr');
    const command = startProgram(
      { state },
      ...['exec', '--url', rendezvous.url, '--env', 'box1', '--token-file', await file('harness', using.token)],
      ...['--', 'sh', '-c', 'echo started; sleep 1000'],
    );
    await printed(command, /(started)/);
    expect((await runProgram({ state }, ['token', 'revoke', '--tokens', tokens, using.record.id])).code).toBe(0);
    const ended = await command.ended;
    expect(ended.code).toBe(255);
    expect(ended.stderr).toMatch(/^signalbox: [^\n]*revoked\n$/);
    expect((await runProgram({ state }, ['token', 'revoke', '--tokens', tokens, serving.record.id])).code).toBe(0);
    expect((await executor.ended).code).toBe(1);
    expect(executor.stderr()).toMatch(/token/);
    expect(executor.stderr() + ended.stderr).not.toMatch(/sbx_/);
  });
});
