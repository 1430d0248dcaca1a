/**
 * What a handshake is bound to besides its keys: environment, registration and stream (relay.md §6.3). A message made
 * for another of any of these does not open.
 */
import { PROLOGUE_DOMAIN } from './suite.js';

export interface StreamBinding {
  /** Exactly the text of the registry's reply. */
  readonly environmentId: string;
  /** Exactly the text of the registry's reply. */
  readonly registrationId: string;
  /** Exactly the text of the frame. */
  readonly streamId: string;
}

/** Each part behind its length in bytes, a 64-bit number, most significant byte first. */
export function prologueOf({ environmentId, registrationId, streamId }: StreamBinding): Buffer {
  const parts = [PROLOGUE_DOMAIN, environmentId, registrationId, streamId].flatMap((text) => {
    const bytes = Buffer.from(text, 'utf8');
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(bytes.length));
    return [length, bytes];
  });
  return Buffer.concat(parts);
}
