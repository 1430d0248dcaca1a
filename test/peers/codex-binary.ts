/**
 * Finds the real program of a release among those that `npm run peers` has installed, and declares the tests that need
 * it. It never installs anything: see install.ts.
 */
import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, it } from 'vitest';

/** The releases whose behaviour this project promises to work with. */
export const PEER_VERSIONS = ['0.131.0', '0.140.0', '0.169.0'] as const;
export type PeerVersion = (typeof PEER_VERSIONS)[number];

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

/**
 * A `describe` for each release. Where one is absent its tests are skipped and the reason is printed; with `CI` set they
 * fail instead, so that nobody takes a run without real peers for a proof.
 */
export function describePeers(versions: readonly PeerVersion[], title: string, body: (peer: Peer) => void): void {
  for (const version of versions) {
    const program = findProgram(version);
    const name = `${title} (codex ${version})`;
    if (program !== undefined) {
      describe(name, () => body({ version, program }));
      continue;
    }
    const reason = `codex ${version} is not in ${peersFolder()}: run "npm run peers -- ${version}"`;
    if (process.env.CI) {
      it(name, () => {
        throw new Error(reason);
      });
    } else {
      process.stderr.write(`skipped: ${name}. ${reason}\n`);
      it.skip(name);
    }
  }
}

function foldersIn(folder: string): string[] {
  const found = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  return found.sort().map((name) => join(folder, name));
}
