/**
 * Finds the real program of a release among those that `npm run peers` has installed.
 * It never installs anything (install.ts) and knows nothing of tests (describe-peers.ts).
 */
import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The releases that tests run: one a generation. */
export const PEER_VERSIONS = ['0.131.0', '0.140.0', '0.169.0'] as const;
/** Those that matrix.ts runs, oldest first. */
export const MATRIX_VERSIONS = ['0.131.0', '0.140.0', '0.142.5', '0.145.0', '0.156.0', '0.169.0'] as const;
export type PeerVersion = (typeof MATRIX_VERSIONS)[number];

/** A release and its program, as tests receive it. */
export interface Peer {
  readonly version: PeerVersion;
  /** Path of the program itself, not of the wrapper around it: ending the wrapper would orphan the program. */
  readonly program: string;
}

/** The alias under which each release is installed in a folder of its own. */
export const PEER_PACKAGE = 'codexbin';

/** `SIGNALBOX_PEERS`, else `signalbox-peers` in the user's cache folder. */
export function peersFolder(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return resolve(process.env.SIGNALBOX_PEERS || join(cache, 'signalbox-peers'));
}

/** Path of the program of a release, or undefined when it is not installed in `folder`. */
export function findProgram(version: string, folder = join(peersFolder(), version)): string | undefined {
  const vendor = join(folder, 'node_modules', PEER_PACKAGE, 'vendor');
  // Up to 0.132 the program lies in `codex/`, later in `bin/`.
  const candidates = foldersIn(vendor).flatMap((target) => [
    join(target, 'bin', 'codex'),
    join(target, 'codex', 'codex'),
  ]);
  return candidates.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

function foldersIn(folder: string): string[] {
  const found = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  return found.sort().map((name) => join(folder, name));
}
