/**
 * The JSON of the registry's Noise calls, as both sides of each read it (relay.md §9.2 to 9.4). Only shapes: who may
 * call, and over what, is elsewhere. Members that are not known are ignored, except in public keys.
 */
import * as v from 'valibot';
import { publicKeyJson } from './public-key.js';
import { AUTHORIZATION_BYTES, SECURITY_PROFILE } from './suite.js';

const nonBlank = v.pipe(
  v.string(),
  v.check((text) => text.trim() !== '', 'must not be blank'),
);

const authorization = v.pipe(nonBlank, v.maxBytes(AUTHORIZATION_BYTES));

const webSocketUrl = v.pipe(
  v.string(),
  v.check((text) => /^wss?:\/\//.test(text) && URL.canParse(text), 'must be a ws:// or wss:// URL'),
);

/** `POST /cloud/environment/{id}/register` of an executor. */
export const registerRequest = v.object({
  security_profile: v.literal(SECURITY_PROFILE),
  executor_public_key: publicKeyJson,
});

/** Its reply. The environment id must be the one that was asked for; whoever reads the reply compares it. */
export const registerReply = v.object({
  environment_id: v.string(),
  url: webSocketUrl,
  security_profile: v.literal(SECURITY_PROFILE),
  /** Releases take an empty one, which would bind the handshake to nothing. */
  executor_registration_id: nonBlank,
});

/** `POST /cloud/environment/{id}/connect` of a harness, once for each connection it tries. */
export const connectRequest = v.object({ harness_public_key: publicKeyJson });

/** Its reply, good for one handshake. */
export const connectReply = v.object({
  environment_id: v.string(),
  url: webSocketUrl,
  security_profile: v.literal(SECURITY_PROFILE),
  executor_registration_id: nonBlank,
  executor_public_key: publicKeyJson,
  harness_key_authorization: authorization,
});

/** `POST /cloud/environment/{id}/validate` of an executor, for each handshake. */
export const validateRequest = v.object({
  executor_registration_id: nonBlank,
  harness_public_key: publicKeyJson,
  harness_key_authorization: authorization,
});

/** Its reply; anything but `true` is a no. */
export const validateReply = v.object({ valid: v.boolean() });
