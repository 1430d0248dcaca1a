/**
 * The one call of the client library: an address in, a session out.
 */
import { HarnessError } from '../../machines/harness.machine.js';
import { defaultStreamTiming } from '../../machines/stream-types.js';
import type { Logger } from '../observe/log.js';
import { type Harness, openHarness } from './harness.js';
import { openPlainTransport } from './plain-transport.js';
import { isRelayUrl, openRelayTransport } from './relay-transport.js';

export interface ConnectOptions {
  /** `ws://` or `wss://`: with `role=harness` in its query through a rendezvous, otherwise straight to an executor. */
  readonly url: string;
  /** Bearer token for the upgrade, unless the URL carries its credential itself. */
  readonly token?: string;
  /** Shown in the executor's log. */
  readonly clientName?: string;
  /** How long the executor may take to answer; milliseconds. */
  readonly initializeMs?: number;
  /** How long a lost connection through a rendezvous may take to be had again before the session is lost; milliseconds. */
  readonly graceMs?: number;
  /** How long a session whose connection is lost for good is tried to be had again; 0: not at all; milliseconds. */
  readonly recoverMs?: number;
  /** Gives up connecting, or closes the session. */
  readonly signal?: AbortSignal;
  readonly log?: Logger;
}

/**
 * Connects and initializes.
 *
 * ```ts
 * const harness = await connect({ url: process.env.SIGNALBOX_URL });
 * const child = await harness.startProcess({ argv: ['uname', '-a'] });
 * for await (const chunk of child.stdout) process.stdout.write(chunk);
 * await harness.close();
 * ```
 */
export async function connect(options: ConnectOptions): Promise<Harness> {
  const { url, token, initializeMs, graceMs, recoverMs, signal, log } = options;
  if (!URL.canParse(url) || !/^wss?:$/.test(new URL(url).protocol) || url.includes('#')) {
    const expected = 'the address must be a ws:// or wss:// URL without #';
    throw new HarnessError('unreachable', expected, { initiator: 'local' });
  }
  const address = token === undefined ? { url } : { url, token };
  const relay = {
    ...(log === undefined ? {} : { log }),
    ...(graceMs === undefined ? {} : { streamTiming: { ...defaultStreamTiming, graceMs } }),
  };
  return await openHarness({
    clientName: options.clientName ?? 'signalbox',
    ...(initializeMs === undefined ? {} : { initializeMs }),
    ...(recoverMs === undefined ? {} : { recoverMs }),
    ...(signal === undefined ? {} : { signal }),
    open: (listener, opening) =>
      isRelayUrl(url)
        ? openRelayTransport(address, listener, opening, relay)
        : openPlainTransport(address, listener, opening),
  });
}
