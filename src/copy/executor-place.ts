/**
 * The files of an executor that can do what a copy takes (docs/extensions.md), as one end of it. A connection that was
 * lost and is back goes unnoticed: each call is one that may be made again, and files are opened again.
 */
import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import { HarnessError } from '../../machines/harness.machine.js';
import type { Harness } from '../harness/harness.js';
import { fromRemotePath, toRemotePath } from '../harness/remote-path.js';
import { RemoteError } from '../harness/rpc-client.js';
import type { FileFacts, FileList } from '../host/file-facts.js';
import type { FileHash } from '../host/file-hash.js';
import { isMissing } from './copy-error.js';
import type { BlockFile, FolderList, Place } from './place.js';

const BLOCK_BYTES = 256 * 1024;
const DEPTH = 8;
const NOT_FOUND = -32004;

export function executorPlace(harness: Harness, environmentId: string): Place {
  const style = harness.environment.pathStyle;
  const uri = (path: string) => toRemotePath(path, style);
  const call = (method: string, path: string, params: object = {}) =>
    persistently(() => harness.request(method, { path: uri(path), ...params }));
  const stat = async (path: string): Promise<FileFacts | undefined> => {
    try {
      return (await call('fs/stat', path)) as FileFacts;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
  const remove = async (path: string) => void (await call('fs/remove', path, { recursive: false, force: true }));
  return {
    identity: `environment ${environmentId}`,
    resolve: async (path) => {
      if (path === '~' || path.startsWith('~/')) return posix.join(await homeOf(harness), path.slice(1));
      return posix.resolve(fromRemotePath(harness.environment.cwd), path);
    },
    show: (path) => `:${path}`,
    stat,
    follow: async (path) => fromRemotePath(((await call('fs/canonicalize', path)) as { path: string }).path),
    list: (path) => list((after) => call('fs/list', path, { after }) as Promise<FileList>),
    open: (path, access) => openFile(harness, uri(path), access),
    hash: async (path, length) => (await call('fs/hash', path, length === undefined ? {} : { length })) as FileHash,
    makeFolder: async (path) => void (await call('fs/createDirectory', path, { recursive: true })),
    makeLink: async (path, target) => {
      try {
        await harness.request('fs/symlink', { path: uri(path), target });
      } catch (error) {
        if (!isInterruption(error)) throw error;
        await remove(path);
        await call('fs/symlink', path, { target });
      }
    },
    setAttributes: async (path, attributes) => void (await call('fs/setAttributes', path, attributes)),
    rename: async (source, destination) => {
      const params = { sourcePath: uri(source), destinationPath: uri(destination) };
      for (;;) {
        try {
          await harness.request('fs/rename', params);
          return;
        } catch (error) {
          if (!isInterruption(error)) throw error;
          // It was done when what was to be renamed is gone.
          if ((await stat(source)) === undefined) return;
        }
      }
    },
    remove,
  };
}

async function list(page: (after: string) => Promise<FileList>): Promise<FolderList> {
  const entries: FolderList['entries'][number][] = [];
  for (let after = ''; ; ) {
    const { entries: more, truncated, unnameable } = await page(after);
    entries.push(...more);
    const last = more.at(-1);
    if (!truncated || last === undefined) return { entries, unnameable };
    after = last.name;
  }
}

async function homeOf(harness: Harness): Promise<string> {
  const { userHomeDir } = (await harness.request('environment/info')) as { userHomeDir: string };
  return fromRemotePath(userHomeDir);
}

/** Handles belong to a connection: after one was lost, the file is opened again and every call under way repeated. */
async function openFile(harness: Harness, path: string, access: 'read' | 'write'): Promise<BlockFile> {
  const mode = access === 'read' ? 'read' : 'update';
  const open = () =>
    persistently(async () => {
      const handleId = randomUUID().slice(0, 30);
      await harness.request('fs/open', { handleId, path, mode });
      return handleId;
    });
  let handle = open();
  await handle;
  const using = async <Result>(call: (handleId: string) => Promise<Result>): Promise<Result> => {
    for (;;) {
      const current = handle;
      try {
        return await call(await current);
      } catch (error) {
        if (!isInterruption(error)) throw error;
        if (handle !== current) continue;
        handle = open();
        // Whoever uses it next is told.
        handle.catch(() => {});
      }
    }
  };
  return {
    blockBytes: BLOCK_BYTES,
    depth: DEPTH,
    read: (offset, len) =>
      using(async (handleId) => {
        const { chunk } = (await harness.request('fs/readBlock', { handleId, offset, len })) as { chunk: string };
        return Buffer.from(chunk, 'base64');
      }),
    write: (offset, bytes) =>
      using(async (handleId) => {
        await harness.request('fs/writeBlock', { handleId, offset, chunk: bytes.toString('base64') });
      }),
    close: async () => {
      try {
        await harness.request('fs/close', { handleId: await handle });
      } catch (error) {
        // Gone with its connection.
        if (!isInterruption(error)) throw error;
      }
    },
  };
}

/** Only for what does no harm a second time. The next try waits until the session is there again, or fails for good. */
async function persistently<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isInterruption(error)) throw error;
    }
  }
}

function isInterruption(error: unknown): boolean {
  if (error instanceof HarnessError) return error.code === 'fate_unknown';
  return error instanceof RemoteError && error.rpcCode === NOT_FOUND && error.message.startsWith('unknown file handle');
}
