/**
 * Our executor where a real harness can reach it: on a plain WebSocket of its own, or over our relay. Between the two
 * stands a proxy that can cut the connection and has seen what was asked.
 */
import { runExecutor } from '../../src/executor/run-executor.js';
import { type FaultyProxy, startFaultyProxy } from '../stand-ins/faulty-proxy.js';
import { ENVIRONMENT_ID, messagesIn, startOurRelay } from './our-relay.js';

export interface Venue {
  /** `CODEX_EXEC_SERVER_URL` */
  readonly url: string;
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

/** Polls, for conditions that nothing announces. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, longestMs = 20_000): Promise<void> {
  const deadline = performance.now() + longestMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${longestMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function venue(tap: FaultyProxy, url: string, asked: Venue['asked'], close: Venue['close']): Venue {
  return {
    url,
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
