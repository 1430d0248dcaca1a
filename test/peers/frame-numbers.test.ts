/**
 * Every release counts its frames from 0, one by one, in both roles: so of a peer that counts, a number that never
 * comes is a frame that was lost (docs/decisions/0004-cleartext-peers.md).
 */
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runExecutor } from '../../src/executor/run-executor.js';
import { connect } from '../../src/harness/connect.js';
import type { FaultyProxy } from '../stand-ins/faulty-proxy.js';
import { MATRIX_VERSIONS } from './codex-binary.js';
import { describePeers } from './describe-peers.js';
import { ENVIRONMENT_ID, type OurRelay, startOurRelay } from './our-relay.js';
import { type RealExecutor, startRemoteExecutor } from './real-executor.js';
import { runRealHarness } from './real-harness.js';
import { applyPatch, execCommand, finalMessage, simultaneously } from './scripted-model.js';
import { makeWorkFolder } from './work-folder.js';

let relay: OurRelay;
let folder: Awaited<ReturnType<typeof makeWorkFolder>>;

beforeEach(async () => {
  folder = await makeWorkFolder();
  relay = await startOurRelay();
});
afterEach(async () => {
  await relay.close();
  await folder.remove();
});

/** The numbers of the data frames a peer sent, for each of its streams, in the order they left. */
function numbersSent(tap: FaultyProxy): number[][] {
  const streams = new Map<string, number[]>();
  for (const { direction, kind, connection, streamId, seq = 0 } of tap.seen) {
    if (direction !== 'toServer' || kind !== 'data') continue;
    const key = `${connection} ${streamId}`;
    streams.set(key, [...(streams.get(key) ?? []), seq]);
  }
  return [...streams.values()];
}

function expectCounted(tap: FaultyProxy, least: number): void {
  const streams = numbersSent(tap);
  expect(streams.flat().length).toBeGreaterThan(least);
  for (const numbers of streams) expect(numbers).toEqual(numbers.map((_, index) => index));
}

describePeers(['0.131.0', '0.140.0'], 'a real executor', (peer) => {
  let executor: RealExecutor;
  afterEach(() => executor.stop());

  it('counts its frames, with several streams and processes that print at once', async () => {
    const { registryUrl, executorToken: token } = relay;
    executor = await startRemoteExecutor({ peer, registryUrl, environmentId: ENVIRONMENT_ID, token });
    await expect.poll(() => relay.executorTap.connections, { timeout: 10_000 }).toBe(1);
    const use = async () => {
      await using harness = await connect({ url: relay.harnessUrl });
      const script = 'for n in $(seq 100); do echo out $n; echo err $n >&2; done';
      const run = async () => {
        const child = await harness.startProcess({ argv: ['/bin/sh', '-c', script], cwd: folder.path });
        await Promise.all([text(child.stdout), text(child.stderr), child.closed]);
      };
      await Promise.all([run(), run(), run()]);
    };
    await Promise.all([use(), use()]);
    expectCounted(relay.executorTap, 30);
    expect(numbersSent(relay.executorTap)).toHaveLength(2);
  }, 30_000);
});

describePeers(MATRIX_VERSIONS, 'a real harness', (peer) => {
  const leaving = new AbortController();
  let ended: Promise<void>;
  afterEach(async () => {
    leaving.abort();
    await ended;
  });

  it('counts its frames, with calls at once', async () => {
    const { registryUrl: remote, executorToken: bearerToken } = relay;
    const { signal } = leaving;
    ended = runExecutor({ remote, environmentId: ENVIRONMENT_ID, bearerToken, relay: 'cleartext', signal });
    await expect.poll(() => relay.executorTap.connections, { timeout: 10_000 }).toBe(1);
    const patch = '*** Begin Patch\n*** Add File: note.txt\n+a line\n*** End Patch';
    await runRealHarness({
      peer,
      execServerUrl: relay.harnessUrl,
      workFolder: folder.path,
      script: [
        simultaneously(execCommand('seq 1000'), execCommand('seq 2000')),
        applyPatch(patch),
        execCommand('cat note.txt'),
        finalMessage('done'),
      ],
    });
    expectCounted(relay.harnessTap, 6);
  }, 60_000);
});
