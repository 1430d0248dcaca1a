/**
 * The handshake and its records against fixed vectors, at every step, in both roles.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { InitiatorHandshake } from '../../src/noise/initiator-handshake.js';
import type { NoiseChannel } from '../../src/noise/noise-channel.js';
import { prologueOf } from '../../src/noise/prologue.js';
import { publicKeyFromJson, publicKeyToJson, samePublicKey } from '../../src/noise/public-key.js';
import { type AcceptedHandshake, ResponderHandshake } from '../../src/noise/responder-handshake.js';
import type { SecretBytes } from '../../src/noise/secret-bytes.js';
import { NOISE_PROTOCOL_NAME, NOISE_SUITE } from '../../src/noise/suite.js';
import { SymmetricState } from '../../src/noise/symmetric-state.js';
import { FixedKem, fixedDh, fixedIdentity } from './fixed-keys.js';

interface MixStep {
  readonly op: string;
  readonly inputLen: number;
  readonly h: string;
  readonly ck: string;
}

const vectors = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'));
const { inputs } = vectors;
const binding = {
  environmentId: inputs.environment_id,
  registrationId: inputs.executor_registration_id,
  streamId: inputs.stream_id,
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string) => Buffer.from(text, 'hex');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Follows every mixing step of all states, as the vectors write them down: after the step, with h and ck. */
function traceMixing(): { trace: MixStep[]; initialHash: () => string } {
  const trace: MixStep[] = [];
  const hashes: string[] = [];
  for (const op of ['mixHash', 'mixKey', 'mixKeyAndHash'] as const) {
    const original = SymmetricState.prototype[op];
    vi.spyOn(SymmetricState.prototype, op).mockImplementation(function (this: SymmetricState, input: Uint8Array) {
      const inputLen = input.length;
      original.call(this, input);
      const { hash, chainingKey } = this as unknown as { hash: Uint8Array; chainingKey: SecretBytes };
      trace.push({ op, inputLen, h: hex(hash), ck: hex(chainingKey.bytes) });
      hashes.push(hex(hash));
    });
  }
  return { trace, initialHash: () => hashes[2] as string };
}

const beginFixed = () =>
  InitiatorHandshake.begin({
    identity: fixedIdentity(inputs.initiatorStatic),
    executorKey: publicKeyFromJson(vectors.responderPublicKeyJson),
    binding,
    authorization: inputs.payload1,
    kem: new FixedKem({ ephemeral: inputs.initiatorEphemeral, encapsulations: [inputs.encaps.msg1_skem] }),
    newEphemeral: () => fixedDh(inputs.initiatorEphemeral),
  });

const readFixed = () =>
  ResponderHandshake.read(bytesOf(vectors.message1Hex), {
    identity: fixedIdentity(inputs.responderStatic),
    binding,
    kem: new FixedKem({
      ephemeral: inputs.responderEphemeral,
      encapsulations: [inputs.encaps.msg2_ekem, inputs.encaps.msg2_skem],
    }),
    newEphemeral: () => fixedDh(inputs.responderEphemeral),
  });

/** The steps of the vectors: message 1 written, message 2 written, message 2 read. */
const steps: MixStep[] = vectors.trace.map(({ op, inputLen, h, ck }: MixStep) => ({ op, inputLen, h, ck }));
const [message1Steps, message2Steps, finishSteps] = [steps.slice(0, 10), steps.slice(10, 20), steps.slice(20)];

describe('the names and the binding', () => {
  it('are those of the vectors', () => {
    expect(NOISE_SUITE).toBe(vectors.suite);
    expect(NOISE_PROTOCOL_NAME).toBe(vectors.protocolName);
    expect(hex(prologueOf(binding))).toBe(vectors.prologueHex);
    const key = fixedIdentity(inputs.responderStatic).publicKey;
    expect(publicKeyToJson(key)).toEqual(vectors.responderPublicKeyJson);
    expect(samePublicKey(key, publicKeyFromJson(vectors.responderPublicKeyJson))).toBe(true);
  });
});

describe('the harness', () => {
  it('writes message 1, step by step', async () => {
    const { trace, initialHash } = traceMixing();
    const handshake = await beginFixed();
    expect(initialHash()).toBe(vectors.initialH);
    expect(trace.slice(3)).toEqual(message1Steps);
    expect(hex(handshake.message)).toBe(vectors.message1Hex);
    expect(sha256(handshake.message)).toBe(vectors.message1Sha256);
  });

  it('reads message 2, step by step', async () => {
    const handshake = await beginFixed();
    const { trace } = traceMixing();
    const channel = await handshake.finish(bytesOf(vectors.message2Hex));
    expect(trace).toEqual(finishSteps);
    expect(hex(channel.handshakeHash)).toBe(vectors.handshakeHash);
  });
});

describe('the executor', () => {
  it('reads message 1, step by step, and learns who asks with what', async () => {
    const { trace, initialHash } = traceMixing();
    const handshake = await readFixed();
    expect(initialHash()).toBe(vectors.initialH);
    expect(trace.slice(3)).toEqual(message1Steps);
    expect(handshake.authorization).toBe(inputs.payload1);
    expect(samePublicKey(handshake.harnessKey, fixedIdentity(inputs.initiatorStatic).publicKey)).toBe(true);
  });

  it('writes message 2, step by step', async () => {
    const handshake = await readFixed();
    const { trace } = traceMixing();
    const { message, channel } = await handshake.accept();
    expect(trace).toEqual(message2Steps);
    expect(hex(message)).toBe(vectors.message2Hex);
    expect(sha256(message)).toBe(vectors.message2Sha256);
    expect(hex(channel.handshakeHash)).toBe(vectors.handshakeHash);
  });
});

describe('the keys and records that follow', () => {
  let harness: NoiseChannel;
  let executor: AcceptedHandshake['channel'];

  beforeEach(async () => {
    harness = await (await beginFixed()).finish(bytesOf(vectors.message2Hex));
    executor = (await (await readFixed()).accept()).channel;
  });

  it('are split as the vectors say', async () => {
    const split = vi.spyOn(SymmetricState.prototype, 'split');
    await (await beginFixed()).finish(bytesOf(vectors.message2Hex));
    const keys = split.mock.results[0]?.value;
    expect(hex(keys.initiatorToResponder.bytes)).toBe(vectors.keyI2R);
    expect(hex(keys.responderToInitiator.bytes)).toBe(vectors.keyR2I);
  });

  it('are sealed and opened as the vectors say, in both directions', () => {
    expect(vectors.records).toHaveLength(3);
    for (const [number, { plaintextHex, i2r, r2i }] of vectors.records.entries()) {
      const plaintext = bytesOf(plaintextHex);
      expect(hex(harness.sealer.seal([plaintext]))).toBe(i2r);
      expect(hex(executor.sealer.seal([plaintext.subarray(0, 2), plaintext.subarray(2)]))).toBe(r2i);
      expect(hex(harness.opener.open(bytesOf(r2i), number))).toBe(plaintextHex);
      expect(hex(executor.opener.open(bytesOf(i2r), number))).toBe(plaintextHex);
    }
  });
});
