/**
 * Names and lengths of the one Noise suite that releases speak (relay.md §6.1, §6.4 to 6.7). Only constants.
 */

/** In JSON keys and in what the registry says; not what the hash begins with. */
export const NOISE_SUITE = 'Noise_hybridIK_X25519+MLKEM768_AESGCM_SHA256';

/** What the hash begins with: `25519` here, `X25519` in the tag above. */
export const NOISE_PROTOCOL_NAME = 'Noise_hybridIK_25519+MLKEM768_AESGCM_SHA256';

export const SECURITY_PROFILE = 'noise_hybrid_ik_v1';

export const PROLOGUE_DOMAIN = 'codex-exec-server-relay-noise/v1';

/** Payload of message 2 by which an executor says that the registry no longer knows its credential (§6.6). */
export const CREDENTIAL_REJECTED = 'codex-registry-authentication-rejected/v1';

/** X25519 keys and shared secrets; also the length of every hash, chaining key and cipher key. */
export const DH_BYTES = 32;
export const KEM_PUBLIC_KEY_BYTES = 1184;
export const KEM_CIPHERTEXT_BYTES = 1088;
export const TAG_BYTES = 16;

/** Longest Noise message: a handshake, or a record before it is opened. */
export const NOISE_MESSAGE_BYTES = 65_535;

/** Handshake message 1 without its payload, the harness's authorization. */
export const MESSAGE_1_BYTES = 3568;
/** Handshake message 2 without its payload, which is empty but for {@link CREDENTIAL_REJECTED}. */
export const MESSAGE_2_BYTES = 3424;

/** Bytes of UTF-8 an executor takes as an authorization. */
export const AUTHORIZATION_BYTES = 4096;
