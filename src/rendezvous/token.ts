/**
 * Bearer tokens: what one allows, how one is made, and how a presented one is recognised.
 * Only the SHA-256 of a token is kept. That is enough for 256 random bits; a password would need more.
 * It must not know where records are stored (token-store.ts).
 */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { SignalboxError } from '../../proto/signalbox-error.js';

/** An executor may register and serve an environment, a harness may use it. */
export const TOKEN_ROLES = ['executor', 'harness'] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];

export interface TokenRecord {
  readonly id: string;
  readonly role: TokenRole;
  readonly environmentId: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** SHA-256 of the token, in hex. */
  readonly sha256: string;
}

export interface IssuedToken {
  /** The secret itself; shown once, kept nowhere. */
  readonly token: string;
  readonly record: TokenRecord;
}

/** Where tokens are looked up; everything a rendezvous needs of them. */
export interface TokenStore {
  /** The record of this token, or undefined when nobody was given it. */
  authenticate(token: string): Promise<TokenRecord | undefined>;
  /** The record of this id, or undefined once it was revoked: tickets end with the token they were issued for. */
  find(id: string): Promise<TokenRecord | undefined>;
}

type TokenFaultCode =
  | 'environment_id_invalid'
  | 'token_file_damaged'
  | 'token_file_unreadable'
  | 'token_file_unwritable'
  | 'token_file_exposed'
  | 'token_file_busy'
  | 'token_ambiguous'
  | 'token_unknown'
  | 'too_many_tokens';

export class TokenError extends SignalboxError {
  declare readonly code: TokenFaultCode;

  constructor(code: TokenFaultCode, message: string, cause?: unknown) {
    super(code, message, { scope: 'connection', initiator: 'local', cause });
  }
}

/** Ids go into URL paths as they are (relay.md §9), so nothing that a URL gives a meaning is allowed in one. */
export const ENVIRONMENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Makes a token; throws {@link TokenError} `environment_id_invalid`. */
export function issueToken(role: TokenRole, environmentId: string): IssuedToken {
  if (!ENVIRONMENT_ID.test(environmentId)) {
    throw new TokenError(
      'environment_id_invalid',
      `environment id ${JSON.stringify(environmentId.slice(0, 80))} is not usable: ` +
        'letters, digits, dot, dash and underscore, starting with a letter or digit, at most 128 characters',
    );
  }
  const token = `sbx_${role}_${randomBytes(32).toString('base64url')}`;
  const record: TokenRecord = {
    id: randomUUID(),
    role,
    environmentId,
    createdAt: new Date().toISOString(),
    sha256: digest(token).toString('hex'),
  };
  return { token, record };
}

/** Compares with every record, so that the time taken says nothing about which one came close. */
export function findToken(records: readonly TokenRecord[], token: string): TokenRecord | undefined {
  const presented = digest(token);
  let found: TokenRecord | undefined;
  for (const record of records) {
    if (timingSafeEqual(Buffer.from(record.sha256, 'hex'), presented)) found = record;
  }
  return found;
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
