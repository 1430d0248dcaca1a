/**
 * Rendezvous and executor as processes of their own, for tests of what a command does when one of them is lost.
 */
import { onTestFinished } from 'vitest';
import { createToken, printed, type Running, scratchFolder, startProgram, startRendezvous } from './program.js';

export interface Relay {
  readonly state: string;
  readonly url: string;
  readonly harnessToken: string;
  readonly executorToken: string;
  /** May be killed and started again at the same address. */
  rendezvous: Running;
}

/** A rendezvous that ends with the test. */
export async function startRelay(): Promise<Relay> {
  const state = await scratchFolder();
  const [harnessToken, executorToken] = [await createToken(state, 'harness'), await createToken(state, 'executor')];
  const { run, url } = await startRendezvous(state, 'http://127.0.0.1:0');
  const relay: Relay = { state, url, harnessToken, executorToken, rendezvous: run };
  onTestFinished(() => void relay.rendezvous.child.kill('SIGKILL'));
  return relay;
}

/** An executor at that registry, online. */
export async function startExecutor({ state, executorToken }: Relay, remote: string, cwd = state): Promise<Running> {
  const run = startProgram(
    { state, cwd, env: { SIGNALBOX_TOKEN: executorToken } },
    ...['executor', '--remote', remote, '--environment-id', 'box'],
  );
  await printed(run, /"online"/, 'stderr');
  return run;
}
