/**
 * `signalbox exec` as a process, against `signalbox up` as another: as if the command ran here.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isRunning } from '../harness/process-state.js';
import {
  printed,
  type Running,
  runProgram,
  runShell,
  scratchFolder,
  sharedUp,
  startProgram,
  startUp,
} from './program.js';

/** Starts `up`, ended in order with the test. */
async function up(env: Record<string, string> = {}) {
  const it = await startUp({ env });
  onTestFinished(async () => {
    it.up.child.kill('SIGTERM');
    await it.up.ended;
  });
  return it;
}

describe('signalbox exec', () => {
  const shared = sharedUp();
  let state: string;
  beforeAll(() => {
    state = shared.state;
  });

  const exec = (...argv: string[]) => runProgram({ state }, ['exec', '--', ...argv]);
  const start = (script: string) => startProgram({ state }, 'exec', '--', 'sh', '-c', script);

  it('prints what the command prints, where it prints it, and exits as it does', async () => {
    const run = await exec('sh', '-c', 'echo hi; echo oh >&2; exit 7');
    expect({ ...run, stdout: run.stdout.toString() }).toEqual({
      code: 7,
      signal: null,
      stdout: 'hi\n',
      stderr: 'oh\n',
    });
  });

  it.each([
    ['TERM', 143],
    ['KILL', 137],
    ['SEGV', 139],
    ['INT', 130],
  ])('exits with 128 + n when the command is killed by SIG%s', async (signal, code) => {
    expect(await exec('sh', '-c', `kill -${signal} $$`)).toMatchObject({ code, signal: null, stderr: '' });
  });

  it('needs no -- when the command has no options that could be its own', async () => {
    const run = await runProgram({ state }, ['exec', 'echo', '-n', '--env', 'x']);
    expect([run.code, run.stdout.toString()]).toEqual([0, '--env x']);
  });

  it('passes arguments as they are', async () => {
    const odd = ['', ' ', '"', "'", '$HOME', '*', 'a\nb', 'grüße', '--', '-x'];
    expect((await exec('printf', '<%s>', ...odd)).stdout.toString()).toBe(odd.map((arg) => `<${arg}>`).join(''));
  });

  it('brings 20 MB of bytes there and back', async () => {
    const input = randomBytes(20_000_000);
    const run = await runProgram({ state }, ['exec', '--', 'cat'], input);
    expect(run.code).toBe(0);
    expect(run.stdout.equals(input)).toBe(true);
    expect(run.stderr).toBe('');
  });

  it('brings 20 MB on standard error', async () => {
    const run = await exec('sh', '-c', 'head -c 20000000 /dev/zero | tr "\\0" e >&2');
    expect([run.code, run.stdout.length, run.stderr === 'e'.repeat(20_000_000)]).toEqual([0, 0, true]);
  });

  it('gives the command the end of input: from a pipe, a file, nothing, and where there is none', async () => {
    const folder = await scratchFolder();
    const bytes = randomBytes(1_000_000);
    await writeFile(join(folder, 'input'), bytes);
    const sum = createHash('sha256').update(bytes).digest('hex');
    const run = await runShell(
      { state, cwd: folder },
      'cat input | $signalbox exec -- sha256sum; $signalbox exec -- sha256sum < input;' +
        '$signalbox exec -- wc -c < /dev/null; $signalbox exec -- wc -c <&-; true | $signalbox exec -- wc -c',
    );
    expect(run.stdout.toString()).toBe(`${sum}  -\n${sum}  -\n0\n0\n0\n`);
    expect(run.stderr).toBe('');
  });

  it('ends with the command although its input goes on', async () => {
    const run = startProgram({ state }, 'exec', '--', 'head', '-n', '1');
    run.child.stdin.write('first\nsecond\n');
    expect(await run.ended).toMatchObject({ code: 0, stdout: Buffer.from('first\n') });
  });

  it('writes to files', async () => {
    const folder = await scratchFolder();
    const run = await runShell({ state, cwd: folder }, '$signalbox exec -- sh -c "seq 200000; seq 9 >&2" > out 2> err');
    expect(run.code).toBe(0);
    expect((await readFile(join(folder, 'out'), 'utf8')).split('\n')).toHaveLength(200_001);
    expect(await readFile(join(folder, 'err'), 'utf8')).toBe('1\n2\n3\n4\n5\n6\n7\n8\n9\n');
  });

  it('ends the command when nobody reads its output any more, as SIGPIPE would', async () => {
    const folder = await scratchFolder();
    const pid = join(folder, 'pid');
    const script = `$signalbox exec -- sh -c 'echo $$ > ${pid}; exec yes' | head -n 2; echo "\${PIPESTATUS[0]}"`;
    const run = await runShell({ state }, script);
    expect([run.stdout.toString(), run.stderr]).toEqual(['y\ny\n141\n', '']);
    const yes = Number(await readFile(pid, 'utf8'));
    await vi.waitUntil(() => !isRunning(yes), { interval: 5, timeout: 10_000 });
  });

  it('loses nothing to a reader that is slow', async () => {
    const folder = await scratchFolder();
    const written = join(folder, 'written');
    const run = start(`head -c 30000000 /dev/urandom | tee ${written}`);
    run.child.stdout.pause();
    // Until the far end stands still.
    let before = -1;
    await vi.waitUntil(
      async () => {
        const { size } = await stat(written).catch(() => ({ size: 0 }));
        const stands = size > 0 && size === before;
        before = size;
        return stands;
      },
      { interval: 300, timeout: 15_000 },
    );
    expect(before).toBeLessThan(30_000_000);
    run.child.stdout.resume();
    const { code, stdout } = await run.ended;
    expect([code, stdout.equals(await readFile(written))]).toEqual([0, true]);
  });

  it('gives the first Ctrl-C to the command', async () => {
    const run = start('trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.01; done');
    await printed(run, /ready/);
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ code: 5, stdout: Buffer.from('ready\ncaught\n'), stderr: '' });
  });

  it('ends a command that takes no notice, with the second Ctrl-C', async () => {
    const run = start('trap "echo no" INT; echo $$; while :; do sleep 0.01; done');
    const pid = Number(await printed(run, /(\d+)\n/));
    run.child.kill('SIGINT');
    await printed(run, /no\n/);
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ code: 130, signal: null });
    await vi.waitUntil(() => !isRunning(pid), { interval: 5, timeout: 10_000 });
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('takes the command with it on %s', async (signal, code) => {
    const run = start('trap "" TERM HUP; echo $$; while :; do sleep 0.01; done');
    const pid = Number(await printed(run, /(\d+)\n/));
    run.child.kill(signal);
    expect(await run.ended).toMatchObject({ code, signal: null });
    await vi.waitUntil(() => !isRunning(pid), { interval: 5, timeout: 10_000 });
  });

  it('exits with 127 when there is no such command, and 126 when it may not be run', async () => {
    const missing = await exec('no-such-program', '--flag');
    expect(missing).toMatchObject({ code: 127, stdout: Buffer.alloc(0) });
    expect(missing.stderr).toMatch(/^signalbox: cannot start no-such-program: No such file or directory[^\n]*\n$/);
    const folder = await scratchFolder();
    await writeFile(join(folder, 'script'), '#!/bin/sh\n');
    await chmod(join(folder, 'script'), 0o644);
    const forbidden = await exec(join(folder, 'script'));
    expect(forbidden.code).toBe(126);
    expect(forbidden.stderr).toMatch(/^signalbox: cannot start \S+: Permission denied[^\n]*\n$/);
    expect((await exec(folder)).code).toBe(126);
  });

  it('runs where it is told to', async () => {
    const folder = await scratchFolder();
    const run = await runProgram({ state }, ['exec', '--cwd', folder, '--', 'pwd']);
    expect([run.code, run.stdout.toString()]).toEqual([0, `${folder}\n`]);
    const lost = await runProgram({ state }, ['exec', '--cwd', join(folder, 'nowhere'), '--', 'pwd']);
    expect(lost.code).toBe(127);
    expect(lost.stderr).toMatch(/cannot start pwd in \S+nowhere/);
  });

  it('does not hand the token to the command', async () => {
    const { token } = JSON.parse(await readFile(join(state, 'signalbox', 'up.json'), 'utf8')) as { token: string };
    const run = await runProgram({ state, env: { SIGNALBOX_TOKEN: token } }, ['exec', '--', 'env']);
    expect(run.code).toBe(0);
    expect(run.stdout.toString()).not.toContain(token);
  });

  it('exits with 255 when the executor is lost while the command runs', async () => {
    const { state: ownState, up: lostUp } = await up();
    const script = 'echo ready; exec sleep 1000';
    const run = startProgram({ state: ownState }, 'exec', '--grace', '1.5', '--', 'sh', '-c', script);
    await printed(run, /ready/);
    lostUp.child.kill('SIGKILL');
    const { code, stderr } = await run.ended;
    expect(code).toBe(255);
    expect(stderr).toMatch(/^signalbox: [^\n]+\n$/);
  });

  it('does not wait for an executor that cannot be told, when it is asked once more', async () => {
    const { state: ownState, up: lostUp } = await up();
    const run = startProgram({ state: ownState }, 'exec', '--', 'sh', '-c', 'echo ready; exec sleep 1000');
    await printed(run, /ready/);
    lostUp.child.kill('SIGKILL');
    await lostUp.ended;
    run.child.kill('SIGTERM');
    run.child.kill('SIGHUP');
    expect((await run.ended).code).toBeGreaterThanOrEqual(129);
  });

  it('runs 20 at a time', async () => {
    const runs: Running[] = Array.from({ length: 20 }, (_, n) =>
      startProgram({ state }, 'exec', '--', 'sh', '-c', `read x; echo "$x" ${n}; exit ${n}`),
    );
    for (const run of runs) run.child.stdin.end('line\n');
    const ended = await Promise.all(runs.map((run) => run.ended));
    expect(ended.map(({ code, stdout }) => [code, stdout.toString()])).toEqual(ended.map((_, n) => [n, `line ${n}\n`]));
  }, 60_000);
});

