/**
 * The public half of an identity, and its JSON in registry messages (relay.md §6.8).
 */
import { timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';
import { NoiseError } from './noise-error.js';
import { DH_BYTES, KEM_PUBLIC_KEY_BYTES, NOISE_SUITE } from './suite.js';

export interface NoisePublicKey {
  /** 32 bytes. */
  readonly dh: Uint8Array;
  /** 1,184 bytes. */
  readonly kem: Uint8Array;
}

/** Standard base64 with padding, in its one canonical spelling, of exactly so many bytes. */
const base64Of = (bytes: number) =>
  v.pipe(
    v.string(),
    v.transform((text) => ({ text, key: new Uint8Array(Buffer.from(text, 'base64')) })),
    v.check(({ text, key }) => key.length === bytes && Buffer.from(key).toString('base64') === text),
    v.transform(({ key }) => key),
  );

/** Refuses unknown members, other suites, bad base64 and wrong lengths. */
export const publicKeyJson = v.pipe(
  v.strictObject({
    suite: v.literal(NOISE_SUITE),
    x25519_public_key: base64Of(DH_BYTES),
    mlkem768_public_key: base64Of(KEM_PUBLIC_KEY_BYTES),
  }),
  v.transform((json): NoisePublicKey => ({ dh: json.x25519_public_key, kem: json.mlkem768_public_key })),
);

export type PublicKeyJson = v.InferInput<typeof publicKeyJson>;

export function publicKeyToJson({ dh, kem }: NoisePublicKey): PublicKeyJson {
  return {
    suite: NOISE_SUITE,
    x25519_public_key: Buffer.from(dh).toString('base64'),
    mlkem768_public_key: Buffer.from(kem).toString('base64'),
  };
}

/** Throws {@link NoiseError} `noise_public_key_invalid`. */
export function publicKeyFromJson(json: unknown): NoisePublicKey {
  const parsed = v.safeParse(publicKeyJson, json);
  if (parsed.success) return parsed.output;
  const member = v.getDotPath(parsed.issues[0]) ?? 'the whole';
  throw new NoiseError('noise_public_key_invalid', `not a public key of ${NOISE_SUITE}: ${member} is wrong`, 'peer');
}

export function samePublicKey(one: NoisePublicKey, other: NoisePublicKey): boolean {
  const [left, right] = [one, other].map(({ dh, kem }) => Buffer.concat([dh, kem])) as [Buffer, Buffer];
  return left.length === right.length && timingSafeEqual(left, right);
}
