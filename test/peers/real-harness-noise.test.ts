/**
 * Unmodified harnesses that speak Noise do what people do with them on our executor, through our registry and
 * rendezvous.
 */
import { NOISE_RELEASES } from '../noise/noise-releases.js';
import { declareScenarios } from './declare-scenarios.js';
import { describePeers } from './describe-peers.js';
import { startNoiseVenue } from './venue.js';

describePeers(NOISE_RELEASES, 'a real harness on our executor, encrypted', (peer) => {
  declareScenarios(peer, startNoiseVenue);
});
