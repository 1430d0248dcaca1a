/**
 * Bytes that must not outlive their use nor show up anywhere: a print, a log or JSON of one is empty.
 */
import { NoiseError } from './noise-error.js';

export class SecretBytes {
  readonly #bytes: Uint8Array;
  #wiped = false;

  /** Takes the bytes over: whoever gave them must not keep them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The bytes themselves, not a copy. Throws once they were wiped, so that nothing is ever done with zeros. */
  get bytes(): Uint8Array {
    if (this.#wiped) throw new NoiseError('noise_secret_wiped', 'this secret was wiped; start a new stream', 'local');
    return this.#bytes;
  }

  get isWiped(): boolean {
    return this.#wiped;
  }

  wipe(): void {
    this.#wiped = true;
    this.#bytes.fill(0);
  }
}

/** Overwrites what was secret for a moment only. */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}
