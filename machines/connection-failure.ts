/**
 * What went wrong with a try, in words for a person, and how long it asks to wait.
 */
import { ConnectionLostError, LocateError } from './connection-types.js';

export interface ConnectionFailure {
  readonly error: Error;
  readonly retryAfterMs?: number;
}

export function failure(message: string): ConnectionFailure {
  return { error: new ConnectionLostError('socket_lost', message) };
}

export function locateFailure(cause: unknown): ConnectionFailure {
  if (cause instanceof LocateError) return { error: cause, retryAfterMs: cause.retryAfterMs };
  return { error: cause instanceof Error ? cause : new ConnectionLostError('locate_failed', String(cause)) };
}

export function refusal({ status, message }: { status: number; message: string }): ConnectionFailure {
  return {
    error: new ConnectionLostError('upgrade_refused', `the rendezvous refused the socket (${status}): ${message}`),
  };
}

export function closure({ code, reason }: { code: number; reason: string }): ConnectionFailure {
  const why = reason === '' ? `code ${code}` : `code ${code}, ${reason}`;
  return { error: new ConnectionLostError('socket_closed', `the connection to the rendezvous was closed (${why})`) };
}

export function unreachable({ reason }: { reason: string }): ConnectionFailure {
  return {
    error: new ConnectionLostError('socket_lost', `the rendezvous cannot be reached: ${reason || 'no answer'}`),
  };
}

/** The socket could not even be tried: the URL is unusable, or this end has a defect. */
export function carrierCrash(cause: unknown): ConnectionFailure {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return { error: new ConnectionLostError('socket_lost', `the socket could not be opened: ${detail}`) };
}
