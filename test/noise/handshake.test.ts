/**
 * Handshakes between our two ends with chance keys, and everything a relay in between might do to them.
 */
import { inspect } from 'node:util';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { InitiatorHandshake, type InitiatorOptions } from '../../src/noise/initiator-handshake.js';
import { samePublicKey } from '../../src/noise/public-key.js';
import { ResponderHandshake, type ResponderOptions } from '../../src/noise/responder-handshake.js';
import type { SecretBytes } from '../../src/noise/secret-bytes.js';
import { AUTHORIZATION_BYTES, MESSAGE_1_BYTES, MESSAGE_2_BYTES } from '../../src/noise/suite.js';
import { SymmetricState } from '../../src/noise/symmetric-state.js';
import { InlineKem } from './inline-kem.js';

const AUTHORIZATION = 'authorization of this test: äöü';
const binding = { environmentId: 'env-1', registrationId: 'registration-1', streamId: 'stream-1' };

const kem = new InlineKem();
let harness: NoiseIdentity;
let executor: NoiseIdentity;
let identitySecrets: ReadonlySet<Uint8Array>;

beforeAll(async () => {
  [harness, executor] = [await NoiseIdentity.generate(kem), await NoiseIdentity.generate(kem)];
  identitySecrets = new Set(kem.secrets);
});

beforeEach(() => {
  kem.secrets.length = 0;
});

const begin = (options: Partial<InitiatorOptions> = {}) =>
  InitiatorHandshake.begin({
    identity: harness,
    executorKey: executor.publicKey,
    binding,
    authorization: AUTHORIZATION,
    kem,
    ...options,
  });
const read = (message: Uint8Array, options: Partial<ResponderOptions> = {}) =>
  ResponderHandshake.read(message, { identity: executor, binding, kem, ...options });

async function shakeHands() {
  const initiator = await begin();
  const { message, channel } = await (await read(initiator.message)).accept();
  return { initiator, message2: message, harnessChannel: await initiator.finish(message), executorChannel: channel };
}

const textsOf = (messages: readonly Uint8Array[]) => messages.map((message) => Buffer.from(message).toString('utf8'));

const flipped = (message: Uint8Array, bit: number) => {
  const altered = Buffer.from(message);
  altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
  return altered;
};

/** The last thing a message encrypts is its payload: here another one. */
function smuggle(payload: Uint8Array): void {
  const original = SymmetricState.prototype.encryptAndHash;
  vi.spyOn(SymmetricState.prototype, 'encryptAndHash').mockImplementation(function (this: SymmetricState, plaintext) {
    const isPayload = plaintext.length === 0 || Buffer.from(plaintext).toString() === AUTHORIZATION;
    return original.call(this, isPayload ? payload : plaintext);
  });
}

