/**
 * The whole executor daemon as one call, without a command line: one set of sessions, served over the relay, over
 * listeners of its own, and over standard streams, until it is told to end or has nothing left to serve.
 */
import type { Readable, Writable } from 'node:stream';
import type { RelayEndpoint } from '../carrier/relay-endpoint.js';
import { silentLog } from '../observe/log.js';
import { createExecutor, type ExecutorOptions } from './executor.js';
import { type ExecutorRelayOptions, serveRelay } from './executor-relay.js';
import type { ListenerAuth } from './listener-auth.js';
import { serveStdio } from './stdio-transport.js';
import { listenWebSocket, type WebSocketListener } from './websocket-listener.js';

/** A listener of the executor's own. */
export interface ListenOptions {
  /** Literal IP address. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly auth?: ListenerAuth;
}

export interface ServeOptions extends ExecutorOptions {
  readonly listen?: readonly ListenOptions[];
  /** Called with `ws://IP:PORT` of each listener, in the order of `listen`, before anything else is served. */
  readonly onListening?: (url: string) => void;
  /** One connection on these streams; the end of the input ends the daemon. */
  readonly stdio?: { readonly input: Readable; readonly output: Writable };
  /** Ends the daemon in good order: streams reset, children killed. */
  readonly signal?: AbortSignal;
}

/** With `remote`, the executor is served over the relay too; without it, over listeners or standard streams only. */
export type RunExecutorOptions = ServeOptions & (ExecutorRelayOptions | { readonly remote?: undefined });

/**
 * Runs until `signal` aborts or `stdio` ends, then resolves within 2 s. Rejects with LocateError when the registry
 * refuses the credential (401, 403), and when it cannot listen; any other failure of the relay is tried again, for
 * ever.
 */
export async function runExecutor(options: RunExecutorOptions): Promise<void> {
  const executor = createExecutor(options);
  const told = toldToEnd(options.signal);
  const listeners: WebSocketListener[] = [];
  let relay: RelayEndpoint | undefined;
  try {
    for (const listen of options.listen ?? []) {
      const listener = await listenWebSocket({ ...listen, server: executor.server, log: options.log ?? silentLog });
      listeners.push(listener);
      options.onListening?.(listener.url);
    }
    const ends = [told.promise];
    if (options.stdio) ends.push(serveStdio(executor.server, options.stdio.input, options.stdio.output));
    if (options.remote !== undefined) {
      relay = serveRelay(executor, options);
      ends.push(refusal(relay));
    }
    await Promise.race(ends);
  } finally {
    told.forget();
    // Streams are told before their processes are killed.
    await relay?.drain();
    await Promise.all(listeners.map((listener) => listener.close()));
    await executor.drain();
  }
}

/** Rejects when the relay has ended because trying again cannot help. */
async function refusal(relay: RelayEndpoint): Promise<void> {
  const end = await relay.over;
  if (end.kind === 'refused') throw end.error;
}

function toldToEnd(signal: AbortSignal | undefined): { readonly promise: Promise<void>; forget(): void } {
  let stop: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  return { promise, forget: () => signal?.removeEventListener('abort', stop) };
}
