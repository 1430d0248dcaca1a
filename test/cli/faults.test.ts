/**
 * Faults on demand as a person has them: `signalbox up --faults …` and `signalbox exec` as processes.
 */
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { printed, runProgram, scratchFolder, startProgram, startUp } from './program.js';

const MIB = 1024 * 1024;
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function upWith(faults: string, level = 'silent') {
  const running = await startUp({ args: ['--faults', faults, '--log-level', level] });
  onTestFinished(async () => {
    running.up.child.kill('SIGTERM');
    await running.up.ended;
  });
  return running;
}

describe('signalbox up --faults', () => {
  it('says loudly what it does, and how to have the same again', async () => {
    const { up } = await upWith('delay=1ms+-1,drop=0.5%,seed=7');
    expect(up.stderr()).toBe(
      'signalbox: FAULTS ARE ON, FOR STUDY ONLY: streams of releases are only delayed and cut, because a release hangs on a lost frame.\n' +
        'signalbox: the same again: --faults drop=0.5%,delay=1ms±1,seed=7\n',
    );
    const { up: seedless } = await upWith('drop=1%');
    expect(seedless.stderr()).toMatch(/the same again: --faults drop=1%,seed=\d+\n$/);
  });

  it('harms neither bytes nor exit codes, with everything at once', { timeout: 120_000 }, async () => {
    const { state, up } = await upWith('drop=5%,dup=5%,reorder=3,delay=20ms±10,cut=2s,seed=7', 'info');
    const input = randomBytes(3 * MIB);
    // Prints for six seconds after all of it went there and back, and no socket in use lives longer than three.
    const lines = 'n=1; while [ $n -le 60 ]; do echo "line $n"; n=$((n+1)); sleep 0.1; done';
    const run = await runProgram({ state }, ['exec', '--', 'sh', '-c', `cat; ${lines}; exit 3`], input);
    const expected = Buffer.concat([input, ...Array.from({ length: 60 }, (_, n) => Buffer.from(`line ${n + 1}\n`))]);
    expect({ ...run, stdout: sha256(run.stdout) }).toEqual({
      code: 3,
      signal: null,
      stdout: sha256(expected),
      stderr: '',
    });
    const cuts = (role: string) => up.stderr().split(`"msg":"${role} gone"`).length - 1;
    expect(Math.min(cuts('executor'), cuts('harness'))).toBeGreaterThanOrEqual(2);
  });

  it('refuses what it cannot do, before anything listens', async () => {
    const run = await runProgram({ state: await scratchFolder() }, ['up', '--faults', 'drop=200%']);
    expect([run.code, run.stdout.toString()]).toEqual([2, '']);
    expect(run.stderr).toMatch(/drop=200%: expected at most 100%, e\.g\. drop=2%\./);
  });
});

describe('signalbox rendezvous --faults', () => {
  it('says so too', async () => {
    const args = ['rendezvous', '--listen', 'http://127.0.0.1:0', '--log-level', 'silent', '--faults', 'cut=5s,seed=1'];
    const run = startProgram({ state: await scratchFolder() }, ...args);
    await printed(run, /listens on (\S+);/);
    expect(run.stderr()).toMatch(/FAULTS ARE ON, FOR STUDY ONLY[^\n]+\n[^\n]+--faults cut=5000ms,seed=1\n$/);
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
  });
});