describe('signalbox exec without a way to an executor', () => {
  const fails = async (args: string[], env: Record<string, string> = {}) => {
    const state = await scratchFolder();
    const { code, stdout, stderr } = await runProgram({ state, env }, ['exec', ...args, '--', 'true']);
    expect(stdout.length).toBe(0);
    expect(stderr).toMatch(/^signalbox: [^\n]+\n$/);
    return { code, stderr };
  };

  it('says that nothing runs', async () => {
    const { code, stderr } = await fails([]);
    expect(code).toBe(255);
    expect(stderr).toContain('signalbox up');
  });

  it('says so too when `up` died without a word', async () => {
    const { up: died, state } = await startUp();
    died.child.kill('SIGKILL');
    await died.ended;
    const run = await runProgram({ state }, ['exec', '--', 'true']);
    expect([run.code, run.stderr]).toEqual([255, expect.stringContaining('signalbox up')]);
  });

  it('says that the state file is damaged', async () => {
    const state = await scratchFolder();
    await mkdir(join(state, 'signalbox'));
    await writeFile(join(state, 'signalbox', 'up.json'), '{"version":1');
    const run = await runProgram({ state }, ['exec', '--', 'true']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/^signalbox: \S+up\.json is damaged[^\n]+\n$/)]);
  });

  it('says that an address is none, or that the environment is missing', async () => {
    for (const url of ['somewhere', 'ftp://127.0.0.1', 'unix:///tmp/x']) {
      expect(await fails(['--url', url])).toMatchObject({ code: 2, stderr: expect.stringContaining('not an address') });
    }
    expect(await fails(['--url', 'http://127.0.0.1:1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--env'),
    });
    expect((await fails(['--url', 'ws://127.0.0.1:1', '--env', 'x'])).code).toBe(2);
    expect((await fails([], { SIGNALBOX_URL: 'somewhere' })).code).toBe(2);
  });

  it('says that nobody answers at an address', async () => {
    const { code, stderr } = await fails(['--url', 'ws://127.0.0.1:1/?role=harness']);
    expect(code).toBe(255);
    expect(stderr).toMatch(/ECONNREFUSED/);
    expect((await fails(['--url', 'ws://127.0.0.1:1/'])).code).toBe(255);
  });

  it('says that the token is wrong, missing, or cannot be read', async () => {
    const { url } = await up();
    const wrong = await fails(['--url', url, '--env', 'local'], { SIGNALBOX_TOKEN: 'sbx_harness_wrong' });
    expect(wrong.code).toBe(255);
    expect(wrong.stderr).toMatch(/401/);
    expect(wrong.stderr).not.toContain('sbx_harness_wrong');
    expect((await fails(['--url', url, '--env', 'local'])).stderr).toMatch(/without the token.*SIGNALBOX_TOKEN/);
    expect((await fails(['--url', url, '--env', 'local', '--token-file', '/no/such/file'])).stderr).toMatch(
      /cannot read the token file/,
    );
  });

  it('says that there is no executor for an environment', async () => {
    const { state, url } = await up();
    const create = await runProgram({ state }, ['token', 'create', '--role', 'harness', '--env', 'other']);
    const token = create.stdout.toString().trim();
    const { code, stderr } = await fails(['--url', url, '--env', 'other'], { SIGNALBOX_TOKEN: token });
    expect(code).toBe(255);
    expect(stderr).toMatch(/no executor is online/);
  });

  it('shows how it is used when it is used wrongly', async () => {
    const state = await scratchFolder();
    for (const args of [['exec'], ['exec', '--no-such', '--', 'true'], ['nothing'], []]) {
      const run = await runProgram({ state }, args);
      expect(run.code, args.join(' ')).toBe(2);
      expect(run.stderr).toMatch(/signalbox/);
    }
    expect((await runProgram({ state }, ['--version'])).stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await runProgram({ state }, ['exec', '--help'])).toMatchObject({ code: 0, stderr: '' });
  });
});
