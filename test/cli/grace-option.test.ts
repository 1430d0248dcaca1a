import { describe, expect, it } from 'vitest';
import { parseGrace } from '../../src/cli/grace-option.js';
import { printed, runProgram, scratchFolder, startProgram } from './program.js';

describe('--grace', () => {
  it.each([
    ['60', 60_000],
    ['60s', 60_000],
    ['1.5', 1500],
    ['0.001s', 1],
    ['0', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseGrace(text)).toBe(ms);
  });

  it.each(['', 's', '-1', '1e3', '60ms', '1234567', '1.2345', ' 5', '5 s', 'Infinity'])('%j is refused', (text) => {
    expect(() => parseGrace(text)).toThrow('expected a number of seconds, e.g. 60 or 1.5s.');
  });

  it('of an executor is how long its streams wait for their harness', async () => {
    const state = await scratchFolder();
    const token = async (role: string) => {
      const made = await runProgram({ state }, ['token', 'create', '--role', role, '--env', 'box']);
      return { SIGNALBOX_TOKEN: made.stdout.toString().trim() };
    };
    const [ofExecutor, ofHarness] = [await token('executor'), await token('harness')];
    const relay = startProgram({ state }, 'rendezvous', '--listen', 'http://127.0.0.1:0', '--log-level', 'silent');
    const url = await printed(relay, /listens on (\S+);/);
    const executor = startProgram(
      { state, env: ofExecutor },
      ...['executor', '--remote', url, '--environment-id', 'box', '--grace', '1.5s', '--log-level', 'debug'],
    );
    await printed(executor, /"msg":"(online)"/, 'stderr');
    const job = startProgram(
      { state, env: ofHarness },
      ...['exec', '--url', url, '--env', 'box', '--', 'sh', '-c', 'echo ready; exec sleep 1000'],
    );
    await printed(job, /(ready)/);
    job.child.kill('SIGKILL');
    relay.child.kill('SIGKILL');
    // Without the option it would wait longer than this test may take.
    await printed(executor, /"reason":"(resume_expired)"/, 'stderr');
  });

  it('of an executor without a relay is refused, for nothing would wait', async () => {
    const state = await scratchFolder();
    const run = await runProgram({ state }, ['executor', '--listen', 'ws://127.0.0.1:0', '--grace', '5']);
    expect([run.code, run.stderr]).toEqual([2, expect.stringMatching(/--grace is for streams of a relay/)]);
  });
});
