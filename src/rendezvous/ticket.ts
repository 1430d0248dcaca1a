/**
 * Signed tickets inside the URLs that the registry hands out: releases send no header on the upgrade, so the URL itself
 * is the credential (relay.md §9.7). A ticket serves every reconnect of its holder until it expires. The key lives and
 * dies with the process: after a restart every ticket is refused with 401, and that makes executors register again and
 * harnesses ask for another bundle (§9.6, §10.2). It remembers nothing.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { TokenRole } from './token.js';

/** What a ticket lets in. */
export interface Ticket {
  readonly role: TokenRole;
  readonly environmentId: string;
  /** The registration id of an executor; of a harness, the id of the token it asked with. Neither is a secret. */
  readonly holder: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

export type TicketFault = 'missing_signature' | 'missing_expiry' | 'invalid_expiry' | 'invalid_signature';

/** Ticket as query members of a URL, `role` included; its environment is in the path. */
export type TicketQuery = Readonly<Record<string, string>>;

/** The query member that names the holder. */
const HOLDER: Readonly<Record<TokenRole, string>> = { executor: 'registration', harness: 'token_id' };

const SIGNATURE = 'signature';
const EXPIRES = 'expires';

export class TicketOffice {
  readonly #key = randomBytes(32);

  issue(ticket: Ticket): TicketQuery {
    const { role, holder } = ticket;
    const expires = String(ticket.expires);
    const signature = this.#sign(role, ticket.environmentId, holder, expires);
    return { role, [HOLDER[role]]: holder, [EXPIRES]: expires, [SIGNATURE]: signature };
  }

  /** The ticket of an upgrade request, or the name of what is wrong with it. */
  check(role: TokenRole, environmentId: string, query: URLSearchParams, now = Date.now()): Ticket | TicketFault {
    const signature = query.get(SIGNATURE);
    const holder = query.get(HOLDER[role]);
    const expires = query.get(EXPIRES);
    if (!signature || !holder) return 'missing_signature';
    if (!expires) return 'missing_expiry';
    if (!/^\d{1,16}$/.test(expires)) return 'invalid_expiry';
    // As text: decoders pass over what is no base64, and then a signature would have many forms.
    const expected = Buffer.from(this.#sign(role, environmentId, holder, expires));
    const presented = Buffer.from(signature);
    if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) return 'invalid_signature';
    if (Number(expires) <= now) return 'invalid_expiry';
    return { role, environmentId, holder, expires: Number(expires) };
  }

  #sign(role: TokenRole, environmentId: string, holder: string, expires: string): string {
    // Lengths cannot shift between members: JSON keeps them apart.
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([role, environmentId, holder, expires]))
      .digest('base64url');
  }
}

/** Whether a query means to show a ticket at all, good or bad. */
export function bearsTicket(query: URLSearchParams): boolean {
  return query.has(SIGNATURE) || query.has(EXPIRES);
}
