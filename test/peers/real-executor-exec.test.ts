/**
 * `signalbox exec` runs commands on an unmodified executor, which registered with our registry.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describePeers } from './describe-peers.js';
import { ENVIRONMENT_ID, type OurRelay, startOurRelay } from './our-relay.js';
import { ancestryCommand, ancestryOf, cleanEnvironment, startProgram } from './process-tree.js';
import { type RealExecutor, startRemoteExecutor } from './real-executor.js';
import { makeWorkFolder } from './work-folder.js';

const SIGNALBOX = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

describePeers(['0.131.0', '0.140.0'], 'signalbox exec on a real executor', (peer) => {
  let relay: OurRelay;
  let executor: RealExecutor;
  let folder: Awaited<ReturnType<typeof makeWorkFolder>>;

  beforeEach(async () => {
    folder = await makeWorkFolder();
    relay = await startOurRelay();
    const { registryUrl, executorToken: token } = relay;
    executor = await startRemoteExecutor({ peer, registryUrl, environmentId: ENVIRONMENT_ID, token });
    await expect.poll(() => relay.executorTap.connections, { timeout: 10_000 }).toBe(1);
  });
  afterEach(async () => {
    await executor.stop();
    await relay.close();
    await folder.remove();
  });

  /** Runs `sh -c script` there; the command line itself runs here, as its user would run it. */
  async function exec(script: string) {
    const env = cleanEnvironment({ SIGNALBOX_URL: relay.harnessUrl, XDG_STATE_HOME: join(folder.path, 'state') });
    const args = ['--import', 'tsx', SIGNALBOX, 'exec', '--', 'sh', '-c', script];
    const program = await startProgram(process.execPath, args, { env });
    try {
      const { exitCode } = await program.ended;
      return { exitCode, ...program.output };
    } finally {
      await program.stop();
    }
  }

  it('passes output and exit code through', async () => {
    const run = await exec(`${ancestryCommand}; echo oops >&2; exit 7`);
    expect(ancestryOf(run.stdout)).toContain(executor.pid);
    expect([run.exitCode, run.stderr]).toEqual([7, 'oops\n']);
  }, 30_000);

  it('asks and answers in bulk, and sends the executor nothing twice or in segments', async () => {
    // Larger than a segment of the reliable profile, smaller than what Linux takes as one argument.
    const comment = 'x'.repeat(100_000);
    const run = await exec(`head -c 3000000 /dev/zero | tr '\\0' y # ${comment}`);
    expect(run.stderr).toBe('');
    expect(run.exitCode).toBe(0);
    expect(run.stdout === 'y'.repeat(3_000_000)).toBe(true);
    const sent = relay.harnessTap.seen.filter(({ direction, kind }) => direction === 'toServer' && kind === 'data');
    expect(Math.max(...sent.map(({ size }) => size ?? 0))).toBeGreaterThan(comment.length);
    for (const frame of sent) expect(frame).toMatchObject({ segmentIndex: 0, segmentCount: 1 });
    for (const tap of [relay.harnessTap, relay.executorTap]) expect(tap.sentTwice()).toEqual([]);
  }, 30_000);
});
