/**
 * fs/walk, copy and watchMissing: what reaches beyond one path (jsonrpc.md §5, §6).
 */
import * as v from 'valibot';
import { formatPath } from '../../host/paths.js';
import { flag, list, struct, unsigned } from '../../rpc/params.js';
import { filePath } from '../wire-path.js';
import { fileMethod, fileSystem, filesystemMethod, path, sandbox } from './file-method.js';
import type { ExecutorMethod } from './method.js';

const walkParams = struct('FsWalkParams', {
  path,
  options: struct('FsWalkOptions', {
    maxDepth: unsigned('usize'),
    maxDirectories: unsigned('usize'),
    maxEntries: unsigned('usize'),
    followDirectorySymlinks: flag(),
    pruneHiddenDirectories: v.optional(flag()),
  }),
  sandbox,
});
const copyParams = struct('FsCopyParams', { sourcePath: path, destinationPath: path, recursive: flag(), sandbox });
const watchMissingParams = struct('FsWatchMissingParams', { watchId: unsigned('u64'), missing: list(path) });

export const fileTreeMethods: Readonly<Record<string, ExecutorMethod>> = {
  'fs/walk': fileMethod(walkParams, async (native, { path: { form }, options }, files) => {
    const { pruneHiddenDirectories = false, ...rest } = options;
    const { entries, errors, truncated } = await files.walk(native, { ...rest, pruneHiddenDirectories });
    const named = <Found extends { readonly path: string }>(found: Found) => ({
      ...found,
      path: formatPath(found.path, form),
    });
    return { entries: entries.map(named), errors: errors.map(named), truncated };
  }),

  'fs/copy': filesystemMethod(copyParams, async (params, connection) => {
    const { sourcePath, destinationPath, recursive } = params;
    const { host } = connection;
    await fileSystem(params, connection).copy(
      filePath(sourcePath, host.env),
      filePath(destinationPath, host.env),
      recursive,
    );
    return {};
  }),

  'fs/watchMissing': filesystemMethod(watchMissingParams, ({ watchId, missing }, { host, missingPaths }) => ({
    watching: missingPaths.watch(
      watchId,
      missing.map((wire) => filePath(wire, host.env)),
    ),
  })),
};
