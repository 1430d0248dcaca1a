/**
 * What the registry does with calls that are let in (relay.md §9.1 to 9.4): it registers executors, tells harnesses the
 * key and the address of the one that is attached, and tells executors whom it let in. It reads no HTTP. Tickets and
 * authorizations are handed out here and never logged.
 */
import type * as v from 'valibot';
import type { AuthorizationOffice } from '../noise/authorization-office.js';
import { type NoisePublicKey, publicKeyToJson } from '../noise/public-key.js';
import {
  type connectReply,
  connectRequest,
  type registerReply,
  registerRequest,
  type validateReply,
  validateRequest,
} from '../noise/registry-messages.js';
import { SECURITY_PROFILE } from '../noise/suite.js';
import type { Logger } from '../observe/log.js';
import type { environmentsReply } from '../registry/environments-call.js';
import { Refusal } from './refusal.js';
import type { Registration, Registrations } from './registrations.js';
import { messageIn, type RequestBody } from './request-body.js';
import { ticketUrl } from './socket-url.js';
import type { TicketOffice } from './ticket.js';
import type { TokenRecord } from './token.js';

export interface RegistrarOptions {
  readonly tickets: TicketOffice;
  readonly registrations: Registrations;
  readonly authorizations: AuthorizationOffice;
  /** Milliseconds that the URL of a harness lets it in; that of an executor lives as long as its registration. */
  readonly ticketLifetimeMs: number;
  /** The registration of the executor that is attached now. */
  readonly attached: (environmentId: string) => Registration | undefined;
  /** Resolves soon when there is none, and later when one is expected, at the latest when it is there. */
  readonly expected: (environmentId: string) => Promise<void>;
  readonly log: Logger;
}

/** Who calls, as its token says. */
export interface Caller {
  readonly environmentId: string;
  readonly tokenId: string;
}

/** Releases up to 0.131 say `executor` where later ones say `environment`. */
export type Generation = 'executor' | 'environment';

type LegacyReply = { readonly url: string } & Partial<Record<`${Generation}_id`, string>>;

/** Ids that callers make up are logged up to this length, and without what a terminal might act on. */
const LONGEST_LOGGED = 64;

export class Registrar {
  readonly #options: RegistrarOptions;

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  /** For an executor; `base` is the address its URL begins with. Throws {@link Refusal}, as the other calls do. */
  register(
    caller: Caller,
    generation: Generation,
    body: RequestBody,
    base: string,
  ): v.InferInput<typeof registerReply> | LegacyReply {
    const { environmentId } = caller;
    // Either member means Noise: who leaves out the other one must hear of it, not be registered for cleartext.
    const speaksNoise = 'security_profile' in body || 'executor_public_key' in body;
    if (speaksNoise && generation === 'executor') {
      const remedy = 'register at /cloud/environment/{id}/register';
      throw new Refusal(400, 'security_profile_unsupported', `at this path executors speak cleartext; ${remedy}`);
    }
    const executorKey = speaksNoise ? messageIn(registerRequest, body).executor_public_key : undefined;
    const registration = this.#options.registrations.add({ ...caller, executorKey });
    const { id, expires } = registration;
    const ticket = this.#options.tickets.issue({ role: 'executor', environmentId, holder: id, expires });
    const url = ticketUrl(base, environmentId, ticket);
    this.#options.log.info(
      { environmentId, registrationId: id, profile: speaksNoise ? SECURITY_PROFILE : 'cleartext' },
      'executor registered',
    );
    if (!speaksNoise) return { [`${generation}_id`]: environmentId, url };
    return { environment_id: environmentId, url, security_profile: SECURITY_PROFILE, executor_registration_id: id };
  }

  /** For a harness: all it needs to connect and shake hands once. */
  async connect(caller: Caller, body: RequestBody, base: string): Promise<v.InferInput<typeof connectReply>> {
    const { environmentId, tokenId } = caller;
    const { harness_public_key: harnessKey } = messageIn(connectRequest, body);
    if (this.#options.attached(environmentId) === undefined) await this.#options.expected(environmentId);
    const { registrationId, executorKey } = this.#executorOf(environmentId);
    const expires = Date.now() + this.#options.ticketLifetimeMs;
    const ticket = this.#options.tickets.issue({ role: 'harness', environmentId, holder: tokenId, expires });
    this.#options.log.info({ environmentId, registrationId, tokenId }, 'harness told how to connect');
    return {
      environment_id: environmentId,
      url: ticketUrl(base, environmentId, ticket),
      security_profile: SECURITY_PROFILE,
      executor_registration_id: registrationId,
      executor_public_key: publicKeyToJson(executorKey),
      harness_key_authorization: this.#options.authorizations.issue({ environmentId, registrationId, harnessKey }),
    };
  }

  /** For an executor: whether a harness that shakes hands with it was let in. `streamId` is what it says, for the log. */
  validate(caller: Caller, body: RequestBody, streamId?: string): v.InferInput<typeof validateReply> {
    const { environmentId } = caller;
    const message = messageIn(validateRequest, body);
    const registrationId = message.executor_registration_id;
    const grant = { environmentId, registrationId, harnessKey: message.harness_public_key };
    const fault = this.#options.authorizations.redeem(message.harness_key_authorization, grant);
    const facts = {
      environmentId,
      registrationId: loggable(registrationId),
      ...(streamId === undefined ? {} : { streamId: loggable(streamId) }),
    };
    if (fault === undefined) this.#options.log.info(facts, 'harness let in');
    else this.#options.log.warn({ ...facts, code: fault }, 'harness not let in');
    return { valid: fault === undefined };
  }

  /** For whoever holds a token: what it is, and the one environment it is for. Of other environments nothing is said. */
  environments({ id, role, environmentId }: TokenRecord): v.InferInput<typeof environmentsReply> {
    const registration = this.#options.attached(environmentId);
    const environment = {
      environment_id: environmentId,
      online: registration !== undefined,
      // As executors register: without a key they speak cleartext.
      security_profile: registration?.executorKey === undefined ? null : SECURITY_PROFILE,
    };
    return { token: { id, role }, environments: [environment] };
  }

  #executorOf(environmentId: string): { readonly registrationId: string; readonly executorKey: NoisePublicKey } {
    const registration = this.#options.attached(environmentId);
    if (registration === undefined) {
      throw new Refusal(409, 'environment_offline', 'no executor of this environment is connected; try again later');
    }
    const { id: registrationId, executorKey } = registration;
    if (executorKey !== undefined) return { registrationId, executorKey };
    throw new Refusal(
      409,
      'security_profile_unsupported',
      'the executor of this environment registered for cleartext, not for Noise: let the harness do the same ' +
        '(signalbox exec --relay cleartext), or start the executor without --relay cleartext',
    );
  }
}

function loggable(text: string): string {
  return text.slice(0, LONGEST_LOGGED).replaceAll(/[^\x20-\x7e]/g, '?');
}
