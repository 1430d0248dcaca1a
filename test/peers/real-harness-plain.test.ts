/**
 * Unmodified harnesses do what people do with them on our executor's own WebSocket. `npm run matrix` plays the same
 * scenarios with more releases, over the relay, and with app-server.
 */
import { PEER_VERSIONS } from './codex-binary.js';
import { declareScenarios } from './declare-scenarios.js';
import { describePeers } from './describe-peers.js';
import { startPlainVenue } from './venue.js';

describePeers(PEER_VERSIONS, 'a real harness on our own WebSocket', (peer) => {
  declareScenarios(peer, startPlainVenue);
});
