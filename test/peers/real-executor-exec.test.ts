/**
 * `signalbox exec` runs commands on an unmodified executor, which registered with our registry.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describePeers } from './describe-peers.js';
import { ancestryCommand, ancestryOf, cleanEnvironment, startProgram } from './process-tree.js';
import { relayedExecutor } from './relayed-executor.js';

const SIGNALBOX = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

describePeers(['0.131.0', '0.140.0'], 'signalbox exec on a real executor', (peer) => {
  const current = relayedExecutor(peer);

  /** Runs `sh -c script` there; the command line itself runs here, as its user would run it. */
  async function exec(script: string) {
    const { relay, folder } = current();
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
    expect(ancestryOf(run.stdout)).toContain(current().executor.pid);
    expect([run.exitCode, run.stderr]).toEqual([7, 'oops\n']);
  }, 30_000);

  it('asks and answers in bulk, and sends the executor nothing twice or in segments', async () => {
    // Larger than a segment of the reliable profile, smaller than what Linux takes as one argument.
    const comment = 'x'.repeat(100_000);
    const run = await exec(`head -c 3000000 /dev/zero | tr '\\0' y # ${comment}`);
    expect(run.stderr).toBe('');
    expect(run.exitCode).toBe(0);
    expect(run.stdout === 'y'.repeat(3_000_000)).toBe(true);
    const { relay } = current();
    const sent = relay.harnessTap.seen.filter(({ direction, kind }) => direction === 'toServer' && kind === 'data');
    expect(Math.max(...sent.map(({ size }) => size ?? 0))).toBeGreaterThan(comment.length);
    for (const frame of sent) expect(frame).toMatchObject({ segmentIndex: 0, segmentCount: 1 });
    for (const tap of [relay.harnessTap, relay.executorTap]) expect(tap.sentTwice()).toEqual([]);
  }, 30_000);
});
