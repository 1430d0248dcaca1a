/**
 * Declares a test for each scenario that a release can play, at a venue that is made anew for each.
 */
import { it } from 'vitest';
import { describeSandbox } from '../host/sandbox/describe-sandbox.js';
import { MATRIX_VERSIONS, type Peer } from './codex-binary.js';
import { HARNESS_SCENARIOS, type HarnessScenario } from './harness-scenarios.js';
import { runRealHarness } from './real-harness.js';
import type { Venue } from './venue.js';
import { makeWorkFolder } from './work-folder.js';

export function declareScenarios(peer: Peer, open: () => Promise<Venue>): void {
  const age = MATRIX_VERSIONS.indexOf(peer.version);
  const able = HARNESS_SCENARIOS.filter(
    ({ since }) => since === undefined || age >= MATRIX_VERSIONS.indexOf(since.version),
  );

  const declare = ({ name, play }: HarnessScenario) =>
    it(name, { timeout: 90_000 }, async () => {
      const folder = await makeWorkFolder();
      const venue = await open();
      const { url: execServerUrl, env } = venue;
      const common = { peer, execServerUrl, env, workFolder: folder.path };
      try {
        await play({
          version: peer.version,
          venue,
          folder: folder.path,
          run: async (script, options) => await runRealHarness({ ...common, script, ...options }),
        });
      } finally {
        await venue.close();
        await folder.remove();
      }
    });

  for (const scenario of able.filter(({ sandboxed }) => !sandboxed)) declare(scenario);
  for (const scenario of able.filter(({ sandboxed }) => sandboxed))
    describeSandbox('with a sandbox', () => declare(scenario));
}
