/**
 * Our rendezvous with one environment, and a tap without faults before each side of it: what the harness and the
 * executor really sent can be looked at, whoever they are.
 */

import { silentLog } from '../../src/observe/log.js';
import { type Rendezvous, startRendezvous } from '../../src/rendezvous/rendezvous.js';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import { MemoryTokenStore } from '../../src/rendezvous/token-store.js';
import { type FaultyProxy, type SeenFrame, startFaultyProxy } from '../stand-ins/faulty-proxy.js';

export const ENVIRONMENT_ID = 'box1';

export interface OurRelay {
  /** What `--remote` wants; leads through {@link executorTap}. */
  readonly registryUrl: string;
  readonly executorToken: string;
  /** What `CODEX_EXEC_SERVER_URL` wants; leads through {@link harnessTap}. */
  readonly harnessUrl: string;
  /** What our own ends need to find the executor and speak Noise to it; leads through {@link harnessTap}. */
  readonly registry: { readonly url: string; readonly environmentId: string; readonly token: string };
  /** The same for a harness of a release; the URL it asks and the one it is told lead through {@link harnessTap}. */
  readonly harnessNoiseVariables: Readonly<Record<string, string>>;
  /** `toServer` is what the executor sent. */
  readonly executorTap: FaultyProxy;
  /** `toServer` is what the harness sent. */
  readonly harnessTap: FaultyProxy;
  /** Ends the rendezvous and starts another on its port, which knows nothing of registrations and tickets. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startOurRelay(): Promise<OurRelay> {
  const tokens = new MemoryTokenStore();
  const start = (listen: string) => startRendezvous({ listen, tokens, log: silentLog });
  let rendezvous: Rendezvous = await start('http://127.0.0.1:0');
  const tap = () => startFaultyProxy({ target: rendezvous.url, seed: 0, keepPayloads: true });
  const [executorTap, harnessTap] = await Promise.all([tap(), tap()]);
  const harnessToken = tokens.create('harness', ENVIRONMENT_ID).token;
  return {
    registryUrl: executorTap.through(rendezvous.url).replace(/\/$/, ''),
    executorToken: tokens.create('executor', ENVIRONMENT_ID).token,
    registry: { url: harnessTap.through(rendezvous.url), environmentId: ENVIRONMENT_ID, token: harnessToken },
    harnessUrl: harnessTap.through(harnessUrl(rendezvous.url, ENVIRONMENT_ID, harnessToken)),
    harnessNoiseVariables: {
      CODEX_EXEC_SERVER_NOISE_REGISTRY_URL: harnessTap.through(rendezvous.url),
      CODEX_EXEC_SERVER_NOISE_ENVIRONMENT_ID: ENVIRONMENT_ID,
      CODEX_EXEC_SERVER_NOISE_AUTH_TOKEN: harnessToken,
    },
    executorTap,
    harnessTap,
    async restart() {
      await rendezvous.close();
      rendezvous = await start(rendezvous.url);
    },
    async close() {
      await Promise.all([executorTap.close(), harnessTap.close()]);
      await rendezvous.close();
    },
  };
}

/** The JSON-RPC messages of the frames that went one way. */
export function messagesIn(seen: readonly SeenFrame[], direction: SeenFrame['direction']): Record<string, unknown>[] {
  return seen.flatMap((frame) => {
    if (frame.direction !== direction || frame.payload === undefined) return [];
    return [JSON.parse(Buffer.from(frame.payload).toString('utf8')) as Record<string, unknown>];
  });
}

/** Methods called or notified in these messages, in order, each once. */
export function methodsIn(messages: readonly Record<string, unknown>[]): string[] {
  return [...new Set(messages.flatMap(({ method }) => (typeof method === 'string' ? method : [])))];
}
