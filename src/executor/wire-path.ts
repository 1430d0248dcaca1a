/**
 * Path members of requests: the schema, and what a path means for the file methods and as a working folder
 * (jsonrpc.md §7). All generations at once: plain paths and file URIs everywhere.
 */
import { constants, homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import * as v from 'valibot';
import type { Environment } from '../host/env-policy.js';
import { OsError } from '../host/os-error.js';
import { PathError, parsePath, type WirePath } from '../host/paths.js';
import { text } from '../rpc/params.js';
import { RpcCode, RpcError } from '../rpc/rpc-error.js';

export const pathParam = () =>
  v.pipe(
    text(),
    v.rawTransform(({ dataset, addIssue, NEVER }): WirePath => {
      try {
        return parsePath(dataset.value);
      } catch (error) {
        if (!(error instanceof PathError)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );

/** Absolute native path of a file method. `~` is the home folder, as some releases send it. */
export function filePath(path: WirePath, env: Environment): string {
  if (path.foreignUri !== undefined) {
    throw new RpcError(RpcCode.invalidRequest, `'${path.foreignUri}' is invalid on '${process.platform}'`);
  }
  const { native } = path;
  if (native === '~' || native.startsWith('~/')) return join(env.HOME || homedir(), native.slice(1));
  if (!isAbsolute(native)) throw new RpcError(RpcCode.invalidParams, 'invalid URI: relative URL without a base');
  return requireNoNul(native);
}

/** Absolute native working folder; a relative one starts at the executor's own. */
export function workingFolder(path: WirePath, cwd: string): string {
  if (path.foreignUri !== undefined) {
    const reason = `'${path.foreignUri}' is invalid on '${process.platform}'`;
    throw new RpcError(
      RpcCode.invalidParams,
      `cwd URI \`${path.foreignUri}\` is not valid on this exec-server host: ${reason}`,
    );
  }
  if (path.native === '') throw new RpcError(RpcCode.internal, new OsError(constants.errno.ENOENT).message);
  return requireNoNul(resolve(cwd, path.native));
}

function requireNoNul(native: string): string {
  if (!native.includes('\0')) return native;
  throw new RpcError(RpcCode.invalidParams, 'a path must not contain a NUL byte');
}
