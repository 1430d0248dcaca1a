/**
 * Authorizations of our registry in the hands of somebody who is not meant to use them like that, over real sockets:
 * our registry and rendezvous, our executor, and a harness that the test plays.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PROTOCOL_ERROR_REASON } from '../../proto/frame.js';
import { decodeFrame, encodeFrame } from '../../proto/frame-codec.js';
import { type RunExecutorOptions, runExecutor } from '../../src/executor/run-executor.js';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { publicKeyFromJson, publicKeyToJson } from '../../src/noise/public-key.js';
import { registryForTest } from '../rendezvous/registry-for-test.js';
import { ENV, RelayPeer } from '../rendezvous/relay-peer.js';
import { HandHarness } from './hand-harness.js';
import { InlineKem } from './inline-kem.js';

const kem = new InlineKem();
let leaving: AbortController;
let ended: Promise<void>;

afterEach(async () => {
  leaving.abort();
  await ended;
});

async function setUp(limits: Parameters<typeof registryForTest>[0] = {}) {
  const registry = await registryForTest(limits);
  const lines: string[] = [];
  leaving = new AbortController();
  await new Promise<void>((onOnline, reject) => {
    const options: RunExecutorOptions = {
      remote: registry.url,
      environmentId: ENV,
      bearerToken: registry.executorToken,
      log: pino({ level: 'trace', base: null }, { write: (line) => void lines.push(line) }),
      signal: leaving.signal,
      onOnline,
    };
    ended = runExecutor(options);
    ended.catch(reject);
  });
  return { registry, lines };
}

type Registry = Awaited<ReturnType<typeof setUp>>['registry'];

/** A harness with a key of its own that has asked the registry. */
async function harnessAt(registry: Registry, own?: NoiseIdentity) {
  const identity = own ?? (await NoiseIdentity.generate(kem));
  const { body, status } = await registry.connect(undefined, publicKeyToJson(identity.publicKey));
  expect(status).toBe(200);
  const { socket } = await RelayPeer.connect(body.url as string);
  const harness = new HandHarness({
    socket: {
      send: (frame) => socket.send(encodeFrame(frame)),
      onFrame: (listener) => void socket.on('message', (message: Buffer) => listener(decodeFrame(message))),
    },
    kem,
    identity,
    executorKey: publicKeyFromJson(body.executor_public_key),
    environmentId: ENV,
    registrationId: body.executor_registration_id as string,
  });
  return { harness, identity, authorization: body.harness_key_authorization as string };
}

/** The stream is reset; executor and registry each say why once, and nobody says the authorization. */
async function expectRefused(
  { registry, lines }: Awaited<ReturnType<typeof setUp>>,
  harness: HandHarness,
  authorization: string,
  code: string,
): Promise<void> {
  const streamId = randomUUID();
  const greeted = await harness.greet({ authorization, streamId });
  expect(await greeted.reset()).toBe(PROTOCOL_ERROR_REASON);
  const told = lines.filter((line) => line.includes(streamId) && Number(JSON.parse(line).level) >= 30);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/does not know this harness, its authorization is over, or it was used before/);
  const toldThere = registry.lines.filter((line) => line.includes(streamId));
  expect(toldThere).toEqual([expect.stringContaining(`"code":"${code}"`)]);
  for (const secret of [authorization, registry.executorToken, registry.harnessToken]) {
    expect(lines.join('') + registry.lines.join('')).not.toContain(secret);
  }
}

/** Somebody who does it right is let in and served. */
async function expectOthersServed(registry: Registry): Promise<void> {
  const { harness, authorization } = await harnessAt(registry);
  const stream = await (await harness.greet({ authorization })).open();
  stream.send({ id: 1, method: 'initialize', params: { clientName: 'hand', resumeSessionId: null } });
  await stream.messages.first(({ id }) => id === 1);
}

describe('an authorization of our registry', () => {
  it('lets in once, and not a second time', async () => {
    const parts = await setUp();
    const { harness, authorization } = await harnessAt(parts.registry);
    await (await harness.greet({ authorization })).open();
    await expectRefused(parts, harness, authorization, 'authorization_used');
    await expectOthersServed(parts.registry);
  });

  it('is used up by a handshake on whatever stream', async () => {
    const parts = await setUp();
    const { harness, identity, authorization } = await harnessAt(parts.registry);
    await (await harness.greet({ authorization })).open();
    const again = await harnessAt(parts.registry, identity);
    await expectRefused(parts, again.harness, authorization, 'authorization_used');
  });

  it('lets nobody in when it is over', async () => {
    const parts = await setUp({ limits: { authorizationLifetimeMs: 1 } });
    const { harness, authorization } = await harnessAt(parts.registry);
    // It ends by the wall clock, which a test cannot wind.
    await pause(5);
    await expectRefused(parts, harness, authorization, 'authorization_expired');
  });

  it('lets nobody in with another key', async () => {
    const parts = await setUp();
    const { authorization } = await harnessAt(parts.registry);
    const thief = await harnessAt(parts.registry);
    await expectRefused(parts, thief.harness, authorization, 'authorization_invalid');
    await expectOthersServed(parts.registry);
  });

  it('lets nobody in at an environment it is not for', async () => {
    const parts = await setUp();
    const { harness, identity } = await harnessAt(parts.registry);
    const { tokens, url } = parts.registry;
    const { token } = tokens.create('harness', 'box-2');
    // Of another registry, or another environment: signed for something else.
    const other = await setUpElsewhere(url, tokens.create('executor', 'box-2').token);
    try {
      const reply = await fetch(`${url}/cloud/environment/box-2/connect`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ harness_public_key: publicKeyToJson(identity.publicKey) }),
      });
      const { harness_key_authorization: foreign } = (await reply.json()) as Record<string, string>;
      await expectRefused(parts, harness, foreign ?? '', 'authorization_invalid');
    } finally {
      await other.close();
    }
    await expectOthersServed(parts.registry);
  });

  it.each([
    ['one that was made up', 'sesame', 'authorization_malformed'],
    ['one of the right shape', `${'A'.repeat(22)}.9999999999999.${'B'.repeat(43)}`, 'authorization_invalid'],
    ['the longest there can be', 'x'.repeat(4096), 'authorization_malformed'],
  ])('is not %s', async (_, authorization, code) => {
    const parts = await setUp();
    const { harness } = await harnessAt(parts.registry);
    await expectRefused(parts, harness, authorization, code);
    await expectOthersServed(parts.registry);
  });
});

async function setUpElsewhere(remote: string, bearerToken: string) {
  const stopping = new AbortController();
  let isOnline = false;
  const over = runExecutor({
    remote,
    environmentId: 'box-2',
    bearerToken,
    signal: stopping.signal,
    onOnline: () => {
      isOnline = true;
    },
  });
  await vi.waitUntil(() => isOnline, { timeout: 10_000 });
  return {
    close: () => {
      stopping.abort();
      return over;
    },
  };
}
