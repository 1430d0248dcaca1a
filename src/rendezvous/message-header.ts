/**
 * Reads what a router needs of one WebSocket message, and tells the log of those that are no frames: they harm nothing
 * and nobody else (relay.md §3.3).
 */
import { FrameDecodeError } from '../../proto/frame-error.js';
import { type RoutingHeader, readRoutingHeader } from '../../proto/routing-header.js';
import type { Logger } from '../observe/log.js';

/** Undefined for a message that is no routable frame. */
export function readHeader(log: Logger, message: Buffer, isBinary: boolean): RoutingHeader | undefined {
  if (!isBinary) {
    log.debug({ bytes: message.length }, 'text message ignored');
    return undefined;
  }
  try {
    return readRoutingHeader(message);
  } catch (error) {
    if (!(error instanceof FrameDecodeError)) throw error;
    log.debug({ bytes: message.length, code: error.code }, 'message without a routable frame ignored');
    return undefined;
  }
}
