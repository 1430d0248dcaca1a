/**
 * What an executor says of itself, by release: some with `initialize`, some when asked, the first ones never
 * (jsonrpc.md §5). Everything a client must know before its first real request is decided here.
 */

import type { PathStyle } from './remote-path.js';
import { RemoteError } from './rpc-client.js';

export interface EnvironmentInfo {
  readonly pathStyle: PathStyle;
  /** Where the executor was started, as it gives it; "." where it does not say. */
  readonly cwd: string;
  readonly shell: { readonly name: string; readonly path: string } | undefined;
  /** Its system, when it tells: linux, macos, … */
  readonly os: string | undefined;
  /** Release of the executor, when it tells. */
  readonly version: string | undefined;
  readonly capabilities: ReadonlySet<string>;
}

const METHOD_NOT_FOUND = -32601;

/** `fromInitialize` is the member of that name in the reply to `initialize`, if there was one. */
export async function readEnvironmentInfo(
  fromInitialize: unknown,
  request: (method: string, params: object) => Promise<unknown>,
): Promise<EnvironmentInfo> {
  return describe(fromInitialize ?? (await ask(request)));
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
    cwd: typeof cwd === 'string' ? cwd : '.',
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
