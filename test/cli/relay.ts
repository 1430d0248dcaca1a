/**
 * Rendezvous and executor as processes of their own, for tests of what a command does when one of them is lost.
 */
import { onTestFinished } from 'vitest';
import { printed, type Running, runProgram, scratchFolder, startProgram } from './program.js';

export interface Relay {
  readonly state: string;
  readonly url: string;
  readonly harnessToken: string;
  readonly executorToken: string;
}

/** A rendezvous that ends with the test. */
export async function startRelay(): Promise<Relay> {
  const state = await scratchFolder();
  const [harnessToken, executorToken] = [await token(state, 'harness'), await token(state, 'executor')];
  const args = ['rendezvous', '--listen', 'http://127.0.0.1:0', '--log-level', 'silent'];
  const run = startProgram({ state, lasting: true }, ...args);
  onTestFinished(() => void run.child.kill('SIGKILL'));
  return { state, url: await printed(run, /listens on (http:\/\/127\.0\.0\.1:\d+);/), harnessToken, executorToken };
}

/** An executor at that registry, online, in that folder. */
export async function startExecutor({ state, executorToken }: Relay, remote: string, cwd: string): Promise<Running> {
  const run = startProgram(
    { state, cwd, env: { SIGNALBOX_TOKEN: executorToken } },
    ...['executor', '--remote', remote, '--environment-id', 'box'],
  );
  await printed(run, /"online"/, 'stderr');
  return run;
}

async function token(state: string, role: string): Promise<string> {
  const made = await runProgram({ state }, ['token', 'create', '--role', role, '--env', 'box']);
  return made.stdout.toString().trim();
}
