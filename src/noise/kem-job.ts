/**
 * What goes to a thread for key encapsulations and comes back; every buffer changes its owner on the way, so that no
 * copy of a secret stays behind.
 */

export type KemJob =
  | { readonly op: 'generate' }
  | { readonly op: 'encapsulate'; readonly publicKey: Uint8Array }
  | { readonly op: 'decapsulate'; readonly secretKey: Uint8Array; readonly ciphertext: Uint8Array };

export type KemResult =
  | { readonly op: 'generate'; readonly publicKey: Uint8Array; readonly secretKey: Uint8Array }
  | { readonly op: 'encapsulate'; readonly ciphertext: Uint8Array; readonly sharedSecret: Uint8Array }
  | { readonly op: 'decapsulate'; readonly sharedSecret: Uint8Array }
  /** A public key or ciphertext that is none. */
  | { readonly op: 'refused' };

/** The memory to hand over: of the values themselves, each of which has its own. */
export function memoryOf(message: KemJob | KemResult): ArrayBuffer[] {
  return Object.values(message).flatMap((value) => (value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []));
}
