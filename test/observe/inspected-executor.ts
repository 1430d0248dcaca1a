/**
 * An executor behind a rendezvous with an inspector, all in this process, so that a test can reach into its actors.
 */
import { onTestFinished } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { connectionActorId } from '../../machines/executor.machine.js';
import { createExecutor } from '../../src/executor/executor.js';
import { serveRelay } from '../../src/executor/executor-relay.js';
import { connect } from '../../src/harness/connect.js';
import { type Inspector, startInspector } from '../../src/observe/inspector.js';
import { Observation } from '../../src/observe/observation.js';
import type { Faults } from '../../src/rendezvous/faults.js';
import { startRendezvous } from '../../src/rendezvous/rendezvous.js';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import { MemoryTokenStore } from '../../src/rendezvous/token-store.js';

const ENVIRONMENT = 'box1';

export interface InspectedExecutor {
  readonly inspector: Inspector;
  readonly observation: Observation;
  /** Of the harness's socket, with its token. */
  readonly url: string;
  readonly tokens: { readonly harness: string; readonly executor: string };
  /** The actors of its streams, oldest first. */
  streams(): AnyActorRef[];
  connect(): ReturnType<typeof connect>;
}

export async function inspectedExecutor(
  options: { readonly faults?: Faults; readonly stately?: boolean } = {},
): Promise<InspectedExecutor> {
  const { faults, stately = false } = options;
  const tokens = new MemoryTokenStore();
  const rendezvous = await startRendezvous({
    listen: 'http://127.0.0.1:0',
    tokens,
    ...(faults === undefined ? {} : { faults }),
  });
  const harness = tokens.create('harness', ENVIRONMENT).token;
  const bearerToken = tokens.create('executor', ENVIRONMENT).token;
  const observation = new Observation();
  const inspector = await startInspector({ observation, stately });
  const executor = createExecutor({ observation });
  const relay = serveRelay(executor, {
    relay: 'either',
    observation,
    remote: rendezvous.url,
    environmentId: ENVIRONMENT,
    bearerToken,
  });
  await relay.online();
  onTestFinished(async () => {
    await relay.drain();
    await executor.drain();
    await inspector.close();
    await rendezvous.close();
  });
  const url = harnessUrl(rendezvous.url, ENVIRONMENT, harness);
  return {
    inspector,
    observation,
    url,
    tokens: { harness, executor: bearerToken },
    streams() {
      const { children } = executor.actor.getSnapshot() as { readonly children: Record<string, AnyActorRef> };
      const connection = children[connectionActorId(ENVIRONMENT)];
      const streams: Record<string, AnyActorRef> = connection?.getSnapshot().children ?? {};
      return Object.values(streams).filter(({ id }) => id.startsWith('stream:'));
    },
    connect: async () => {
      const session = await connect({ url });
      onTestFinished(() => session.close());
      return session;
    },
  };
}
