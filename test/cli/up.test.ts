/**
 * `signalbox up` as a process: what it says, what it leaves where, and how it ends.
 */
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { isRunning } from '../harness/process-state.js';
import { printed, runProgram, runShell, scratchFolder, startProgram, startUp } from './program.js';

const stateFile = (state: string) => join(state, 'signalbox', 'up.json');

describe('signalbox up', () => {
  it('says what runs, where a harness finds it, and what to try; and what it says works', async () => {
    const { up, state, url } = await startUp();
    const greeting = up.stdout().toString();
    expect(greeting).toMatch(/executor {5}online as environment "local"/);
    const tries = [...greeting.matchAll(/^ {2}(.*npx signalbox .*)$/gm)].map(([, line]) => line as string);
    expect(tries).toHaveLength(2);
    const runs = await Promise.all(
      tries.map((line) => runShell({ state }, line.replace('npx signalbox', '$signalbox'))),
    );
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    expect(runs[0]?.stdout.toString()).toMatch(/^Linux|^Darwin/);
    expect(runs[1]?.stdout.toString()).toBe('HELLO\n');
    const harnessUrl = /^ {2}(ws:\/\/\S+)$/m.exec(greeting)?.[1] as string;
    expect(harnessUrl.startsWith(url.replace('http', 'ws'))).toBe(true);
    const elsewhere = await scratchFolder();
    const run = await runProgram({ state: elsewhere, env: { SIGNALBOX_URL: harnessUrl } }, [
      'exec',
      '--',
      'echo',
      'hi',
    ]);
    expect([run.code, run.stdout.toString()]).toEqual([0, 'hi\n']);
  });

  it('keeps its address and token where only its user can read them, and only while it runs', async () => {
    const { up, state, url } = await startUp();
    expect((await stat(stateFile(state))).mode & 0o777).toBe(0o600);
    expect((await stat(join(state, 'signalbox'))).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(stateFile(state), 'utf8'))).toEqual({
      version: 1,
      pid: up.child.pid,
      rendezvous: url,
      environmentId: 'local',
      token: expect.stringMatching(/^sbx_harness_\S{43}$/),
      inspector: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/\S+\/$/),
    });
    up.child.kill('SIGTERM');
    expect(await up.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(await readdir(join(state, 'signalbox'))).toEqual([]);
  });

  it('leaves the file of another `up` alone when it ends', async () => {
    const { up: first, state } = await startUp();
    const { up: second } = await startUp({ state });
    first.child.kill('SIGTERM');
    await first.ended;
    expect(JSON.parse(await readFile(stateFile(state), 'utf8'))).toMatchObject({ pid: second.child.pid });
    expect((await runProgram({ state }, ['exec', '--', 'true'])).code).toBe(0);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends its children and itself on %s', async (signal) => {
    const { up, state } = await startUp();
    const run = startProgram(
      { state },
      'exec',
      '--',
      'sh',
      '-c',
      'trap "" TERM INT HUP; echo $$; while :; do sleep 1; done',
    );
    const pid = Number(await printed(run, /(\d+)\n/));
    up.child.kill(signal);
    expect(await up.ended).toMatchObject({ code: 0, signal: null });
    expect(isRunning(pid)).toBe(false);
    const { code, stderr } = await run.ended;
    expect([code, stderr]).toEqual([
      255,
      expect.stringMatching(/^signalbox: [^\n]*the executor is shutting down[^\n]*\n$/),
    ]);
  });

  it('ends when it is told to before it is up', async () => {
    const state = await scratchFolder();
    const up = startProgram({ state }, 'up', '--listen', 'http://127.0.0.1:0', '--log-level', 'info');
    await printed(up, /rendezvous listens/, 'stderr');
    up.child.kill('SIGTERM');
    expect((await up.ended).code).toBe(0);
    expect(await stat(stateFile(state)).catch(() => 'none')).toBe('none');
  });

  it('has an environment of the name it is told', async () => {
    const { state } = await startUp({ args: ['--env', 'my box'] }).catch(() => ({ state: undefined }));
    expect(state).toBeUndefined();
    const { state: named } = await startUp({ args: ['--env', 'lab-7'] });
    expect((await runProgram({ state: named }, ['exec', '--', 'true'])).code).toBe(0);
    expect((await runProgram({ state: named }, ['exec', '--env', 'lab-7', '--', 'true'])).code).toBe(0);
    expect((await runProgram({ state: named }, ['exec', '--env', 'lab-8', '--', 'true'])).code).toBe(255);
  });

  it('runs commands in the folder it was started in, with its environment', async () => {
    const cwd = await scratchFolder();
    const { state } = await startUp({ cwd, env: { GREETING: 'good day', MY_API_KEY: 'hidden', MY_SECRET: 'hidden' } });
    const run = await runProgram({ state }, ['exec', '--', 'sh', '-c', 'pwd; echo "$GREETING$MY_API_KEY$MY_SECRET"']);
    expect(run.stdout.toString()).toBe(`${cwd}\ngood day\n`);
  });

  it('says in one line that the port is in use', async () => {
    const { url } = await startUp();
    const run = await runProgram({ state: await scratchFolder() }, ['up', '--listen', url]);
    expect({ ...run, stdout: run.stdout.toString() }).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^signalbox: http:\S+ is in use[^\n]*; choose another port[^\n]*\n$/);
  });

  it('says in one line that it cannot listen there, or cannot keep its state', async () => {
    const state = await scratchFolder();
    for (const listen of ['somewhere', 'https://127.0.0.1:0', 'http://192.0.2.1:0']) {
      const run = await runProgram({ state }, ['up', '--listen', listen]);
      expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/^signalbox: cannot listen on [^\n]+\n$/)]);
    }
    await writeFile(join(state, 'signalbox'), 'a file');
    const run = await runProgram({ state }, ['up', '--listen', 'http://127.0.0.1:0']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/^signalbox: [^\n]+\n$/)]);
  });

  it('honours tokens made with `signalbox token create`', async () => {
    const { state, url } = await startUp();
    const created = await runProgram({ state }, ['token', 'create', '--role', 'harness', '--env', 'local']);
    const tokenFile = join(await scratchFolder(), 'token');
    await writeFile(tokenFile, created.stdout);
    const args = ['exec', '--url', url, '--env', 'local', '--token-file', tokenFile, '--', 'echo', 'in'];
    expect((await runProgram({ state: await scratchFolder() }, args)).stdout.toString()).toBe('in\n');
  });
});

