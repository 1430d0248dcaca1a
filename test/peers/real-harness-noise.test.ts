/**
 * Unmodified harnesses that speak Noise do what people do with them on our executor, through our registry and
 * rendezvous.
 */
import { expect, it } from 'vitest';
import { knowsCredentialRejection, NOISE_RELEASES } from '../noise/noise-releases.js';
import { declareScenarios } from './declare-scenarios.js';
import { describePeers } from './describe-peers.js';
import { startOurRelay } from './our-relay.js';
import { runRealHarness } from './real-harness.js';
import { execCommand, finalMessage } from './scripted-model.js';
import { startNoiseVenue } from './venue.js';
import { makeWorkFolder } from './work-folder.js';

describePeers(NOISE_RELEASES, 'a real harness on our executor, encrypted', (peer) => {
  declareScenarios(peer, startNoiseVenue);
});

describePeers(NOISE_RELEASES.filter(knowsCredentialRejection), 'a real harness on our executor', (peer) => {
  it('gives up at once when the registry refuses the executor, which says so', { timeout: 60_000 }, async () => {
    const folder = await makeWorkFolder();
    const relay = await startOurRelay();
    const venue = await startNoiseVenue(relay);
    try {
      relay.executorTap.answerInstead((path) =>
        path.endsWith('/validate') ? { status: 401, body: { error: { code: 'unauthorized' } } } : undefined,
      );
      const { outputs } = await runRealHarness({
        peer,
        execServerUrl: venue.url,
        env: venue.env,
        workFolder: folder.path,
        script: [execCommand('echo it worked'), finalMessage('done')],
      });
      expect(outputs[0]?.text).toContain('No usable execution environment');
      expect(venue.connections).toBe(1);
      expect(venue.asked()).toEqual([]);
    } finally {
      await venue.close();
      await folder.remove();
    }
  });
});
