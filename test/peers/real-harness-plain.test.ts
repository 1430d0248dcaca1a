/**
 * Unmodified harnesses do what people do with them on our executor's own WebSocket. `npm run matrix` plays the same
 * scenarios with more releases, over the relay, and with app-server.
 */
import { it } from 'vitest';
import { describeSandbox } from '../host/sandbox/describe-sandbox.js';
import { MATRIX_VERSIONS, PEER_VERSIONS } from './codex-binary.js';
import { describePeers } from './describe-peers.js';
import { HARNESS_SCENARIOS, type HarnessScenario } from './harness-scenarios.js';
import { runRealHarness } from './real-harness.js';
import { startPlainVenue } from './venue.js';
import { makeWorkFolder } from './work-folder.js';

describePeers(PEER_VERSIONS, 'a real harness on our own WebSocket', (peer) => {
  const age = MATRIX_VERSIONS.indexOf(peer.version);
  const able = HARNESS_SCENARIOS.filter(
    ({ since }) => since === undefined || age >= MATRIX_VERSIONS.indexOf(since.version),
  );

  const declare = ({ name, play }: HarnessScenario) =>
    it(name, { timeout: 90_000 }, async () => {
      const folder = await makeWorkFolder();
      const venue = await startPlainVenue();
      try {
        await play({
          version: peer.version,
          venue,
          folder: folder.path,
          run: async (script, options) =>
            await runRealHarness({
              peer,
              execServerUrl: venue.url,
              workFolder: folder.path,
              script,
              ...options,
            }),
        });
      } finally {
        await venue.close();
        await folder.remove();
      }
    });

  for (const scenario of able.filter(({ sandboxed }) => !sandboxed)) declare(scenario);
  for (const scenario of able.filter(({ sandboxed }) => sandboxed))
    describeSandbox('with a sandbox', () => declare(scenario));
});
