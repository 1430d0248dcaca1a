/**
 * The folders pipes are made in live for a moment only. What a crash in that moment leaves behind is removed here.
 */
import { readdirSync, rmSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from '../host-child.js';
import { FOLDER_PREFIX } from './fifo-batch.js';

/** Of a helper that is gone. */
export function removeFoldersOf(helperPid: number, root: string): void {
  const mine = `${FOLDER_PREFIX}${helperPid}-`;
  try {
    for (const name of readdirSync(root)) {
      if (name.startsWith(mine)) rmSync(join(root, name), { recursive: true, force: true });
    }
  } catch {
    // It is only tidiness; the next daemon tries again.
  }
}

/** Of all helpers of this user that are gone, with their daemons. */
export async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const pid = Number.parseInt(name.slice(FOLDER_PREFIX.length), 10);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    const folder = join(root, name);
    if ((await lstat(folder)).uid === process.getuid?.()) await rm(folder, { recursive: true, force: true });
  }
}
