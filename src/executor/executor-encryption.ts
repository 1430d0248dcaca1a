/**
 * What an executor needs for encrypted streams: its keys, made at its start and kept over reconnects and registrations
 * (relay.md §6.9), the registration under which harnesses find it now, and who answers their handshakes.
 */
import type { Agent } from 'node:http';
import { NoiseIdentity } from '../noise/identity.js';
import type { Kem, OpenedKem } from '../noise/kem.js';
import { openKem } from '../noise/open-kem.js';
import { ResponderOffice } from '../noise/responder-office.js';
import { Turns } from '../noise/turns.js';
import type { Logger } from '../observe/log.js';
import type { RegistryAddress } from '../registry/registry-call.js';
import { registryConnections } from '../registry/registry-connections.js';
import { checkHarness } from './harness-check.js';
import { type Registration, registerKey } from './registration.js';

export class ExecutorEncryption {
  readonly responder: ResponderOffice;
  readonly #address: RegistryAddress;
  readonly #connections: Agent;
  readonly #kem: OpenedKem = openKem();
  readonly #identity: Promise<NoiseIdentity>;
  #registration: { readonly environmentId: string; readonly registrationId: string } | undefined;

  constructor(address: RegistryAddress, { log, messageBytes }: { log: Logger; messageBytes: number }) {
    this.#address = address;
    this.#connections = registryConnections(address.remote);
    this.#identity = NoiseIdentity.generate(this.#kem);
    // Whoever needs it is told; nobody may.
    this.#identity.catch(() => {});
    const turns = new Turns();
    this.responder = new ResponderOffice({
      identity: this.#identity,
      kem: inTurns(this.#kem, turns),
      registration: () => this.#registration,
      ask: (request, signal) => turns.after(checkHarness(address, request, { signal, connections: this.#connections })),
      log,
      messageBytes,
    });
  }

  /** Registers; handshakes from now on are those of this registration. Rejects with LocateError. */
  async register(signal: AbortSignal): Promise<Registration> {
    const registration = await registerKey(this.#address, (await this.#identity).publicKey, signal);
    const { environmentId, registrationId } = registration;
    if (registrationId !== undefined) this.#registration = { environmentId, registrationId };
    return registration;
  }

  /** Handshakes that are under way fail. */
  async close(): Promise<void> {
    this.#connections.destroy();
    await this.#kem.close();
    await this.#identity.then(
      (identity) => identity.wipe(),
      () => {},
    );
  }
}

function inTurns(kem: Kem, turns: Turns): Kem {
  return {
    generate: () => turns.after(kem.generate()),
    encapsulate: (publicKey) => turns.after(kem.encapsulate(publicKey)),
    decapsulate: (secretKey, ciphertext) => turns.after(kem.decapsulate(secretKey, ciphertext)),
  };
}
