/**
 * The registry's Noise messages: what releases send and expect is taken, what is no such message is not.
 */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { publicKeyFromJson } from '../../src/noise/public-key.js';
import {
  connectReply,
  connectRequest,
  registerReply,
  registerRequest,
  validateReply,
  validateRequest,
} from '../../src/noise/registry-messages.js';
import { SECURITY_PROFILE } from '../../src/noise/suite.js';

const key = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8')).responderPublicKeyJson;
const without = (object: object, member: string) => {
  const { [member]: _left, ...rest } = object as Record<string, unknown>;
  return rest;
};

const registered = {
  environment_id: 'box1',
  url: 'wss://relay.example/ws/environment/box1?role=executor&sig=x',
  security_profile: SECURITY_PROFILE,
  executor_registration_id: 'r1',
};
const validation = { executor_registration_id: 'r1', harness_public_key: key, harness_key_authorization: 'token' };
const connected = { ...registered, executor_public_key: key, harness_key_authorization: 'token' };

const messages = {
  registerRequest: [registerRequest, { security_profile: SECURITY_PROFILE, executor_public_key: key }],
  registerReply: [registerReply, registered],
  connectRequest: [connectRequest, { harness_public_key: key }],
  connectReply: [connectReply, connected],
  validateRequest: [validateRequest, validation],
  validateReply: [validateReply, { valid: true }],
} as const;

describe.each(Object.entries(messages))('%s', (_name, [schema, message]) => {
  const accepts = (value: unknown) => v.safeParse(schema as v.GenericSchema, value).success;

  it('is taken as releases write it, also with members that are not known', () => {
    expect(accepts(message)).toBe(true);
    expect(accepts({ ...message, transport_policy: { version: 1 }, later: true })).toBe(true);
  });

  it('is refused without any one of its members, and with one of another type', () => {
    for (const member of Object.keys(message)) {
      expect(accepts(without(message, member))).toBe(false);
      expect(accepts({ ...message, [member]: 7 })).toBe(false);
    }
    for (const value of [null, 'text', [], {}]) expect(accepts(value)).toBe(false);
  });
});

describe('what a message says', () => {
  const accepts = (schema: v.GenericSchema, value: unknown) => v.safeParse(schema, value).success;

  it('is of this security profile', () => {
    expect(SECURITY_PROFILE).toBe('noise_hybrid_ik_v1');
    for (const [schema, message] of [messages.registerRequest, messages.registerReply, messages.connectReply]) {
      expect(accepts(schema, { ...message, security_profile: 'noise_hybrid_ik_v2' })).toBe(false);
    }
  });

  it('leads to a WebSocket, and is not blank', () => {
    for (const url of ['https://relay.example', 'ws://', 'relay', '']) {
      expect(accepts(registerReply, { ...registered, url })).toBe(false);
      expect(accepts(connectReply, { ...connected, url })).toBe(false);
    }
    expect(accepts(registerReply, { ...registered, executor_registration_id: ' ' })).toBe(false);
    expect(accepts(connectReply, { ...connected, harness_key_authorization: '' })).toBe(false);
  });

  it('carries an authorization of at most 4,096 bytes', () => {
    expect(accepts(validateRequest, { ...validation, harness_key_authorization: 'x'.repeat(4096) })).toBe(true);
    expect(accepts(validateRequest, { ...validation, harness_key_authorization: 'ä'.repeat(2049) })).toBe(false);
  });
});

describe('a public key', () => {
  it.each([
    ['another suite', { ...key, suite: 'Noise_IK_25519_AESGCM_SHA256' }],
    ['a member that is not known', { ...key, comment: 'x' }],
    ['a missing member', without(key, 'x25519_public_key')],
    ['a key of another length', { ...key, x25519_public_key: Buffer.alloc(31).toString('base64') }],
    ['a key of no bytes', { ...key, mlkem768_public_key: '' }],
    ['base64 without its padding', { ...key, x25519_public_key: key.x25519_public_key.replaceAll('=', '') }],
    ['base64 of URLs', { ...key, x25519_public_key: Buffer.alloc(32, 0xff).toString('base64url') }],
    ['something behind the base64', { ...key, x25519_public_key: `${key.x25519_public_key}\n` }],
    ['nothing', null],
  ])('is refused with %s', (_what, json) => {
    expect(() => publicKeyFromJson(json)).toThrow(expect.objectContaining({ code: 'noise_public_key_invalid' }));
  });
});
