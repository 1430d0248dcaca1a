/**
 * Sessions on unmodified executors that outlive their transport: our client library opens another stream, resumes the
 * session, and reads back what was printed meanwhile. Releases repeat nothing by themselves.
 */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type ConnectOptions, connect } from '../../src/harness/connect.js';
import { NOISE_RELEASES } from '../noise/noise-releases.js';
import { type FaultyProxy, startFaultyProxy } from '../stand-ins/faulty-proxy.js';
import type { PeerVersion } from './codex-binary.js';
import { describePeers } from './describe-peers.js';
import { ENVIRONMENT_ID, type OurRelay, startOurRelay } from './our-relay.js';
import { type RealExecutor, startListeningExecutor, startRemoteExecutor } from './real-executor.js';
import { makeWorkFolder } from './work-folder.js';

const LINES = Array.from({ length: 300 }, (_, n) => `line ${n + 1}\n`).join('');
/** Prints half, waits for the test, prints the rest. */
const SCRIPT =
  'for n in $(seq 150); do echo line $n; done; while [ ! -e go ]; do sleep 0.02; done;' +
  'for n in $(seq 151 300); do echo line $n; done; exit 6';

let folder: Awaited<ReturnType<typeof makeWorkFolder>>;
let executor: RealExecutor;

beforeEach(async () => {
  folder = await makeWorkFolder();
});
afterEach(async () => {
  await executor.stop();
  await folder.remove();
});

/** Runs the script; its transport is lost after the first half, and its rest is printed before there is another. */
async function runThroughLoss(address: ConnectOptions, proxy: FaultyProxy): Promise<void> {
  await using harness = await connect(address);
  const session = harness.sessionId;
  const child = await harness.startProcess({ argv: ['/bin/sh', '-c', SCRIPT], cwd: folder.path });
  const reading = text(child.stdout);
  await vi.waitUntil(() => child.lastSeq > 0, { interval: 5, timeout: 10_000 });
  proxy.refuse(true);
  proxy.cut();
  await vi.waitUntil(() => harness.isRecovering, { interval: 5, timeout: 10_000 });
  await appendFile(join(folder.path, 'go'), '');
  proxy.refuse(false);
  expect(await child.closed).toEqual({ exitCode: 6 });
  expect(await reading).toBe(LINES);
  expect(harness.sessionId).toBe(session);
  // The session goes on, and its ids are still taken.
  const again = await harness.startProcess({ argv: ['/bin/echo', 'again'], cwd: folder.path });
  expect(await text(again.stdout)).toBe('again\n');
}

interface Road {
  readonly name: string;
  readonly versions: readonly PeerVersion[];
  readonly address: (relay: OurRelay) => ConnectOptions;
}

const ROADS: readonly Road[] = [
  { name: 'in the clear', versions: ['0.131.0', '0.140.0'], address: ({ harnessUrl: url }) => ({ url }) },
  { name: 'encrypted', versions: NOISE_RELEASES, address: ({ registry }) => registry },
];

for (const { name, versions, address } of ROADS) {
  describePeers(versions, `a session on a real executor behind our rendezvous, ${name},`, (peer) => {
    let relay: OurRelay;

    beforeEach(async () => {
      relay = await startOurRelay();
      const { registryUrl, executorToken: token } = relay;
      executor = await startRemoteExecutor({ peer, registryUrl, environmentId: ENVIRONMENT_ID, token });
      await expect.poll(() => relay.executorTap.connections, { timeout: 10_000 }).toBe(1);
    });
    afterEach(() => relay.close());

    it('outlives the stream of its harness, and the executor is sent nothing twice', async () => {
      await runThroughLoss(address(relay), relay.harnessTap);
      expect(relay.harnessTap.sentTwice()).toEqual([]);
    }, 30_000);

    it('outlives the connection of its executor', async () => {
      await runThroughLoss(address(relay), relay.executorTap);
    }, 30_000);
  });
}

describePeers(['0.140.0', '0.169.0'], 'a session on a real executor that listens', (peer) => {
  it('outlives the connection of its client', async () => {
    const listening = await startListeningExecutor({ peer });
    executor = listening;
    const proxy = await startFaultyProxy({ target: listening.url, seed: 1 });
    await runThroughLoss({ url: proxy.url }, proxy);
    await proxy.close();
  }, 30_000);
});
