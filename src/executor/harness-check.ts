/**
 * Asking the registry whether a harness may use this executor (relay.md §9.4, §6.6). One question; how long it may take
 * is for the stream's chart, and what follows from the answer too.
 */
import type { Agent } from 'node:http';
import * as v from 'valibot';
import { publicKeyToJson } from '../noise/public-key.js';
import { validateReply } from '../noise/registry-messages.js';
import type { AuthorisationRequest, AuthorisationVerdict } from '../noise/responder-office.js';
import { callRegistry, environmentPath, jsonIn, type RegistryAddress } from '../registry/registry-call.js';

/** Rejects when there is no usable answer; what a registry says in an error is not repeated. */
export async function checkHarness(
  address: RegistryAddress,
  { streamId, registrationId, harnessKey, authorization }: AuthorisationRequest,
  { signal, connections }: { readonly signal: AbortSignal; readonly connections: Agent },
): Promise<AuthorisationVerdict> {
  const { status, body } = await callRegistry(
    address,
    {
      path: environmentPath(address, 'validate'),
      json: {
        executor_registration_id: registrationId,
        harness_public_key: publicKeyToJson(harnessKey),
        harness_key_authorization: authorization,
      },
      // As the newest release does, for the log over there.
      headers: /^[\x21-\x7e]{1,128}$/.test(streamId) ? { 'x-codex-noise-stream-id': streamId } : {},
      connections,
    },
    signal,
  );
  if (status === 401) return 'credential_rejected';
  if (status < 200 || status > 299) throw new Error(`the registry answered ${status} when asked about a harness`);
  const reply = v.safeParse(validateReply, jsonIn(body));
  return reply.success && reply.output.valid ? 'granted' : 'refused';
}
