/**
 * The releases that speak Noise, and what they do differently in it.
 */
import type { PeerVersion } from '../peers/codex-binary.js';
import { releases } from '../peers/describe-peers.js';

/** Oldest and newest, and those in between. */
export const NOISE_RELEASES = releases(['0.142.5', '0.169.0'], ['0.145.0', '0.156.0']);

/** Whether its harness asks for a new bundle when its first handshake was reset. */
export function retriesHandshake(version: PeerVersion): boolean {
  return version === '0.156.0' || version === '0.169.0';
}

/** Whether its ends tell each other that the registry refuses the executor's credential (relay.md §6.6). */
export function knowsCredentialRejection(version: PeerVersion): boolean {
  return version === '0.169.0';
}
