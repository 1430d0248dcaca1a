/**
 * What the header of a frame means for the route of its stream (relay.md §11, DESIGN §5.2.7). It knows neither sockets
 * nor payloads, and does nothing.
 */
import { isReliable } from '../../proto/frame.js';
import type { RoutingHeader } from '../../proto/routing-header.js';

/** What there is to know of a route. */
interface RouteFacts {
  /** Both ends announce reliability: it outlives their sockets. */
  readonly isLasting: boolean;
}

/** Acks, heartbeats and resets belong to streams that exist: alone, late or lost ones, they open none. */
export function opensStream(header: RoutingHeader): boolean {
  return header.body === 'resume' || header.body === 'data' || header.body === 'handshake';
}

/** The announcement of a stream that both its ends know. */
export function goesOn(header: RoutingHeader): boolean {
  return header.continues && isReliable(header);
}

/** Whether a frame that cannot be delivered is only early: its sender will say it again. */
export function waitsForExecutor(header: RoutingHeader, route: RouteFacts | undefined): boolean {
  if (!isReliable(header)) return false;
  return route?.isLasting === true || !(header.body === 'resume' || header.body === 'handshake');
}

/** Whether whoever gets it says something within moments. */
export function isAnswered(route: RouteFacts, { body }: RoutingHeader): boolean {
  return route.isLasting && body !== 'ack';
}
