/**
 * The private folder a real peer keeps its settings in during one run.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Not below the system's temporary folder: peers refuse to install their helpers there. */
const homes = fileURLToPath(new URL('../../node_modules/.cache/signalbox-peer-homes/', import.meta.url));

export async function makePeerHome(): Promise<{ path: string; remove(): Promise<void> }> {
  await mkdir(homes, { recursive: true });
  const path = await mkdtemp(join(homes, 'home-'));
  // A peer that was just ended may still be writing its last file.
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}
