/**
 * Unmodified executors that speak only Noise, and our initiator: they register, we shake hands and ask.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PROTOCOL_ERROR_REASON, plainFrame } from '../../proto/frame.js';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { InitiatorHandshake } from '../../src/noise/initiator-handshake.js';
import type { OpenedKem } from '../../src/noise/kem.js';
import { openKem } from '../../src/noise/open-kem.js';
import { publicKeyFromJson, publicKeyToJson } from '../../src/noise/public-key.js';
import { describePeers } from '../peers/describe-peers.js';
import { type RealExecutor, startRemoteExecutor } from '../peers/real-executor.js';
import { makeWorkFolder } from '../peers/work-folder.js';
import type { PeerSocket } from '../stand-ins/fake-rendezvous.js';
import { type NoiseRegistry, startNoiseRegistry } from './noise-registry.js';
import { knowsCredentialRejection, NOISE_RELEASES } from './noise-releases.js';
import { RecordStream } from './record-stream.js';

const ENVIRONMENT_ID = 'box1';
const REGISTRATION_ID = 'registration-7';
const AUTHORIZATION = 'a harness may do this once: äöü';
const TOKEN = 'the-executor-token';

describePeers(NOISE_RELEASES, 'a real executor and our initiator', (peer) => {
  let kem: OpenedKem;
  let registry: NoiseRegistry;
  let executor: RealExecutor;
  let socket: PeerSocket;
  let validation = { status: 200, body: { valid: true } as unknown };

  beforeEach(async () => {
    validation = { status: 200, body: { valid: true } };
    kem = openKem();
    registry = await startNoiseRegistry({
      environmentId: ENVIRONMENT_ID,
      registrationId: REGISTRATION_ID,
      validate: () => validation,
    });
    executor = await startRemoteExecutor({
      peer,
      registryUrl: registry.url,
      environmentId: ENVIRONMENT_ID,
      token: TOKEN,
    });
    socket = await registry.rendezvous.sockets.first();
  });

  afterEach(async () => {
    await executor.stop();
    await registry.close();
    await kem.close();
  });

  /** Sends message 1 for a new stream; `bound` is the stream the handshake is made for, if another. */
  async function greet(bound?: string) {
    const streamId = randomUUID();
    const identity = await NoiseIdentity.generate(kem);
    const [registration] = registry.of('register');
    const handshake = await InitiatorHandshake.begin({
      identity,
      executorKey: publicKeyFromJson(registration?.body.executor_public_key),
      binding: { environmentId: ENVIRONMENT_ID, registrationId: REGISTRATION_ID, streamId: bound ?? streamId },
      authorization: AUTHORIZATION,
      kem,
    });
    socket.send(plainFrame(streamId, { kind: 'resume', nextSeq: 0 }));
    socket.send(plainFrame(streamId, { kind: 'handshake', payload: handshake.message }));
    const { frame } = await socket.frames.first((seen) => seen.frame.streamId === streamId);
    return { identity, handshake, streamId, answer: frame.body };
  }

  async function connect() {
    const { identity, handshake, streamId, answer } = await greet();
    if (answer.kind !== 'handshake') throw new Error(`the executor answered with ${JSON.stringify(answer)}`);
    const stream = new RecordStream(socket, streamId, await handshake.finish(answer.payload));
    for (const frame of socket.framesOf(streamId).slice(1)) stream.receive(frame);
    socket.onFrame((frame) => {
      if (frame.streamId === streamId) stream.receive(frame);
    });
    return { identity, stream };
  }

  it('registers a key, has ours validated, and serves a session over the channel', async () => {
    expect(registry.of('register')[0]).toMatchObject({
      headers: { authorization: `Bearer ${TOKEN}` },
      body: { security_profile: 'noise_hybrid_ik_v1' },
    });
    const { identity, stream } = await connect();
    expect(registry.of('validate')[0]?.body).toEqual({
      executor_registration_id: REGISTRATION_ID,
      harness_public_key: publicKeyToJson(identity.publicKey),
      harness_key_authorization: AUTHORIZATION,
    });

    stream.send({ id: 1, method: 'initialize', params: { clientName: 'noise-test', resumeSessionId: null } });
    const initialized = await stream.messages.first(({ id }) => id === 1);
    expect(initialized).toMatchObject({ result: { sessionId: expect.any(String) } });
    stream.send({ method: 'initialized' });

    // Asked for in a message of several records.
    const padding = 'x'.repeat(150_000);
    stream.send({ id: 2, method: 'fs/getMetadata', params: { path: 'file:///', padding } });
    expect(await stream.messages.first(({ id }) => id === 2)).toMatchObject({ result: { isDirectory: true } });

    // Answered in a message of several records.
    const content = randomBytes(300_000);
    const folder = await makeWorkFolder();
    await writeFile(join(folder.path, 'content'), content);
    stream.send({ id: 3, method: 'fs/readFile', params: { path: pathToFileURL(join(folder.path, 'content')).href } });
    const { result } = await stream.messages.first(({ id }) => id === 3);
    await folder.remove();
    expect(result).toMatchObject({ dataBase64: content.toString('base64') });
  });

  it('takes records twice and out of order', async () => {
    const { stream } = await connect();
    const send = socket.send.bind(socket);
    const held: Parameters<typeof send>[] = [];
    socket.send = (...args) => void held.push(args);
    stream.send({ id: 1, method: 'initialize', params: { clientName: 'noise-test', resumeSessionId: null } });
    stream.send({ method: 'initialized' });
    stream.send({ id: 2, method: 'fs/getMetadata', params: { path: 'file:///' } });
    for (const args of [...held].reverse()) {
      send(...args);
      send(...args);
    }
    expect(await stream.messages.first(({ id }) => id === 2)).toMatchObject({ result: { isDirectory: true } });
    expect(stream.messages.items.filter(({ id }) => id === 1)).toHaveLength(1);
  });

  it('resets a stream for which our handshake was not made', async () => {
    const { answer } = await greet('another stream');
    expect(answer).toEqual({ kind: 'reset', reason: PROTOCOL_ERROR_REASON });
    expect(registry.of('validate')).toEqual([]);
  });

  it('resets a stream that the registry refuses', async () => {
    validation = { status: 200, body: { valid: false } };
    const { answer } = await greet();
    expect(answer).toEqual({ kind: 'reset', reason: PROTOCOL_ERROR_REASON });
  });

  it('resets a stream whose record was altered on the way', async () => {
    const { stream } = await connect();
    const send = socket.send.bind(socket);
    socket.send = (frame) => {
      if (frame.body.kind === 'data') frame.body.payload[3] = (frame.body.payload[3] as number) ^ 1;
      send(frame);
    };
    stream.send({ id: 1, method: 'initialize', params: { clientName: 'noise-test', resumeSessionId: null } });
    expect(await stream.resets.first()).toBe(PROTOCOL_ERROR_REASON);
    expect(stream.messages.items).toEqual([]);
  });

  it('resets, or says so authenticated, when the registry refuses its own credential', async () => {
    validation = { status: 401, body: { error: { code: 'unauthorized', message: 'who are you' } } };
    const { handshake, answer } = await greet();
    if (!knowsCredentialRejection(peer.version)) {
      expect(answer).toEqual({ kind: 'reset', reason: PROTOCOL_ERROR_REASON });
      return;
    }
    if (answer.kind !== 'handshake') throw new Error(`the executor answered with ${JSON.stringify(answer)}`);
    await expect(handshake.finish(answer.payload)).rejects.toMatchObject({ code: 'noise_credential_rejected' });
  });
});
