/**
 * A real executor behind our relay, made anew for each test of a suite, with a folder of its own to work in.
 */
import { afterEach, beforeEach, expect } from 'vitest';
import type { Peer } from './codex-binary.js';
import { ENVIRONMENT_ID, type OurRelay, startOurRelay } from './our-relay.js';
import { type RealExecutor, startRemoteExecutor } from './real-executor.js';
import { makeWorkFolder } from './work-folder.js';

export interface RelayedExecutor {
  readonly relay: OurRelay;
  readonly executor: RealExecutor;
  readonly folder: Awaited<ReturnType<typeof makeWorkFolder>>;
}

/** To be called in a suite; what it returns gives those of the running test. */
export function relayedExecutor(peer: Peer): () => RelayedExecutor {
  let current: RelayedExecutor;
  beforeEach(async () => {
    const folder = await makeWorkFolder();
    const relay = await startOurRelay();
    const { registryUrl, executorToken: token } = relay;
    const executor = await startRemoteExecutor({ peer, registryUrl, environmentId: ENVIRONMENT_ID, token });
    current = { relay, executor, folder };
    await expect.poll(() => relay.executorTap.connections, { timeout: 10_000 }).toBe(1);
  });
  afterEach(async () => {
    await current.executor.stop();
    await current.relay.close();
    await current.folder.remove();
  });
  return () => current;
}
