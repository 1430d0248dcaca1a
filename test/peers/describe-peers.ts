/**
 * Declares the tests that need real peers, for each release that is installed.
 */
import { describe, it } from 'vitest';
import { findProgram, type Peer, type PeerVersion, peersFolder } from './codex-binary.js';

/** More of them with `SIGNALBOX_ALL_PEERS` set, which takes more time than a change has. */
export function releases(always: readonly PeerVersion[], otherwise: readonly PeerVersion[]): readonly PeerVersion[] {
  return process.env.SIGNALBOX_ALL_PEERS ? [...always, ...otherwise] : always;
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
