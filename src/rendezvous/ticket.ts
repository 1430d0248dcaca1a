/**
 * Signed tickets inside executor URLs: releases send no header on the upgrade, so the URL itself is the credential
 * (relay.md §9.7). A ticket serves every reconnect of its registration until it expires. The key lives and dies with
 * the process: after a restart every ticket is refused with 401, and that makes executors register again (§10.2).
 */
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';

export interface Ticket {
  readonly environmentId: string;
  readonly registrationId: string;
  /** Milliseconds since 1970. The later of two tickets is the newer registration. */
  readonly expires: number;
}

export type TicketFault = 'missing_signature' | 'missing_expiry' | 'invalid_expiry' | 'invalid_signature';

/** Ticket as query members of an executor URL, `role` included. */
export type TicketQuery = Readonly<Record<'role' | 'registration' | 'expires' | 'signature', string>>;

const ROLE = 'executor';

export class TicketOffice {
  readonly #key = randomBytes(32);
  readonly #lifetimeMs: number;

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  issue(environmentId: string, now = Date.now()): TicketQuery {
    const registrationId = randomUUID();
    const expires = String(now + this.#lifetimeMs);
    return {
      role: ROLE,
      registration: registrationId,
      expires,
      signature: this.#sign(environmentId, registrationId, expires).toString('base64url'),
    };
  }

  /** The ticket of an upgrade request, or the name of what is wrong with it. */
  check(environmentId: string, query: URLSearchParams, now = Date.now()): Ticket | TicketFault {
    const signature = query.get('signature');
    const registrationId = query.get('registration');
    const expires = query.get('expires');
    if (!signature || !registrationId) return 'missing_signature';
    if (!expires) return 'missing_expiry';
    if (!/^\d{1,16}$/.test(expires)) return 'invalid_expiry';
    const expected = this.#sign(environmentId, registrationId, expires);
    const presented = Buffer.from(signature, 'base64url');
    if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) return 'invalid_signature';
    if (Number(expires) <= now) return 'invalid_expiry';
    return { environmentId, registrationId, expires: Number(expires) };
  }

  #sign(environmentId: string, registrationId: string, expires: string): Buffer {
    // Lengths cannot shift between members: JSON keeps them apart.
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([ROLE, environmentId, registrationId, expires]))
      .digest();
  }
}
