/**
 * Authorizations by which a registry recognises a harness it let in (relay.md §6.10, §9.3, §9.4): given to the harness
 * by `connect`, carried inside its handshake, shown to the registry by the executor. Each is good once, for a short
 * time, and for one harness key, environment and registration only. The key lives and dies with the process.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { NoisePublicKey } from './public-key.js';

/** What an authorization is for. */
export interface AuthorizationGrant {
  readonly environmentId: string;
  readonly registrationId: string;
  readonly harnessKey: NoisePublicKey;
}

export type AuthorizationFault =
  | 'authorization_malformed'
  /** Not issued here, or for another key, environment or registration. */
  | 'authorization_invalid'
  | 'authorization_expired'
  | 'authorization_used'
  /** More were redeemed lately than can be remembered, so none can be told from a used one. */
  | 'authorization_saturated';

export interface AuthorizationOfficeOptions {
  /** Milliseconds between `connect` and `validate`; default a minute, which a harness' own limits stay well below. */
  readonly lifetimeMs?: number;
  /** Redeemed ones that are remembered until they expire; default 65,536, a thousand a second. */
  readonly mostUsed?: number;
}

/** Opaque to everybody else: an id, milliseconds since 1970, and the signature. */
const SHAPE = /^([A-Za-z0-9_-]{22})\.(\d{1,16})\.([A-Za-z0-9_-]{43})$/;

export class AuthorizationOffice {
  readonly #key = randomBytes(32);
  readonly #lifetimeMs: number;
  readonly #mostUsed: number;
  /** Id of each redeemed one → when it expires. */
  readonly #used = new Map<string, number>();

  constructor({ lifetimeMs = 60_000, mostUsed = 65_536 }: AuthorizationOfficeOptions = {}) {
    this.#lifetimeMs = lifetimeMs;
    this.#mostUsed = mostUsed;
  }

  /** A secret: whoever has it, and the harness key, may use the environment once. */
  issue(grant: AuthorizationGrant, now = Date.now()): string {
    const id = randomBytes(16).toString('base64url');
    const expires = String(now + this.#lifetimeMs);
    return `${id}.${expires}.${this.#sign(grant, id, expires).toString('base64url')}`;
  }

  /** Undefined when it is good for this, and then never again; else what is wrong with it. */
  redeem(authorization: string, grant: AuthorizationGrant, now = Date.now()): AuthorizationFault | undefined {
    const [, id, expires, signature] = SHAPE.exec(authorization) ?? [];
    if (id === undefined || expires === undefined || signature === undefined) return 'authorization_malformed';
    const presented = Buffer.from(signature, 'base64url');
    if (!timingSafeEqual(presented, this.#sign(grant, id, expires))) return 'authorization_invalid';
    if (Number(expires) <= now) return 'authorization_expired';
    if (this.#used.has(id)) return 'authorization_used';
    if (this.#used.size >= this.#mostUsed) this.#forgetExpired(now);
    if (this.#used.size >= this.#mostUsed) return 'authorization_saturated';
    this.#used.set(id, Number(expires));
    return undefined;
  }

  #sign({ environmentId, registrationId, harnessKey }: AuthorizationGrant, id: string, expires: string): Buffer {
    const key = createHash('sha256').update(harnessKey.dh).update(harnessKey.kem).digest('hex');
    // Lengths cannot shift between members: JSON keeps them apart.
    const signed = JSON.stringify(['harness', environmentId, registrationId, key, id, expires]);
    return createHmac('sha256', this.#key).update(signed).digest();
  }

  #forgetExpired(now: number): void {
    for (const [id, expires] of this.#used) {
      if (expires <= now) this.#used.delete(id);
    }
  }
}
