/**
 * What can go wrong in a Noise handshake or channel. No message or cause ever holds a key, a payload or a token; why an
 * authentication failed is not known more closely than that it did, and a peer is told even less.
 */
import { type ErrorInitiator, SignalboxError } from '../../proto/signalbox-error.js';

export type NoiseErrorCode =
  /** The handshake message cannot be one: its length is impossible. */
  | 'noise_handshake_malformed'
  /** It does not open: another key, another environment, registration or stream, or altered on the way. */
  | 'noise_handshake_failed'
  /** The executor answered with a payload, which no usable channel begins with. */
  | 'noise_payload_unexpected'
  /** The executor says, authenticated, that the registry refuses its credential; trying again is of no use. */
  | 'noise_credential_rejected'
  /** The authorization in message 1 is empty, too long or no text. */
  | 'noise_authorization_invalid'
  /** A public key in JSON is not of this suite, or not a key. */
  | 'noise_public_key_invalid'
  /** An encrypted record of impossible length, or a plaintext too long for one. */
  | 'noise_record_oversized'
  | 'noise_record_undersized'
  /** A record does not open: altered, of another stream, or not the next one. */
  | 'noise_record_unauthentic'
  /** This end offered a record out of its order. */
  | 'noise_record_misordered'
  /** All record numbers of the stream are used up. */
  | 'noise_records_exhausted'
  /** The message framing inside the records is impossible. */
  | 'noise_message_empty'
  | 'noise_message_oversized'
  /** Used after it was wiped. */
  | 'noise_secret_wiped'
  /** More key encapsulations wait than are allowed to. */
  | 'noise_kem_saturated'
  /** The thread for key encapsulations ended, or was closed. */
  | 'noise_kem_lost';

export class NoiseError extends SignalboxError {
  declare readonly code: NoiseErrorCode;

  constructor(code: NoiseErrorCode, message: string, initiator: ErrorInitiator) {
    super(code, message, { scope: 'stream', initiator });
  }
}
