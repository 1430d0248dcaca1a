/**
 * The registrations whose URL can still be used, and with them the public keys that `connect` hands to harnesses.
 * One that is forgotten is no registration any more: its executor is told to register again. Bounded in number and time;
 * an attached executor keeps its own (environment.ts), whatever happens here.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../machines/clock.js';
import type { NoisePublicKey } from '../noise/public-key.js';

export interface Registration {
  readonly id: string;
  readonly environmentId: string;
  /** Of the token it was made with. */
  readonly tokenId: string;
  /** Milliseconds since 1970. The later of two registrations is the newer one. */
  readonly expires: number;
  /** Undefined for an executor that speaks cleartext. */
  readonly executorKey: NoisePublicKey | undefined;
}

interface RegistrationsOptions {
  /** Milliseconds that each is kept. */
  readonly lifetimeMs: number;
  /** Of one environment; a further one takes the place of the oldest. */
  readonly mostPerEnvironment: number;
  /** Of all; a further one takes the place of the oldest. */
  readonly most: number;
  readonly clock: Clock;
}

interface Kept {
  readonly registration: Registration;
  /** By the clock, when it is forgotten. */
  readonly due: number;
}

export class Registrations {
  readonly #options: RegistrationsOptions;
  /** Id → registration. Oldest first, and so are those inside {@link #ofEnvironment}: all live equally long. */
  readonly #kept = new Map<string, Kept>();
  readonly #ofEnvironment = new Map<string, Set<string>>();
  #timer: unknown;

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** A new one, with an id of its own; `now` in milliseconds since 1970. */
  add(registered: Pick<Registration, 'environmentId' | 'tokenId' | 'executorKey'>, now = Date.now()): Registration {
    const { lifetimeMs, mostPerEnvironment, most, clock } = this.#options;
    const registration = { ...registered, id: randomUUID(), expires: now + lifetimeMs };
    const siblings = this.#ofEnvironment.get(registration.environmentId) ?? new Set();
    if (siblings.size >= mostPerEnvironment) this.#forgetFirst(siblings);
    if (this.#kept.size >= most) this.#forgetFirst(this.#kept.keys());
    this.#kept.set(registration.id, { registration, due: clock.now() + lifetimeMs });
    siblings.add(registration.id);
    this.#ofEnvironment.set(registration.environmentId, siblings);
    this.#arm();
    return registration;
  }

  find(id: string): Registration | undefined {
    return this.#kept.get(id)?.registration;
  }

  /** Forgets all. */
  close(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#kept.clear();
    this.#ofEnvironment.clear();
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    const [oldest] = this.#kept.values();
    if (oldest === undefined) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimeout(() => this.#forgetDue(), Math.max(0, oldest.due - clock.now()));
  }

  #forgetDue(): void {
    this.#timer = undefined;
    const now = this.#options.clock.now();
    for (const [id, { due }] of this.#kept) {
      if (due > now) break;
      this.#forget(id);
    }
    this.#arm();
  }

  #forgetFirst(ids: Iterable<string>): void {
    for (const id of ids) {
      this.#forget(id);
      return;
    }
  }

  #forget(id: string): void {
    const environmentId = this.#kept.get(id)?.registration.environmentId;
    if (environmentId === undefined) return;
    this.#kept.delete(id);
    const siblings = this.#ofEnvironment.get(environmentId);
    siblings?.delete(id);
    if (siblings?.size === 0) this.#ofEnvironment.delete(environmentId);
  }
}
