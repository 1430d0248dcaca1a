/**
 * Why the rendezvous closes a WebSocket: the codes peers see, documented because they may act on them.
 */
export const CLOSE = {
  /** The rendezvous is shutting down or restarting: come back, to the same URL or a new registration. */
  restarting: { code: 1012, reason: 'rendezvous is shutting down' },
  /** A text message on a socket that never carried a stream: not a relay peer. */
  notRelay: { code: 1003, reason: 'relay frames are binary messages' },
  /** A newer socket of an executor serves this environment now. */
  replaced: { code: 4001, reason: 'replaced by a newer executor socket' },
  /** Too much waited for this socket for too long, and others were held up by it. */
  tooSlow: { code: 4002, reason: 'too slow: what waited for this socket did not drain' },
  /** The token it came in with was revoked. */
  revoked: { code: 4003, reason: 'the token was revoked' },
} as const;

export type Close = (typeof CLOSE)[keyof typeof CLOSE];