describe('a handshake', () => {
  it('gives both ends the same channel, and the executor the key and the authorization', async () => {
    const initiator = await begin();
    expect(initiator.message).toHaveLength(MESSAGE_1_BYTES + Buffer.byteLength(AUTHORIZATION));
    const responder = await read(initiator.message);
    expect(responder.authorization).toBe(AUTHORIZATION);
    expect(samePublicKey(responder.harnessKey, harness.publicKey)).toBe(true);
    const { message, channel } = await responder.accept();
    expect(message).toHaveLength(MESSAGE_2_BYTES);
    const other = await initiator.finish(message);
    expect(other.handshakeHash).toEqual(channel.handshakeHash);
    for (const [number, text] of ['one', 'two'].entries()) {
      const [there] = other.seal(Buffer.from(text)) as [Buffer];
      const [back] = channel.seal(Buffer.from(text)) as [Buffer];
      expect(textsOf(channel.open(there, number))).toEqual([text]);
      expect(textsOf(other.open(back, number))).toEqual([text]);
    }
  });

  it('never gives the same keys twice', async () => {
    const [first, second] = [await shakeHands(), await shakeHands()];
    const plaintext = [Buffer.from('the same')];
    const sealed = [first, second].flatMap(({ harnessChannel, executorChannel }) =>
      [harnessChannel, executorChannel].map(({ sealer }) => sealer.seal(plaintext).toString('hex')),
    );
    expect(new Set(sealed).size).toBe(4);
  });

  it('leaves no secret of its own in memory', async () => {
    const states: SymmetricState[] = [];
    const mixKey = SymmetricState.prototype.mixKey;
    vi.spyOn(SymmetricState.prototype, 'mixKey').mockImplementation(function (this: SymmetricState, secret) {
      if (!states.includes(this)) states.push(this);
      mixKey.call(this, secret);
    });
    await shakeHands();
    // 2 ephemeral keys, 3 encapsulations and 3 decapsulations.
    expect(kem.secrets).toHaveLength(8);
    for (const secret of kem.secrets) expect(secret.every((byte) => byte === 0)).toBe(true);
    for (const secret of identitySecrets) expect(secret.some((byte) => byte !== 0)).toBe(true);
    expect(states).toHaveLength(2);
    for (const state of states) {
      expect((state as unknown as { chainingKey: SecretBytes }).chainingKey.isWiped).toBe(true);
    }
  });

  it('leaves none either when nothing comes of it', async () => {
    (await begin()).discard();
    (await read((await begin()).message)).discard();
    const abandoned = await begin();
    await expect(abandoned.finish(new Uint8Array(MESSAGE_2_BYTES))).rejects.toThrow();
    await expect(read(new Uint8Array(MESSAGE_1_BYTES))).rejects.toThrow();
    const forgotten = kem.secrets.filter((secret) => secret.length === 32 && secret.some((byte) => byte !== 0));
    expect(forgotten).toEqual([]);
  });

  it('shows none when it is printed', async () => {
    const responder = await read((await begin()).message);
    const values = [harness, executor, await begin(), responder, (await shakeHands()).harnessChannel];
    const shown = values
      .flatMap((value) => [inspect(value, { depth: 10, maxArrayLength: 5000 }), JSON.stringify(value)])
      .join()
      .replaceAll(/\s/g, '');
    const shows = (bytes: Uint8Array) => {
      const start = [...bytes.subarray(0, 8)];
      return shown.includes(start.join(',')) || shown.includes(Buffer.from(start).toString('hex'));
    };
    expect(shows(harness.publicKey.kem)).toBe(true);
    const secrets = [...identitySecrets, ...kem.secrets].filter((bytes) => bytes.some((byte) => byte !== 0));
    expect(secrets.length).toBeGreaterThan(2);
    for (const secret of secrets) expect(shows(secret)).toBe(false);
    expect(shown).not.toContain(AUTHORIZATION.replaceAll(/\s/g, ''));
  });

  it('can be abandoned while it is under way', async () => {
    const responder = await read((await begin()).message);
    const accepting = responder.accept();
    responder.discard();
    await expect(accepting).rejects.toMatchObject({ code: 'noise_secret_wiped', initiator: 'local' });
    const initiator = await begin();
    const { message } = await (await read(initiator.message)).accept();
    const finishing = initiator.finish(message);
    initiator.discard();
    await expect(finishing).rejects.toMatchObject({ code: 'noise_secret_wiped' });
    expect(kem.secrets.filter((secret) => secret.length === 32).every((secret) => secret.every((b) => b === 0))).toBe(
      true,
    );
  });
});