describe('signalbox rendezvous and signalbox executor', () => {
  const TOKEN_PLACES = ['SIGNALBOX_TOKEN', 'CODEX_API_KEY', 'a file', 'standard input'] as const;

  async function rendezvous(state: string, ...args: string[]) {
    const run = startProgram(
      { state },
      'rendezvous',
      '--listen',
      'http://127.0.0.1:0',
      '--log-level',
      'trace',
      ...args,
    );
    return { run, url: await printed(run, /listens on (http:\S+);/) };
  }

  async function token(state: string, role: string): Promise<string> {
    const { code, stdout } = await runProgram({ state }, ['token', 'create', '--role', role, '--env', 'box1']);
    expect(code).toBe(0);
    return stdout.toString().trim();
  }

  async function executor(
    state: string,
    url: string,
    secret: string,
    place: (typeof TOKEN_PLACES)[number] = 'SIGNALBOX_TOKEN',
  ) {
    const args = ['executor', '--remote', url, '--environment-id', 'box1', '--name', 'lab', '--log-level', 'trace'];
    const env: Record<string, string> = {};
    if (place === 'SIGNALBOX_TOKEN' || place === 'CODEX_API_KEY') env[place] = secret;
    if (place === 'standard input') args.push('--token-stdin');
    if (place === 'a file') {
      const file = join(await scratchFolder(), 'token');
      await writeFile(file, `${secret}\n`, { mode: 0o600 });
      args.push('--token-file', file);
    }
    const run = startProgram({ state, env }, ...args);
    run.child.stdin.end(place === 'standard input' ? `${secret}\n` : '');
    return run;
  }

  it.each(TOKEN_PLACES)(
    'meet as processes of their own, with the token from %s, which nobody else ever sees',
    async (place) => {
      const state = await scratchFolder();
      const { run: router, url } = await rendezvous(state);
      const secrets = { executor: await token(state, 'executor'), harness: await token(state, 'harness') };
      const daemon = await executor(state, url, secrets.executor, place);
      await printed(daemon, /"msg":"(online)"/, 'stderr');
      const args = [
        'exec',
        '--url',
        url,
        '--env',
        'box1',
        '--log-level',
        'trace',
        '--',
        'sh',
        '-c',
        'echo hi; env >&2; exit 7',
      ];
      const run = await runProgram({ state, env: { SIGNALBOX_TOKEN: secrets.harness } }, args);
      expect([run.code, run.stdout.toString()]).toEqual([7, 'hi\n']);
      const commandLine = await readFile(`/proc/${daemon.child.pid}/cmdline`, 'utf8');
      for (const running of [daemon, router]) {
        running.child.kill('SIGTERM');
        expect(await running.ended).toMatchObject({ code: 0, signal: null });
      }
      const logs = [daemon.stderr(), router.stderr(), run.stderr];
      expect(logs.every((log) => log.includes('"level":'))).toBe(true);
      const seen = [
        ...logs,
        commandLine,
        daemon.stdout(),
        router.stdout(),
        await readFile(join(state, 'signalbox', 'tokens.json')),
      ];
      for (const text of seen) {
        expect(String(text)).not.toContain(secrets.executor);
        expect(String(text)).not.toContain(secrets.harness);
      }
      // The ticket in the executor's URL is a credential, too.
      expect(logs.join('')).not.toMatch(/signature=/);
    },
  );

  it('end the children of the daemon with it', async () => {
    const state = await scratchFolder();
    const { url } = await rendezvous(state);
    const daemon = await executor(state, url, await token(state, 'executor'));
    await printed(daemon, /"msg":"(online)"/, 'stderr');
    const env = { SIGNALBOX_TOKEN: await token(state, 'harness') };
    const run = startProgram(
      { state, env },
      'exec',
      '--url',
      url,
      '--env',
      'box1',
      '--',
      'sh',
      '-c',
      'echo $$; exec sleep 1000',
    );
    const pid = Number(await printed(run, /(\d+)\n/));
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ code: 0, signal: null, stdout: Buffer.alloc(0) });
    expect(isRunning(pid)).toBe(false);
    expect((await run.ended).code).toBe(255);
  });

  it('find each other again when the rendezvous was away', async () => {
    const state = await scratchFolder();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    const url = `http://127.0.0.1:${port}`;
    const daemon = await executor(state, url, await token(state, 'executor'));
    await printed(daemon, /(cannot be reached)/, 'stderr');
    const first = startProgram({ state }, 'rendezvous', '--listen', url, '--log-level', 'silent');
    await printed(daemon, /"msg":"(online)"/, 'stderr');
    first.child.kill('SIGTERM');
    await first.ended;
    startProgram({ state }, 'rendezvous', '--listen', url, '--log-level', 'silent');
    const env = { SIGNALBOX_TOKEN: await token(state, 'harness') };
    const args = ['exec', '--url', url, '--env', 'box1', '--', 'true'];
    await vi.waitUntil(async () => (await runProgram({ state, env }, args)).code === 0, { timeout: 18_000 });
    expect(daemon.child.exitCode).toBeNull();
  });

  it.each<
    [
      string,
      (state: string) => Promise<{ args?: string[]; env?: Record<string, string>; input?: string }>,
      number,
      RegExp,
    ]
  >([
    [
      'no token',
      async () => ({}),
      1,
      /no token: set SIGNALBOX_TOKEN.*signalbox token create --role executor --env box1/,
    ],
    ['an empty token', async () => ({ env: { SIGNALBOX_TOKEN: ' ' } }), 1, /no token/],
    [
      'a token file that is not there',
      async () => ({ args: ['--token-file', '/no/such'] }),
      1,
      /cannot read the token file \/no\/such/,
    ],
    [
      'a folder for a token file',
      async (state) => ({ args: ['--token-file', state] }),
      1,
      /cannot read the token file/,
    ],
    ['nothing on standard input', async () => ({ args: ['--token-stdin'] }), 1, /no token in standard input/],
    ['text that is no token', async () => ({ args: ['--token-stdin'], input: 'two words' }), 1, /is no token/],
    ['a token with odd characters', async () => ({ env: { SIGNALBOX_TOKEN: 'a\u0007b' } }), 1, /characters/],
    [
      'too much on standard input',
      async () => ({ args: ['--token-stdin'], input: 'x'.repeat(1_000_000) }),
      1,
      /too long/,
    ],
    ['two places at once', async () => ({ args: ['--token-stdin', '--token-file', 'x'] }), 2, /not both/],
    ['a token on the command line', async () => ({ args: ['--token', 'x'] }), 2, /unknown option '--token'/],
    [
      'an unknown relay',
      async () => ({ args: ['--relay', 'smoke'] }),
      2,
      /Allowed choices are noise, cleartext, either/,
    ],
    [
      'an address that is none',
      async () => ({ args: ['--remote', 'somewhere'], env: { SIGNALBOX_TOKEN: 'x' } }),
      2,
      /http/,
    ],
    [
      'a blank id',
      async () => ({ args: ['--environment-id', ' '], env: { SIGNALBOX_TOKEN: 'x' } }),
      2,
      /environment-id/,
    ],
  ])('say what is wrong: %s', async (_, make, code, message) => {
    const state = await scratchFolder();
    const { args = [], env = {}, input } = await make(state);
    const base = ['executor', '--remote', 'http://127.0.0.1:1', '--environment-id', 'box1'];
    const run = await runProgram({ state, env }, [...base, ...args], input);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(code);
  });

  it('say what is wrong: a wrong token, and one for another environment', async () => {
    const state = await scratchFolder();
    const { url } = await rendezvous(state);
    const wrong = await (await executor(state, url, 'sbx_executor_wrong')).ended;
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(
      /^signalbox: the registry \S+ refused the token for environment box1 \(401\)[^\n]*signalbox token create[^\n]*\n$/m,
    );
    expect(wrong.stderr).not.toContain('sbx_executor_wrong');
    const harnessToken = await token(state, 'harness');
    const other = await (await executor(state, url, harnessToken)).ended;
    expect([other.code, other.stderr]).toEqual([1, expect.stringMatching(/\(40[13]\)/)]);
  });
});
