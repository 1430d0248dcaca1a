/**
 * fs/*: whole files and folders (jsonrpc.md §6).
 */
import * as v from 'valibot';
import type { DirectoryEntry } from '../../host/files.js';
import { formatPath } from '../../host/paths.js';
import { decodeBase64 } from '../../rpc/base64-text.js';
import { BulkResult } from '../../rpc/envelope.js';
import { flag, struct, text } from '../../rpc/params.js';
import { RpcCode, RpcError } from '../../rpc/rpc-error.js';
import type { MethodResult } from '../../rpc/rpc-method.js';
import { fileMethod, followSymlinks, links, path, sandbox } from './file-method.js';
import type { ExecutorMethod } from './method.js';

const defaultTrue = v.nullish(flag());

const readFileParams = struct('FsReadFileParams', { path, sandbox, followSymlinks });
const writeFileParams = struct('FsWriteFileParams', { path, dataBase64: text(), sandbox, followSymlinks });
const createDirectoryParams = struct('FsCreateDirectoryParams', {
  path,
  recursive: defaultTrue,
  sandbox,
  followSymlinks,
});
const getMetadataParams = struct('FsGetMetadataParams', { path, sandbox, followSymlinks });
const readDirectoryParams = struct('FsReadDirectoryParams', { path, sandbox });
const removeParams = struct('FsRemoveParams', {
  path,
  recursive: defaultTrue,
  force: defaultTrue,
  sandbox,
  followSymlinks,
});
const canonicalizeParams = struct('FsCanonicalizeParams', { path, sandbox });

export const fileMethods: Readonly<Record<string, ExecutorMethod>> = {
  'fs/readFile': fileMethod(readFileParams, (native, params, files) => {
    const blocks = files.readFile(native, links(params));
    return blocks instanceof Promise ? blocks.then(fileResult) : fileResult(blocks);
  }),

  'fs/writeFile': fileMethod(writeFileParams, (native, params, files) => {
    const data = decodeBase64(params.dataBase64);
    if ('fault' in data) {
      throw new RpcError(RpcCode.invalidRequest, `fs/writeFile requires valid base64 dataBase64: ${data.fault}`);
    }
    return done(files.writeFile(native, data.bytes, links(params)));
  }),

  'fs/createDirectory': fileMethod(createDirectoryParams, (native, params, files) =>
    done(files.createDirectory(native, params.recursive ?? true, links(params))),
  ),

  'fs/getMetadata': fileMethod(getMetadataParams, (native, params, files) => files.getMetadata(native, links(params))),

  'fs/readDirectory': fileMethod(readDirectoryParams, (native, _params, files) => {
    const entries = files.readDirectory(native);
    return entries instanceof Promise ? entries.then(directoryResult) : directoryResult(entries);
  }),

  'fs/remove': fileMethod(removeParams, (native, params, files) => {
    const options = { ...links(params), recursive: params.recursive ?? true, force: params.force ?? true };
    return done(files.remove(native, options));
  }),

  'fs/canonicalize': fileMethod(canonicalizeParams, (native, params, files) => {
    const pathResult = (path: string) => ({ path: formatPath(path, params.path.form) });
    const path = files.canonicalize(native);
    return path instanceof Promise ? path.then(pathResult) : pathResult(path);
  }),
};

function fileResult(blocks: readonly Buffer[]): BulkResult {
  return new BulkResult(['{"dataBase64":"', ...blocks, '"}']);
}

function directoryResult(entries: readonly DirectoryEntry[]): object {
  return { entries };
}

function done(work: Promise<void> | void): MethodResult {
  return work instanceof Promise ? work.then(() => ({})) : {};
}
