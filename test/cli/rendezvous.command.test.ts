import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import { post, RelayPeer, until } from '../rendezvous/relay-peer.js';
import { MAIN } from './program.js';

async function stateHome(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The program as a process of its own; what it printed so far, and its exit code. */
function start(state: string, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, XDG_STATE_HOME: state },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const run = { child, stdout: '', stderr: '', exit: once(child, 'close').then(([code]) => code as number | null) };
  child.stdout.on('data', (chunk) => {
    run.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    run.stderr += chunk;
  });
  return run;
}

async function finished(state: string, ...args: string[]) {
  const run = start(state, ...args);
  const code = await run.exit;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

async function rendezvous(state: string, ...args: string[]) {
  const run = start(state, 'rendezvous', '--listen', 'http://127.0.0.1:0', '--log-level', 'silent', ...args);
  let url: string | undefined;
  await until(() => {
    url = /listens on (http:\/\/127\.0\.0\.1:\d+);/.exec(run.stdout)?.[1];
    return url !== undefined || run.child.exitCode !== null;
  });
  if (url === undefined) throw new Error(`it did not start: ${run.stderr}`);
  return { ...run, run, url };
}

async function token(state: string, role: string, environment: string): Promise<string> {
  const { code, stdout, stderr } = await finished(state, 'token', 'create', '--role', role, '--env', environment);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^sbx_${role}_\\S{43}\\n$`));
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).not.toContain(stdout.trim());
  return stdout.trim();
}

describe('signalbox rendezvous', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'lets in whoever gets a token while it runs, and ends in order on %s',
    async (signal) => {
      const state = await stateHome();
      const { url, run } = await rendezvous(state);
      const executorToken = await token(state, 'executor', 'box-1');
      const harnessToken = await token(state, 'harness', 'box-1');
      const reply = await post(`${url}/cloud/environment/box-1/register`, executorToken);
      const executor = await RelayPeer.connect(reply.body.url as string);
      const harness = await RelayPeer.connect(harnessUrl(url, 'box-1', harnessToken));
      harness.resume('s1');
      await executor.sees('s1 resume');
      run.child.kill(signal);
      await Promise.all([executor.closesWith(1012), harness.closesWith(1012)]);
      expect(await run.exit).toBe(0);
      expect(run.stderr).toBe('');
      expect((await stat(join(state, 'signalbox'))).mode & 0o777).toBe(0o700);
    },
  );

  it('says in one line that the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const { code, stdout, stderr } = await finished(await stateHome(), 'rendezvous', '--listen', url);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `signalbox: ${url} is in use, perhaps by another signalbox; choose another port with --listen (port 0 takes any free one)\n`,
    );
  });

  it('says in one line that it cannot listen there', async () => {
    const { code, stderr } = await finished(await stateHome(), 'rendezvous', '--listen', '127.0.0.1');
    expect(code).toBe(1);
    expect(stderr).toBe(
      'signalbox: cannot listen on "127.0.0.1": expected http://HOST:PORT, for instance http://127.0.0.1:7420\n',
    );
  });

  it('says in one line that the token file is damaged, or may be written by others', async () => {
    const state = await stateHome();
    await mkdir(join(state, 'signalbox'));
    const file = join(state, 'signalbox', 'tokens.json');
    await writeFile(file, '{]');
    const damaged = await finished(state, 'rendezvous', '--listen', 'http://127.0.0.1:0');
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toMatch(/^signalbox: token file \S+ is damaged: it is not JSON; [^\n]+\n$/);
    await chmod(file, 0o666);
    const exposed = await finished(state, 'rendezvous', '--listen', 'http://127.0.0.1:0');
    expect(exposed.stderr).toBe(`signalbox: ${file} may be written by other users: chmod 600 it\n`);
  });
});

describe('signalbox token create', () => {
  it('refuses an impossible environment id, an unknown role and an unwritable file, in one line', async () => {
    const state = await stateHome();
    const wrong = await finished(state, 'token', 'create', '--role', 'harness', '--env', 'a/b');
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toMatch(/^signalbox: environment id "a\/b" is not usable: [^\n]+\n$/);
    const role = await finished(state, 'token', 'create', '--role', 'admin', '--env', 'a');
    expect(role.code).toBe(2);
    expect(role.stderr).toMatch(/Allowed choices are executor, harness/);
    const below = ['--tokens', '/dev/null/tokens.json'];
    const file = await finished(state, 'token', 'create', '--role', 'harness', '--env', 'a', ...below);
    expect(file.code).toBe(1);
    expect(file.stderr).toMatch(/^signalbox: cannot write \/dev\/null\/tokens\.json: [^\n]+\n$/);
  });
});
