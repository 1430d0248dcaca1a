/**
 * The folders pipes are made in live for a moment only. What a helper that was killed in that moment left behind is
 * removed before the next one starts, here or in another daemon of this user.
 */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from '../host-child.js';
import { FOLDER_PREFIX, removeFolder } from './fifo-batch.js';

export async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const pid = Number.parseInt(name.slice(FOLDER_PREFIX.length), 10);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    const folder = join(root, name);
    if ((await lstat(folder)).uid !== process.getuid?.()) continue;
    removeFolder(folder);
  }
}
