/**
 * Copying files, folders and links (jsonrpc.md §6: fs/copy). Links are copied as links, also those that lead nowhere;
 * a folder onto a folder merges.
 */
import { chmod, copyFile, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { constants } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { FileRequestError } from './files.js';
import { asOsError, OsError } from './os-error.js';

export async function copy(source: string, destination: string, recursive: boolean): Promise<void> {
  try {
    const stats = await lstat(source);
    if (!stats.isDirectory()) return await copyOne(source, destination);
    if (!recursive) {
      throw new FileRequestError(
        'copy_not_recursive',
        'fs/copy requires recursive: true when sourcePath is a directory',
      );
    }
    if (isWithin(source, destination)) {
      throw new FileRequestError(
        'copy_into_itself',
        'fs/copy cannot copy a directory to itself or one of its descendants',
      );
    }
    await copyFolder(source, destination);
  } catch (error) {
    throw error instanceof FileRequestError ? error : asOsError(error);
  }
}

async function copyFolder(source: string, destination: string): Promise<void> {
  await makeFolder(destination);
  for (const child of await readdir(source)) {
    const from = join(source, child);
    const to = join(destination, child);
    if ((await lstat(from)).isDirectory()) await copyFolder(from, to);
    else await copyOne(from, to);
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await lstat(path) : undefined;
    if (!there?.isDirectory()) throw error;
  }
}

async function copyOne(source: string, destination: string): Promise<void> {
  const stats = await lstat(source);
  if (stats.isSymbolicLink()) {
    await symlink(await readlink(source), destination);
    return;
  }
  if (!stats.isFile()) {
    throw new FileRequestError('copy_kind', 'fs/copy only supports regular files, directories, and symlinks');
  }
  const there = await lstat(destination).catch(() => undefined);
  if (there?.isDirectory()) throw new OsError(constants.errno.EISDIR);
  if (there !== undefined && there.dev === stats.dev && there.ino === stats.ino) return;
  await copyFile(source, destination);
  await chmod(destination, stats.mode & 0o7777);
}

/** By name, after `.` and `..` are folded: a folder inside itself, or itself. */
function isWithin(folder: string, path: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`));
}
