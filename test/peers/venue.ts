/**
 * Our executor where a real harness can reach it: on a plain WebSocket of its own, or over our relay, in the clear or
 * encrypted. Between the two stands a proxy that can cut the connection; what was asked it has seen, or the executor.
 */
import { createExecutor, type Executor } from '../../src/executor/executor.js';
import { serveRelay } from '../../src/executor/executor-relay.js';
import { runExecutor } from '../../src/executor/run-executor.js';
import { type FaultyProxy, startFaultyProxy } from '../stand-ins/faulty-proxy.js';
import { ENVIRONMENT_ID, messagesIn, type OurRelay, startOurRelay } from './our-relay.js';

export interface Venue {
  /** `CODEX_EXEC_SERVER_URL` */
  readonly url: string;
  /** What else must be in the environment of a harness. */
  readonly env: Readonly<Record<string, string>>;
  /** JSON-RPC messages from the harness so far. */
  asked(): Record<string, unknown>[];
  /** Harness connections so far. */
  readonly connections: number;
  /** Ends the harness's connection without a word. */
  cut(): void;
  close(): Promise<void>;
}

export async function startPlainVenue(): Promise<Venue> {
  const leaving = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  const target = await new Promise<string>((onListening, reject) => {
    ended = runExecutor({ listen: [{ host: '127.0.0.1', port: 0 }], onListening, signal: leaving.signal });
    ended.catch(reject);
  });
  const tap = await startFaultyProxy({ target, seed: 0, keepPayloads: true });
  return venue(
    tap,
    tap.url,
    () => textsOf(tap),
    async () => {
      await tap.close();
      leaving.abort();
      await ended;
    },
  );
}

export async function startRelayVenue(): Promise<Venue> {
  const relay = await startOurRelay();
  const leaving = new AbortController();
  const ended = runExecutor({
    remote: relay.registryUrl,
    environmentId: ENVIRONMENT_ID,
    bearerToken: relay.executorToken,
    relay: 'cleartext',
    signal: leaving.signal,
  });
  const { harnessTap, executorTap } = relay;
  await until('the executor is attached to the rendezvous', () => executorTap.connections > 0);
  return venue(
    harnessTap,
    relay.harnessUrl,
    () => messagesIn(harnessTap.seen, 'toServer'),
    async () => {
      leaving.abort();
      await ended;
      await relay.close();
    },
  );
}

/** For harnesses that speak Noise, and no way around it. The relay ends with it. */
export async function startNoiseVenue(given?: OurRelay): Promise<Venue> {
  const relay = given ?? (await startOurRelay());
  const { executor, asked } = observed(createExecutor());
  const endpoint = serveRelay(executor, {
    remote: relay.registryUrl,
    environmentId: ENVIRONMENT_ID,
    bearerToken: relay.executorToken,
  });
  await endpoint.online();
  const close = async () => {
    await endpoint.drain();
    await executor.drain();
    await relay.close();
  };
  // Nobody listens at that URL.
  return venue(relay.harnessTap, 'ws://127.0.0.1:1', () => asked, close, relay.harnessNoiseVariables);
}

/** Of encrypted messages only their executor knows what they say. */
function observed(executor: Executor): { readonly executor: Executor; readonly asked: Record<string, unknown>[] } {
  const asked: Record<string, unknown>[] = [];
  const accept: Executor['server']['accept'] = (transport) => {
    const connection = executor.server.accept(transport);
    return {
      receive(messages) {
        for (const message of messages) asked.push(JSON.parse(Buffer.from(message).toString('utf8')));
        connection.receive(messages);
      },
      closed: (reason) => connection.closed(reason),
    };
  };
  return { executor: { ...executor, server: { accept } }, asked };
}

/** Polls, for conditions that nothing announces. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, longestMs = 20_000): Promise<void> {
  const deadline = performance.now() + longestMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${longestMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function venue(
  tap: FaultyProxy,
  url: string,
  asked: Venue['asked'],
  close: Venue['close'],
  env: Venue['env'] = {},
): Venue {
  return {
    url,
    env,
    asked,
    get connections() {
      return tap.connections;
    },
    cut: () => tap.cut(),
    close,
  };
}

function textsOf(tap: FaultyProxy): Record<string, unknown>[] {
  const texts = tap.texts.filter(({ direction }) => direction === 'toServer');
  return texts.map(({ text }) => JSON.parse(text) as Record<string, unknown>);
}
