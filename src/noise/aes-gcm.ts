/**
 * AES-256-GCM as Noise uses it: the nonce is a counter of 64 bits, big-endian, behind four zero bytes (relay.md §6.2).
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { TAG_BYTES } from './suite.js';

const CIPHER = 'aes-256-gcm';
const OPTIONS = { authTagLength: TAG_BYTES };
const NONCE_BYTES = 12;

/** Ciphertext and tag in one buffer; the plaintext may come in parts. A key and a number are used together once only. */
export function sealRecord(
  key: Uint8Array,
  number: number,
  associated: Uint8Array,
  plaintext: readonly Uint8Array[],
): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonceOf(number), OPTIONS).setAAD(associated);
  const parts = plaintext.map((part) => cipher.update(part));
  parts.push(cipher.final(), cipher.getAuthTag());
  return Buffer.concat(parts);
}

/** The plaintext, or undefined when the record is not authentic. */
export function openRecord(
  key: Uint8Array,
  number: number,
  associated: Uint8Array,
  record: Uint8Array,
): Buffer | undefined {
  if (record.length < TAG_BYTES) return undefined;
  const end = record.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, nonceOf(number), OPTIONS).setAAD(associated);
  decipher.setAuthTag(record.subarray(end));
  // Nothing of it is looked at before `final` has found the tag right.
  const plaintext = decipher.update(record.subarray(0, end));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    return undefined;
  }
  return plaintext;
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(number), NONCE_BYTES - 8);
  return nonce;
}
