/**
 * Our executor behind our rendezvous, all in this process and on loopback, with a proxy before each side of the
 * rendezvous when the network is to be bad. The harness is what the test brings.
 */
import { type RunExecutorOptions, runExecutor } from '../../src/executor/run-executor.js';
import type { Logger } from '../../src/observe/log.js';
import type { RegistryAddress } from '../../src/registry/registry-call.js';
import { startRendezvous } from '../../src/rendezvous/rendezvous.js';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import { MemoryTokenStore } from '../../src/rendezvous/token-store.js';
import type { Faults } from '../stand-ins/faulty-lane.js';
import { type FaultyProxy, startFaultyProxy } from '../stand-ins/faulty-proxy.js';

const ENVIRONMENT_ID = 'box1';

export interface RelayedExecutorOptions {
  /** Befall every frame four times: both ways, before and behind the rendezvous. */
  readonly faults?: Faults;
  readonly seed?: number;
  readonly executor?: Partial<RunExecutorOptions>;
  readonly log?: Logger;
}

export interface RelayedExecutor {
  /** Of the registry, as a harness reaches it; for streams that are encrypted. */
  readonly registry: RegistryAddress;
  /** In the clear, with the harness's token in it. */
  readonly url: string;
  /** The same without the token. */
  readonly openUrl: string;
  readonly harnessToken: string;
  readonly executorToken: string;
  /** `toServer` is what the harness sent. */
  readonly harnessProxy: FaultyProxy;
  /** `toServer` is what the executor sent. */
  readonly executorProxy: FaultyProxy;
  /** Ends the executor alone; resolves when it has. */
  stopExecutor(): Promise<void>;
  close(): Promise<void>;
}

export async function startRelayedExecutor(options: RelayedExecutorOptions = {}): Promise<RelayedExecutor> {
  const { faults = {}, seed = 1, log } = options;
  const tokens = new MemoryTokenStore();
  const rendezvous = await startRendezvous({ listen: 'http://127.0.0.1:0', tokens, ...(log ? { log } : {}) });
  const proxy = (ownSeed: number) =>
    startFaultyProxy({ target: rendezvous.url, seed: ownSeed, toServer: faults, toClient: faults });
  const [harnessProxy, executorProxy] = await Promise.all([proxy(seed), proxy(seed + 1)]);
  const harnessToken = tokens.create('harness', ENVIRONMENT_ID).token;
  const executorToken = tokens.create('executor', ENVIRONMENT_ID).token;
  const leaving = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  await new Promise<void>((onOnline, reject) => {
    ended = runExecutor({
      remote: executorProxy.through(rendezvous.url),
      environmentId: ENVIRONMENT_ID,
      bearerToken: executorToken,
      // Which it is, is for the harness to say.
      relay: 'either',
      signal: leaving.signal,
      onOnline,
      ...(log ? { log } : {}),
      ...options.executor,
    });
    ended.catch(reject);
  });
  const stopExecutor = () => {
    leaving.abort();
    return ended;
  };
  return {
    registry: {
      remote: harnessProxy.through(rendezvous.url),
      environmentId: ENVIRONMENT_ID,
      bearerToken: harnessToken,
    },
    url: harnessProxy.through(harnessUrl(rendezvous.url, ENVIRONMENT_ID, harnessToken)),
    openUrl: harnessProxy.through(harnessUrl(rendezvous.url, ENVIRONMENT_ID)),
    harnessToken,
    executorToken,
    harnessProxy,
    executorProxy,
    stopExecutor,
    async close() {
      await stopExecutor();
      await Promise.all([harnessProxy.close(), executorProxy.close()]);
      await rendezvous.close();
    },
  };
}
