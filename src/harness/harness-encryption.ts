/**
 * What a harness needs for an encrypted stream beside its keys: from the registry the executor's key and a permission for
 * each handshake (relay.md §9.3). One of these serves one stream at a time. It asks once a call; trying again is for
 * others.
 */
import * as v from 'valibot';
import { LocateError, type Location } from '../../machines/connection-types.js';
import { type ConnectBundle, InitiatorOffice } from '../noise/initiator-office.js';
import { publicKeyToJson } from '../noise/public-key.js';
import { connectReply } from '../noise/registry-messages.js';
import {
  callRegistry,
  environmentPath,
  errorCodeIn,
  explanationIn,
  jsonIn,
  type RegistryAddress,
  type RegistryAnswer,
  refuseUnusableAddress,
} from '../registry/registry-call.js';
import type { HarnessKeys } from './harness-keys.js';

export class HarnessEncryption {
  readonly initiator: InitiatorOffice;
  readonly #address: RegistryAddress;
  readonly #keys: HarnessKeys;
  #bundle: ConnectBundle | undefined;

  /** `messageBytes` bounds one message of the executor. */
  constructor(address: RegistryAddress, messageBytes: number, keys: HarnessKeys) {
    this.#address = address;
    this.#keys = keys;
    this.initiator = new InitiatorOffice({ ...keys, bundle: () => this.#bundle, messageBytes });
  }

  /** Asks where the executor is; the next handshake is with that one. Rejects with {@link LocateError}. */
  async locate(signal: AbortSignal): Promise<Location> {
    refuseUnusableAddress(this.#address);
    const { publicKey } = await this.#keys.identity;
    const path = environmentPath(this.#address, 'connect');
    const json = { harness_public_key: publicKeyToJson(publicKey) };
    const bundle = bundleIn(await callRegistry(this.#address, { path, json }, signal), this.#address);
    this.#bundle = bundle;
    return { url: bundle.url, isRenewable: true };
  }
}

function bundleIn(answer: RegistryAnswer, { remote, environmentId }: RegistryAddress): ConnectBundle {
  const { status, retryAfterMs, body } = answer;
  const code = errorCodeIn(body);
  if (status === 409 && code === 'environment_offline') {
    const message =
      `no executor is online for environment ${environmentId}; ` +
      `start one with: signalbox executor --remote ${remote} --environment-id ${environmentId}`;
    throw new LocateError(code, message, { final: false });
  }
  if (status < 200 || status > 299) {
    const mayPass = status >= 500 || status === 408 || status === 429;
    const message = `the registry ${remote} did not let this end use environment ${environmentId} (${status}): ${explanationIn(body)}`;
    throw new LocateError('connect_refused', message, { final: !mayPass, retryAfterMs });
  }
  const parsed = v.safeParse(connectReply, jsonIn(body));
  if (!parsed.success) {
    const where = v.getDotPath(parsed.issues[0]) ?? 'the whole';
    const message = `the registry's answer names no executor to connect to: ${where} is not as it should be`;
    throw new LocateError('connect_malformed', message, { final: true });
  }
  const reply = parsed.output;
  if (reply.environment_id !== environmentId.trim()) {
    throw new LocateError('connect_malformed', 'the registry answered for another environment', { final: true });
  }
  return {
    url: reply.url,
    environmentId: reply.environment_id,
    registrationId: reply.executor_registration_id,
    executorKey: reply.executor_public_key,
    authorization: reply.harness_key_authorization,
  };
}
