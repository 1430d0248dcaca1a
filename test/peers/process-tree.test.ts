import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ancestryCommand, ancestryOf, cleanEnvironment, startProgram } from './process-tree.js';

/** Where nobody reaps orphans an ended process stays as a zombie, which runs no more. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('process tree', () => {
  it('ends a program with what it started, also in sessions of their own and when it ignores SIGTERM', async () => {
    const script = 'trap "" TERM; setsid sleep 600 & echo "started $! $$"; sleep 600 & wait; wait';
    const program = await startProgram('/bin/sh', ['-c', script], { env: cleanEnvironment() });
    await expect.poll(() => program.output.stdout).toContain('started');
    const own = /started (\d+) (\d+)/.exec(program.output.stdout)?.slice(1).map(Number) as [number, number];
    expect(own[1]).toBe(program.pid);
    await program.stop(50);
    expect(await program.ended).toEqual({ exitCode: null, signal: 'SIGKILL' });
    await expect.poll(() => own.map(isAlive)).toEqual([false, false]);
  });

  it('stops a program that has ended already', async () => {
    const program = await startProgram('/bin/sh', ['-c', 'echo out; echo err >&2; exit 3'], {
      env: cleanEnvironment(),
    });
    expect(await program.ended).toEqual({ exitCode: 3, signal: null });
    expect(program.output).toEqual({ stdout: 'out\n', stderr: 'err\n' });
    await program.stop();
  });

  it('tells whose child a command is', async () => {
    const program = await startProgram('/bin/sh', ['-c', `(${ancestryCommand})`], { env: cleanEnvironment() });
    await program.ended;
    expect(ancestryOf(program.output.stdout).slice(0, 2)).toEqual([program.pid, process.pid]);
    expect(() => ancestryOf('something else')).toThrow('no ancestry');
  });

  it('rejects for a program that cannot be started', async () => {
    await expect(startProgram('/no/such/program', [], {})).rejects.toThrow('ENOENT');
  });

  it('passes no proxies, keys and settings of peers on', () => {
    process.env.SOME_API_KEY = process.env.https_proxy_of_test = process.env.CODEX_OF_TEST = 'x';
    try {
      const environment = cleanEnvironment({ CODEX_HOME: '/home' });
      expect(Object.keys(environment).filter((name) => /proxy|api_key|token|codex/i.test(name))).toEqual([
        'CODEX_HOME',
      ]);
      expect(environment.PATH).toBe(process.env.PATH);
    } finally {
      for (const name of ['SOME_API_KEY', 'https_proxy_of_test', 'CODEX_OF_TEST']) delete process.env[name];
    }
  });
});
