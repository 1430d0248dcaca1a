/**
 * Connections to a registry that many calls in a row share, so that not each of a hundred handshakes at once costs a
 * connection, and with `https` a handshake of its own. One that nobody needs any more is closed soon: long before
 * servers do so by themselves, which a call on its way would not survive.
 */
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';

const IDLE_MS = 1000;

/** To be destroyed by whoever asked for them. */
export function registryConnections(remote: string): Agent {
  const options = { keepAlive: true, timeout: IDLE_MS };
  return remote.trim().startsWith('https:') ? new SecureAgent(options) : new Agent(options);
}
