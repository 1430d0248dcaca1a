/**
 * `--listen` of the executor: `ws://IP:PORT` or `stdio`, as releases have it.
 */
import { CliError } from './cli-error.js';

export type ListenAddress =
  | { readonly kind: 'stdio' }
  | { readonly kind: 'websocket'; readonly host: string; readonly port: number };

/** Throws {@link CliError} with the usage exit code. */
export function parseListenAddress(text: string): ListenAddress {
  if (text === 'stdio' || text === 'stdio://') return { kind: 'stdio' };
  const match = /^ws:\/\/(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]+)):(\d{1,5})\/?$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new CliError(`--listen must be ws://IP:PORT or stdio, got ${text}`, { exitCode: 2 });
  }
  return { kind: 'websocket', host: match[1] ?? match[2] ?? '', port };
}
