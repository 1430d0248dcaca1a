/**
 * fs/stat, list, hash, rename, symlink, setAttributes: what copying to and from another machine takes, and releases do
 * not have (docs/extensions.md). With `mode: "update"` of fs/open.
 */
import * as v from 'valibot';
import { MODE_BITS } from '../../host/file-facts.js';
import { bounded, struct, text, unsigned } from '../../rpc/params.js';
import { RpcCode, RpcError } from '../../rpc/rpc-error.js';
import type { MethodResult } from '../../rpc/rpc-method.js';
import { filePath } from '../wire-path.js';
import { fileMethod, fileSystem, filesystemMethod, followSymlinks, links, path, sandbox } from './file-method.js';
import type { ExecutorMethod } from './method.js';

/** As far as Date reaches, either way. */
const MOST_TIME_MS = 8.64e15;

const time = v.pipe(
  v.number('modifiedAtMs must be a number of milliseconds'),
  v.check((ms) => Math.abs(ms) <= MOST_TIME_MS, `modifiedAtMs must be within ${MOST_TIME_MS}`),
);

const statParams = struct('FsStatParams', { path, sandbox });
const listParams = struct('FsListParams', { path, after: v.nullish(text()), sandbox });
const hashParams = struct('FsHashParams', { path, length: v.nullish(unsigned('u64')), sandbox, followSymlinks });
const renameParams = struct('FsRenameParams', { sourcePath: path, destinationPath: path, sandbox });
const symlinkParams = struct('FsSymlinkParams', { path, target: text(), sandbox });
const setAttributesParams = struct('FsSetAttributesParams', {
  path,
  mode: v.nullish(bounded('mode', 0, MODE_BITS)),
  modifiedAtMs: v.nullish(time),
  sandbox,
});

export const fileCopyMethods: Readonly<Record<string, ExecutorMethod>> = {
  'fs/stat': fileMethod(statParams, (native, _params, files) => files.stat(native)),

  'fs/list': fileMethod(listParams, (native, { after }, files) => files.list(native, after ?? '')),

  'fs/hash': fileMethod(hashParams, (native, params, files, { signal }) => {
    const { length } = params;
    const most = typeof length === 'number' ? { length } : {};
    return files.hash(native, { ...links(params), ...most, signal });
  }),

  'fs/rename': filesystemMethod(renameParams, (params, connection) => {
    const { env } = connection.host;
    const [source, destination] = [filePath(params.sourcePath, env), filePath(params.destinationPath, env)];
    return done(fileSystem(params, connection).rename(source, destination));
  }),

  'fs/symlink': fileMethod(symlinkParams, (native, { target }, files) => {
    if (target === '' || target.includes('\0')) {
      throw new RpcError(RpcCode.invalidParams, 'target must be a path, without a NUL byte');
    }
    return done(files.symlink(target, native));
  }),

  'fs/setAttributes': fileMethod(setAttributesParams, (native, { mode, modifiedAtMs }, files) =>
    done(
      files.setAttributes(native, {
        ...(typeof mode === 'number' ? { mode } : {}),
        ...(typeof modifiedAtMs === 'number' ? { modifiedAtMs } : {}),
      }),
    ),
  ),
};

function done(work: Promise<void> | void): MethodResult {
  return work instanceof Promise ? work.then(() => ({})) : {};
}
