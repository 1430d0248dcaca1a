/**
 * fs/open, readBlock, writeBlock, close: files in blocks, by handles of the connection (jsonrpc.md §6).
 */
import * as v from 'valibot';
import type { Block } from '../../host/file-handles.js';
import { BulkResult } from '../../rpc/envelope.js';
import { base64, oneOf, struct, text, unsigned } from '../../rpc/params.js';
import { fileMethod, filesystemMethod, followSymlinks, links, path, sandbox } from './file-method.js';
import type { ExecutorMethod } from './method.js';

const openParams = struct('FsOpenParams', {
  handleId: text(),
  path,
  mode: v.optional(oneOf(['read', 'replace'], ['update'])),
  sandbox,
  followSymlinks,
});
const readBlockParams = struct('FsReadBlockParams', {
  handleId: text(),
  offset: unsigned('u64'),
  len: unsigned('usize'),
});
const writeBlockParams = struct('FsWriteBlockParams', {
  handleId: text(),
  offset: unsigned('u64'),
  chunk: base64(),
});
const closeParams = struct('FsCloseParams', { handleId: text() });

export const fileHandleMethods: Readonly<Record<string, ExecutorMethod>> = {
  'fs/open': fileMethod(openParams, (native, params, fileSystem, { files }) => {
    const { handleId } = params;
    const opening = fileSystem.open(files, handleId, native, params.mode ?? 'read', links(params));
    return opening instanceof Promise ? opening.then(() => ({ handleId })) : { handleId };
  }),

  'fs/readBlock': filesystemMethod(readBlockParams, ({ handleId, offset, len }, { files }) => {
    const block = files.readBlock(handleId, offset, len);
    return block instanceof Promise ? block.then(blockResult) : blockResult(block);
  }),

  'fs/writeBlock': filesystemMethod(writeBlockParams, async ({ handleId, offset, chunk }, { files }) => {
    await files.writeBlock(handleId, offset, chunk);
    return {};
  }),

  'fs/close': filesystemMethod(closeParams, ({ handleId }, { files }) => {
    files.close(handleId);
    return {};
  }),
};

function blockResult({ bytes, eof }: Block): BulkResult {
  return new BulkResult(['{"chunk":"', bytes, `","eof":${eof}}`]);
}
