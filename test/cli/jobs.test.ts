/**
 * Jobs left running: `exec --detach`, `ps`, `attach` and `kill` as processes of their own, against one `up`.
 */
import { describe, expect, it, vi } from 'vitest';
import { printed, runProgram, sharedUp, startProgram } from './program.js';

// Each step is a program that starts.
vi.setConfig({ testTimeout: 90_000 });

const up = sharedUp();

interface Listed {
  readonly job: string;
  readonly running: boolean;
  readonly exitCode: number | null;
  readonly attached: boolean;
}

async function startJob(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(up, ['exec', '--detach', ...args]);
  expect(code, stderr).toBe(0);
  return stdout.toString().trim();
}

async function listed(job: string): Promise<Listed | undefined> {
  const { stdout } = await runProgram(up, ['ps', '--json']);
  return (JSON.parse(stdout.toString()) as Listed[]).find((one) => one.job === job);
}

describe('a job', () => {
  it('goes on when nobody is there, and shows whoever comes back all it printed and its exit code', async () => {
    const job = await startJob('--', 'sh', '-c', 'echo one; while [ ! -e go ]; do sleep 0.05; done; echo two; exit 3');
    expect(await listed(job)).toMatchObject({ running: true, attached: false, exitCode: null });
    const attached = startProgram(up, 'attach', job.slice(0, 6));
    await printed(attached, /^(one)$/m);
    expect(await listed(job)).toMatchObject({ running: true, attached: true });
    await runProgram(up, ['exec', '--', 'touch', 'go']);
    expect(await attached.ended).toMatchObject({ code: 3, stderr: '' });
    expect(attached.stdout().toString()).toBe('one\ntwo\n');
    await runProgram(up, ['exec', '--', 'rm', 'go']);
    // Over, and still there to be seen.
    expect(await listed(job)).toMatchObject({ running: false, exitCode: 3 });
    const again = await runProgram(up, ['attach', job]);
    expect([again.code, again.stdout.toString()]).toEqual([3, 'one\ntwo\n']);
  });

  it('takes input from whoever attaches to it, and is left by a second interrupt', async () => {
    const job = await startJob(
      '-i',
      '--',
      'sh',
      '-c',
      'trap "echo interrupted" INT; read a; echo "got $a"; while ! read b; do :; done; echo "got $b"',
    );
    const first = startProgram(up, 'attach', job);
    first.child.stdin.write('hello\n');
    await printed(first, /got (hello)/);
    first.child.kill('SIGINT');
    await printed(first, /(interrupted)/);
    first.child.kill('SIGINT');
    expect((await first.ended).code).toBe(130);
    await vi.waitFor(async () => expect(await listed(job)).toMatchObject({ running: true, attached: false }), {
      timeout: 30_000,
    });
    const second = await runProgram(up, ['attach', job], 'again\n');
    expect([second.code, second.stdout.toString()]).toEqual([0, 'got hello\ninterrupted\ngot again\n']);
  });

  it('is ended by kill, by the signal it is told, also while somebody is attached', async () => {
    const [one, other] = [await startJob('--', 'sleep', '1000'), await startJob('--', 'sleep', '1000')];
    const attached = startProgram(up, 'attach', one);
    await vi.waitFor(async () => expect(await listed(one)).toMatchObject({ attached: true }), { timeout: 30_000 });
    expect(await runProgram(up, ['kill', one.slice(0, 8), other.slice(0, 8)])).toMatchObject({ code: 0 });
    expect((await attached.ended).code).toBe(143);
    expect(await listed(other)).toMatchObject({ running: false, exitCode: 143 });
    expect(await runProgram(up, ['kill', '-s', 'KILL', other])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has ended already'),
    });
  });

  it('is somebody else’s while he is attached', async () => {
    const job = await startJob('--', 'sleep', '1000');
    const first = startProgram(up, 'attach', job);
    await vi.waitFor(async () => expect(await listed(job)).toMatchObject({ attached: true }), { timeout: 30_000 });
    const second = await runProgram(up, ['attach', job]);
    expect([second.code, second.stderr]).toEqual([255, 'signalbox: somebody else is attached to this session\n']);
    await runProgram(up, ['kill', job]);
    await first.ended;
  });

  it('is listed for people too, and one that is not there is said so', async () => {
    const job = await startJob('--', 'sh', '-c', 'exit 5');
    await vi.waitFor(async () => expect(await listed(job)).toMatchObject({ running: false }), { timeout: 30_000 });
    const { stdout } = await runProgram(up, ['ps']);
    const [head, ...rows] = stdout.toString().trimEnd().split('\n');
    expect(head).toMatch(/^JOB +STATE +ATTACHED +AGE +COMMAND$/);
    expect(rows.find((row) => row.startsWith(job.slice(0, 8)))).toMatch(/^\w{8} +exited 5 +no +\d+s +sh$/);
    for (const command of ['attach', 'kill']) {
      expect(await runProgram(up, [command, 'ffffffff'])).toMatchObject({
        code: 1,
        stderr: 'signalbox: there is no job ffffffff; see: signalbox ps\n',
      });
    }
    expect((await runProgram(up, ['kill', '-s', 'NOSUCH', job])).code).toBe(2);
  });
});
