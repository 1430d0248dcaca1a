/**
 * Who may open a WebSocket on a listener (jsonrpc.md §1): holders of one capability token, or of a signed bearer token.
 * It judges an Authorization header and knows neither sockets nor files.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { errors as JwtErrors } from 'jose';
import { SignalboxError } from '../../proto/signalbox-error.js';

/** Resolves with the text of a 401, or with undefined for somebody who may come in. Never rejects. */
export type ListenerAuth = (authorization: string | undefined) => Promise<string | undefined>;

export interface SignedBearerOptions {
  /** At least 32 bytes. */
  readonly secret: Uint8Array;
  readonly issuer?: string;
  readonly audience?: string;
  /** How far the clocks may differ; 30 by default. */
  readonly maxClockSkewSeconds?: number;
}

/** The settings cannot work. */
class ListenerAuthError extends SignalboxError {
  constructor(message: string) {
    super('listener_auth_invalid', message, { scope: 'connection', initiator: 'local' });
  }
}

const SHORTEST_SECRET_BYTES = 32;
const CLOCK_SKEW_SECONDS = 30;
const INVALID_TOKEN = 'invalid websocket bearer token';
const INVALID_JWT = 'invalid websocket jwt';

/** `sha256` is the digest of the token, so that the token itself need not be kept; 32 bytes. */
export function capabilityTokenAuth(sha256: Uint8Array): ListenerAuth {
  if (sha256.byteLength !== 32) throw new ListenerAuthError('the SHA-256 of a capability token has 64 hex digits');
  return async (authorization) =>
    withBearer(authorization, async (token) => (timingSafeEqual(digestOf(token), sha256) ? undefined : INVALID_TOKEN));
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** HS256; `exp` is required. Throws {@link ListenerAuthError}. */
export function signedBearerAuth(options: SignedBearerOptions): ListenerAuth {
  const { secret, issuer, audience, maxClockSkewSeconds: clockTolerance = CLOCK_SKEW_SECONDS } = options;
  if (secret.byteLength < SHORTEST_SECRET_BYTES) {
    throw new ListenerAuthError(`the shared secret must have at least ${SHORTEST_SECRET_BYTES} bytes`);
  }
  // Few programs need it, and it is fifty files.
  const jwt = import('jose');
  return async (authorization) =>
    withBearer(authorization, async (token) => {
      const { errors, jwtVerify } = await jwt;
      try {
        await jwtVerify(token, secret, {
          algorithms: ['HS256'],
          requiredClaims: ['exp'],
          clockTolerance,
          ...(issuer === undefined ? {} : { issuer }),
          ...(audience === undefined ? {} : { audience }),
        });
        return undefined;
      } catch (error) {
        return refusalOf(error, errors);
      }
    });
}

async function withBearer(
  authorization: string | undefined,
  judge: (token: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  if (authorization === undefined) return 'missing websocket bearer token';
  const [scheme = '', ...rest] = authorization.split(' ');
  const token = rest.join(' ').trim();
  if (scheme.toLowerCase() !== 'bearer' || token === '') return 'invalid authorization header';
  return await judge(token);
}

function refusalOf(error: unknown, errors: typeof JwtErrors): string {
  if (error instanceof errors.JWTExpired) return 'expired websocket jwt';
  if (!(error instanceof errors.JWTClaimValidationFailed)) return INVALID_JWT;
  switch (error.claim) {
    case 'nbf':
      return 'websocket jwt is not valid yet';
    case 'iss':
      return 'websocket jwt issuer mismatch';
    case 'aud':
      return 'websocket jwt audience mismatch';
    default:
      return INVALID_JWT;
  }
}