describe('R11: somebody between harness and executor', () => {
  const failed = { code: 'noise_handshake_failed', initiator: 'peer', scope: 'stream' };
  const malformed = { code: 'noise_handshake_malformed', initiator: 'peer' };

  it.each(['environmentId', 'registrationId', 'streamId'] as const)(
    'cannot use a handshake for another %s',
    async (member) => {
      const { message } = await begin();
      await expect(read(message, { binding: { ...binding, [member]: 'another' } })).rejects.toMatchObject(failed);
    },
  );

  it('cannot answer with a key of its own', async () => {
    const impostor = await NoiseIdentity.generate(kem);
    const initiator = await begin();
    await expect(read(initiator.message, { identity: impostor })).rejects.toMatchObject(failed);
    // Nor with an answer to a handshake that it made itself, with the executor's key for a name.
    const ownHandshake = await begin({ executorKey: impostor.publicKey });
    const { message } = await (await read(ownHandshake.message, { identity: impostor })).accept();
    await expect(initiator.finish(message)).rejects.toMatchObject(failed);
  });

  it('cannot splice the answer of another stream, or of the same one earlier', async () => {
    const [one, other] = [await begin(), await begin()];
    const { message } = await (await read(other.message)).accept();
    await expect(one.finish(message)).rejects.toMatchObject(failed);
  });

  it('gains nothing by playing message 1 again', async () => {
    const { initiator, harnessChannel } = await shakeHands();
    const recorded = harnessChannel.seal(Buffer.from('rm -rf')) as [Buffer];
    const again = await (await read(initiator.message)).accept();
    expect(() => again.channel.open(recorded[0], 0)).toThrow(
      expect.objectContaining({ code: 'noise_record_unauthentic' }),
    );
  });

  it('cannot alter a bit of either message', async () => {
    const initiator = await begin();
    const bits = initiator.message.length * 8;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: bits - 1 }), async (bit) => {
        await expect(read(flipped(initiator.message, bit))).rejects.toMatchObject(failed);
      }),
      { numRuns: 60, examples: [[0], [1088 * 8], [1120 * 8 - 1], [2304 * 8 - 1], [3552 * 8], [bits - 1]] },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: MESSAGE_2_BYTES * 8 - 1 }), async (bit) => {
        const greeting = await begin();
        const { message } = await (await read(greeting.message)).accept();
        await expect(greeting.finish(flipped(message, bit))).rejects.toMatchObject(failed);
      }),
      { numRuns: 25, examples: [[0], [1088 * 8], [2192 * 8], [2224 * 8 - 1], [3408 * 8 - 1]] },
    );
  }, 60_000);

  it('cannot cut or lengthen either message', async () => {
    const initiator = await begin();
    const { message } = await (await read(initiator.message)).accept();
    for (const length of [0, 1, 1088, MESSAGE_1_BYTES - 1]) {
      await expect(read(initiator.message.subarray(0, length))).rejects.toMatchObject(malformed);
    }
    const longest = MESSAGE_1_BYTES + AUTHORIZATION_BYTES;
    await expect(read(new Uint8Array(longest + 1))).rejects.toMatchObject(malformed);
    expect(kem.secrets.length).toBeLessThan(10);
    for (const length of [MESSAGE_1_BYTES, initiator.message.length - 1]) {
      await expect(read(initiator.message.subarray(0, length))).rejects.toMatchObject(failed);
    }
    await expect(read(Buffer.concat([initiator.message, Buffer.from('x')]))).rejects.toMatchObject(failed);
    for (const length of [0, MESSAGE_2_BYTES - 1]) {
      await expect((await begin()).finish(message.subarray(0, length))).rejects.toMatchObject(malformed);
    }
    await expect((await begin()).finish(Buffer.concat([message, Buffer.alloc(65_535)]))).rejects.toMatchObject(
      malformed,
    );
    await expect(initiator.finish(Buffer.concat([message, Buffer.from('x')]))).rejects.toMatchObject(failed);
  });
});

describe('a harness that does not keep to the protocol', () => {
  it.each([
    ['nothing', Buffer.from('')],
    ['what is no text', Buffer.from([0x61, 0xff, 0xfe])],
    ['half a character', Buffer.from('ä').subarray(0, 1)],
  ])('is refused when it sends %s for an authorization', async (_what, payload) => {
    smuggle(payload);
    const { message } = await begin();
    await expect(read(message)).rejects.toMatchObject({ code: 'noise_authorization_invalid', initiator: 'peer' });
  });

  it('may send an authorization of 4,096 bytes, and no larger one', async () => {
    const responder = await read((await begin({ authorization: 'x'.repeat(4096) })).message);
    expect(responder.authorization).toHaveLength(4096);
    for (const authorization of ['', 'x'.repeat(4097), 'ä'.repeat(2049), '\ud800']) {
      await expect(begin({ authorization })).rejects.toMatchObject({ code: 'noise_authorization_invalid' });
    }
  });

  it('is refused when its X25519 key gives no secret', async () => {
    const message = Buffer.from((await begin()).message);
    message.fill(0, 1088, 1120);
    await expect(read(message)).rejects.toMatchObject({ code: 'noise_handshake_failed', initiator: 'peer' });
  });

  it('is refused when nothing can be encapsulated to its key', async () => {
    const broken = new InlineKem();
    vi.spyOn(broken, 'generate').mockImplementation(async () => {
      const { secretKey } = await kem.generate();
      return { publicKey: new Uint8Array(1184).fill(255), secretKey };
    });
    const responder = await read((await begin({ kem: broken })).message);
    await expect(responder.accept()).rejects.toThrow(/publicKey/);
  });
});

describe('an answer with a payload', () => {
  it('says that the registry refuses the executor', async () => {
    const initiator = await begin();
    const message = await (await read(initiator.message)).rejectCredential();
    expect(message).toHaveLength(MESSAGE_2_BYTES + 41);
    const rejected = { code: 'noise_credential_rejected', initiator: 'peer' };
    await expect(initiator.finish(message)).rejects.toMatchObject(rejected);
  });

  it('is no channel when the payload is another', async () => {
    const initiator = await begin();
    const responder = await read(initiator.message);
    smuggle(Buffer.from('codex-registry-authentication-rejected/v2'));
    const { message } = await responder.accept();
    await expect(initiator.finish(message)).rejects.toMatchObject({ code: 'noise_payload_unexpected' });
  });
});
