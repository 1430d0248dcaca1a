/**
 * What an executor says of itself, by release: some with `initialize`, some when asked, the first ones never
 * (jsonrpc.md §5). Everything a client must know before its first real request is decided here.
 */

import type { PathStyle } from './remote-path.js';
import { RemoteError } from './rpc-client.js';

export interface EnvironmentInfo {
  readonly pathStyle: PathStyle;
  /** Where the executor was started, as it gives it, or {@link UNTOLD_FOLDER}. */
  readonly cwd: string;
  readonly shell: { readonly name: string; readonly path: string } | undefined;
  /** Its system, when it tells: linux, macos, … */
  readonly os: string | undefined;
  /** Release of the executor, when it tells. */
  readonly version: string | undefined;
  readonly capabilities: ReadonlySet<string>;
}

/** Where an executor was started that does not say where; 0.142.5 takes no such path, */
export const UNTOLD_FOLDER = '.';
/** but this one. */
export const HOME_FOLDER = '~';

const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;

/** `fromInitialize` is the member of that name in the reply to `initialize`, if there was one. */
export async function readEnvironmentInfo(
  fromInitialize: unknown,
  request: (method: string, params: object) => Promise<unknown>,
): Promise<EnvironmentInfo> {
  return describe(fromInitialize ?? (await ask(request)));
}

/** It was not even begun. */
export function isRefusedAsMalformed(error: unknown): boolean {
  return error instanceof RemoteError && error.rpcCode === INVALID_PARAMS;
}

async function ask(request: (method: string, params: object) => Promise<unknown>): Promise<unknown> {
  try {
    return await request('environment/info', {});
  } catch (error) {
    if (error instanceof RemoteError && error.rpcCode === METHOD_NOT_FOUND) return {};
    throw error;
  }
}

function describe(info: unknown): EnvironmentInfo {
  const { cwd, shell, platformOs, executorVersion, capabilities } = (info ?? {}) as Record<string, unknown>;
  // Releases that tell their folder tell it as a URI, and they are the ones that take nothing else.
  const isUri = typeof cwd === 'string' && cwd.startsWith('file:');
  const flags = typeof capabilities === 'object' && capabilities !== null ? Object.entries(capabilities) : [];
  return {
    pathStyle: isUri ? 'uri' : 'native',
    cwd: typeof cwd === 'string' ? cwd : UNTOLD_FOLDER,
    shell: isShell(shell) ? shell : undefined,
    os: typeof platformOs === 'string' ? platformOs : undefined,
    version: typeof executorVersion === 'string' ? executorVersion : undefined,
    capabilities: new Set(flags.filter(([, value]) => value === true).map(([name]) => name)),
  };
}

function isShell(shell: unknown): shell is { name: string; path: string } {
  const { name, path } = (shell ?? {}) as Record<string, unknown>;
  return typeof name === 'string' && typeof path === 'string';
}
