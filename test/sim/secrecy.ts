/**
 * The encryption of a simulated world: production handshakes and channels, with keys from a seed, so that a run stays
 * the same run. Only the key encapsulation is a stand-in: it is quick, and hides nothing from anybody who knows it.
 */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { InitiatorOffice } from '../../src/noise/initiator-office.js';
import type { Encapsulated, Kem, KemKeyPair } from '../../src/noise/kem.js';
import { ResponderOffice } from '../../src/noise/responder-office.js';
import { SecretBytes } from '../../src/noise/secret-bytes.js';
import { KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_KEY_BYTES } from '../../src/noise/suite.js';
import type { DhKeyPair } from '../../src/noise/x25519.js';
import { silentLog } from '../../src/observe/log.js';
import { type Random, seededRandom } from '../stand-ins/seeded-random.js';

const REGISTRATION = { environmentId: 'simulated', registrationId: 'registration' };
/** What DER puts before the 32 bytes of an X25519 secret (RFC 8410). */
const SECRET_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const MESSAGE_BYTES = 64 * 1024 * 1024;

/** Drawn from in each run: making a key pair takes longer than a whole handshake. */
const keyPairs: readonly DhKeyPair[] = Array.from({ length: 200 }, (_, index) => fixedKeyPair(index));

function fixedKeyPair(index: number): DhKeyPair {
  const secret = createHash('sha256').update(`key pair ${index}`).digest();
  const der = Buffer.concat([SECRET_PREFIX, secret]);
  const secretKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(secretKey).export({ format: 'jwk' });
  return { publicKey: Buffer.from(x as string, 'base64url'), secretKey };
}

export class Secrecy {
  readonly #random: Random;
  readonly #kem: Kem;
  /** The executor that a registry would name now. */
  #executor: Promise<NoiseIdentity> | undefined;
  #executorKey: NoiseIdentity['publicKey'] | undefined;

  constructor(seed: number) {
    this.#random = seededRandom(seed ^ 0x5ec2e7);
    this.#kem = new QuickKem(this.#random);
  }

  /** Of a harness, with keys of its own; it asks for the executor anew for each handshake. */
  initiator(): InitiatorOffice {
    return new InitiatorOffice({
      identity: this.#identity(),
      kem: this.#kem,
      bundle: () =>
        this.#executorKey === undefined
          ? undefined
          : { ...REGISTRATION, url: 'simulated:', executorKey: this.#executorKey, authorization: 'granted' },
      messageBytes: MESSAGE_BYTES,
      newEphemeral: () => this.#dhKeyPair(),
    });
  }

  /** Of an executor process; the newest is the one that harnesses are told of. */
  responder(): ResponderOffice {
    const identity = this.#identity();
    this.#executor = identity;
    void identity.then(({ publicKey }) => {
      if (this.#executor === identity) this.#executorKey = publicKey;
    });
    return new ResponderOffice({
      identity,
      kem: this.#kem,
      registration: () => REGISTRATION,
      ask: () => Promise.resolve('granted'),
      log: silentLog,
      messageBytes: MESSAGE_BYTES,
      newEphemeral: () => this.#dhKeyPair(),
    });
  }

  async #identity(): Promise<NoiseIdentity> {
    return new NoiseIdentity(this.#dhKeyPair(), await this.#kem.generate());
  }

  #dhKeyPair(): DhKeyPair {
    return keyPairs[Math.floor(this.#random() * keyPairs.length)] as DhKeyPair;
  }
}

/** The secret of a key is the key itself, and a shared secret the hash of it and of what was sent. */
class QuickKem implements Kem {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  async generate(): Promise<KemKeyPair> {
    const publicKey = bytesOf(this.#random, KEM_PUBLIC_KEY_BYTES);
    return { publicKey, secretKey: new SecretBytes(Uint8Array.from(publicKey)) };
  }

  async encapsulate(publicKey: Uint8Array): Promise<Encapsulated> {
    const ciphertext = bytesOf(this.#random, KEM_CIPHERTEXT_BYTES);
    return { ciphertext, sharedSecret: sharedSecret(publicKey, ciphertext) };
  }

  async decapsulate(secretKey: SecretBytes, ciphertext: Uint8Array): Promise<Uint8Array> {
    return sharedSecret(secretKey.bytes, ciphertext);
  }
}

function sharedSecret(key: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return createHash('sha256').update(key).update(ciphertext).digest();
}

function bytesOf(random: Random, count: number): Buffer {
  return createHash('shake256', { outputLength: count }).update(String(random())).digest();
}
