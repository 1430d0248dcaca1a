/**
 * What a rendezvous tells whoever observes it: sockets that come and go, and what becomes of each frame, of which it knows
 * the head only. Whoever is told must neither throw nor change anything.
 */
import type { RoutingHeader } from '../../proto/routing-header.js';

export type EndRole = 'harness' | 'executor';

/** Handed to the other end; given up, because there is none now; or answered with a reset. */
export type FrameFate = 'passed' | 'dropped' | 'answered';

export interface RoutingObserver {
  /** Answers with what to call when it is gone, with its close code. */
  attached(role: EndRole): (code: number) => void;
  /** `bytes` of the whole message. */
  routed(from: EndRole, header: RoutingHeader, bytes: number, fate: FrameFate): void;
}
