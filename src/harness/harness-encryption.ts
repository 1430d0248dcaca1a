/**
 * What a harness needs for encrypted streams: keys of its own for as long as its session lasts (relay.md §6.9), and from
 * the registry the executor's key and a permission for each handshake (§9.3). It asks once a call; trying again is for
 * others.
 */
import * as v from 'valibot';
import { LocateError, type Location } from '../../machines/connection-types.js';
import { NoiseIdentity } from '../noise/identity.js';
import { type ConnectBundle, InitiatorOffice } from '../noise/initiator-office.js';
import type { OpenedKem } from '../noise/kem.js';
import { MainThreadKem } from '../noise/main-thread-kem.js';
import { nativeKem } from '../noise/native-kem.js';
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

export class HarnessEncryption {
  readonly initiator: InitiatorOffice;
  readonly #address: RegistryAddress;
  readonly #identity: Promise<NoiseIdentity>;
  #bundle: ConnectBundle | undefined;

  /** `messageBytes` bounds one message of the executor. */
  constructor(address: RegistryAddress, messageBytes: number, kem: OpenedKem = nativeKem() ?? new MainThreadKem()) {
    this.#address = address;
    this.#identity = NoiseIdentity.generate(kem);
    // Whoever needs it is told; nobody may.
    this.#identity.catch(() => {});
    this.initiator = new InitiatorOffice({
      identity: this.#identity,
      kem,
      bundle: () => this.#bundle,
      messageBytes,
    });
  }

  /** Asks where the executor is; the next handshake is with that one. Rejects with {@link LocateError}. */
  async locate(signal: AbortSignal): Promise<Location> {
    refuseUnusableAddress(this.#address);
    const { publicKey } = await this.#identity;
    const path = environmentPath(this.#address, 'connect');
    const json = { harness_public_key: publicKeyToJson(publicKey) };
    const bundle = bundleIn(await callRegistry(this.#address, { path, json }, signal), this.#address);
    this.#bundle = bundle;
    return { url: bundle.url, isRenewable: true };
  }

  /** No handshake can be begun any more. */
  close(): void {
    this.#identity.then(
      (identity) => identity.wipe(),
      () => {},
    );
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
