/**
 * An unmodified executor registers with our registry and does its work through our rendezvous.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connect } from '../../src/harness/connect.js';
import { describePeers } from './describe-peers.js';
import { ENVIRONMENT_ID, type OurRelay, startOurRelay } from './our-relay.js';
import { ancestryCommand, ancestryOf } from './process-tree.js';
import { type RealExecutor, startRemoteExecutor } from './real-executor.js';
import { runRealHarness } from './real-harness.js';
import { applyPatch, execCommand, finalMessage } from './scripted-model.js';
import { makeWorkFolder } from './work-folder.js';

describePeers(['0.131.0', '0.140.0'], 'a real executor behind our rendezvous', (peer) => {
  let relay: OurRelay;
  let folder: Awaited<ReturnType<typeof makeWorkFolder>>;
  const executors: RealExecutor[] = [];

  beforeEach(async () => {
    folder = await makeWorkFolder();
    relay = await startOurRelay();
  });
  afterEach(async () => {
    await Promise.all(executors.splice(0).map((executor) => executor.stop()));
    await relay.close();
    await folder.remove();
  });

  async function start(token = relay.executorToken, environmentId = ENVIRONMENT_ID): Promise<RealExecutor> {
    const executor = await startRemoteExecutor({ peer, registryUrl: relay.registryUrl, environmentId, token });
    executors.push(executor);
    return executor;
  }

  async function online(): Promise<RealExecutor> {
    const started = await start();
    await expect.poll(() => relay.executorTap.connections, { timeout: 10_000 }).toBe(1);
    return started;
  }

  it('serves a real harness of its own release', async () => {
    const { pid } = await online();
    const run = await runRealHarness({
      peer,
      execServerUrl: relay.harnessUrl,
      workFolder: folder.path,
      script: [
        execCommand(ancestryCommand),
        applyPatch('*** Begin Patch\n*** Add File: note.txt\n+a line\n*** End Patch'),
        execCommand('cat note.txt; exit 7'),
        finalMessage('done'),
      ],
    });
    const ancestry = ancestryOf(run.outputs[0]?.text ?? '');
    expect(ancestry).toContain(pid);
    expect(ancestry).not.toContain(run.pid);
    expect(run.outputs[2]?.text).toMatch(/code:? 7\b.*a line/s);
    expect(await readFile(join(folder.path, 'note.txt'), 'utf8')).toBe('a line\n');
    // The rendezvous adds nothing and loses nothing, except what is under way when the harness leaves without a word.
    const headers = (tap: OurRelay['harnessTap'], direction: 'toServer' | 'toClient') =>
      tap.seen.filter((frame) => frame.direction === direction).map(({ kind, seq, size }) => ({ kind, seq, size }));
    const toHarness = headers(relay.harnessTap, 'toClient');
    expect(toHarness.length).toBeGreaterThan(10);
    expect(toHarness).toEqual(headers(relay.executorTap, 'toServer').slice(0, toHarness.length));
    const toExecutor = headers(relay.executorTap, 'toClient').filter(({ kind }) => kind !== 'reset');
    expect(toExecutor.length).toBeGreaterThan(10);
    expect(toExecutor).toEqual(headers(relay.harnessTap, 'toServer').slice(0, toExecutor.length));
    // When the harness has gone its stream is reset, or its session would stay attached for ever.
    await expect.poll(() => headers(relay.executorTap, 'toClient').at(-1)?.kind).toBe('reset');
  }, 60_000);

  it('serves our client library, which sends it nothing twice or in segments', async () => {
    const { pid } = await online();
    await using harness = await connect({ url: relay.harnessUrl });
    const shell = async (script: string) => {
      const child = await harness.startProcess({ argv: ['/bin/sh', '-c', script], cwd: folder.path });
      const [stdout, stderr, { exitCode }] = await Promise.all([text(child.stdout), text(child.stderr), child.closed]);
      return { stdout, stderr, exitCode };
    };
    const first = await shell(`${ancestryCommand}; echo oops >&2; exit 7`);
    expect(ancestryOf(first.stdout)).toContain(pid);
    expect(first).toMatchObject({ stderr: 'oops\n', exitCode: 7 });
    // Larger than a segment of the reliable profile, smaller than what Linux takes as one argument.
    const comment = 'x'.repeat(100_000);
    const [bulk, other] = await Promise.all([
      shell(`head -c 3000000 /dev/zero | tr '\\0' y # ${comment}`),
      shell('echo aside'),
    ]);
    expect(bulk.stdout === 'y'.repeat(3_000_000)).toBe(true);
    expect([bulk.exitCode, other.stdout]).toEqual([0, 'aside\n']);
    await harness.files.writeFile(join(folder.path, 'note.txt'), Buffer.from('a line\n'));
    expect(await readFile(join(folder.path, 'note.txt'), 'utf8')).toBe('a line\n');
    const sent = relay.harnessTap.seen.filter(({ direction, kind }) => direction === 'toServer' && kind === 'data');
    expect(Math.max(...sent.map(({ size }) => size ?? 0))).toBeGreaterThan(comment.length);
    for (const frame of sent) expect(frame).toMatchObject({ segmentIndex: 0, segmentCount: 1 });
    for (const tap of [relay.harnessTap, relay.executorTap]) expect(tap.sentTwice()).toEqual([]);
  }, 30_000);

  it('comes back after its socket was cut, and serves again', async () => {
    await online();
    relay.executorTap.cut();
    await expect.poll(() => relay.executorTap.connections, { timeout: 10_000 }).toBe(2);
    const run = await runRealHarness({
      peer,
      execServerUrl: relay.harnessUrl,
      workFolder: folder.path,
      script: [execCommand('echo still here'), finalMessage('done')],
    });
    expect(run.outputs[0]?.text).toContain('still here');
  }, 60_000);

  it('is told what is wrong with its token or its environment', async () => {
    const wrongToken = await start('sbx_executor_wrong');
    expect((await wrongToken.ended).exitCode).toBe(1);
    expect(wrongToken.output.stderr).toMatch(/authentication failed \(401.*this token is not known here/);
    const wrongEnvironment = await start(relay.executorToken, 'another');
    expect((await wrongEnvironment.ended).exitCode).toBe(1);
    expect(wrongEnvironment.output.stderr).toMatch(/authentication failed \(403.*another environment/);
  });
});
