/**
 * What harnesses may say in a handshake that they should not, to our executor over a real socket: that stream is reset,
 * the log says why and holds no secret, other streams notice nothing, and nothing is kept.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectionActorId } from '../../machines/executor.machine.js';
import { defaultStreamTiming } from '../../machines/stream-types.js';
import { type Frame, PROTOCOL_ERROR_REASON } from '../../proto/frame.js';
import { defaultLimits } from '../../proto/limits.js';
import type { ConnectionActor, RelayEndpoint } from '../../src/carrier/relay-endpoint.js';
import { createExecutor, type Executor } from '../../src/executor/executor.js';
import { serveRelay } from '../../src/executor/executor-relay.js';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { publicKeyFromJson } from '../../src/noise/public-key.js';
import { AUTHORIZATION_BYTES, MESSAGE_1_BYTES } from '../../src/noise/suite.js';
import type { PeerSocket } from '../stand-ins/fake-rendezvous.js';
import { type GreetedStream, HandHarness } from './hand-harness.js';
import { InlineKem } from './inline-kem.js';
import { type NoiseRegistry, type NoiseReply, type NoiseRequest, startNoiseRegistry } from './noise-registry.js';
import type { RecordStream } from './record-stream.js';

const ENVIRONMENT_ID = 'box1';
const REGISTRATION_ID = 'registration-7';
const TOKEN = 'sbx_executor_the-token-of-the-executor';
const AUTHORIZATION = 'authorization-of-a-harness';
const granted: NoiseReply = { status: 200, body: { valid: true } };
const refused: NoiseReply = { status: 200, body: { valid: false } };

let identity: NoiseIdentity;
let registry: NoiseRegistry;
let executor: Executor;
let endpoint: RelayEndpoint;
let socket: PeerSocket;
let harness: HandHarness;
let validate: (request: NoiseRequest) => NoiseReply | Promise<NoiseReply>;
let lines: string[] = [];
/** Questions to the registry before this test. */
let questionsBefore = 0;

/** How long the registry may take. */
const AUTHORISATION_MS = 3000;

async function start(authorisationMs: number): Promise<void> {
  validate = () => granted;
  const kem = new InlineKem();
  identity = await NoiseIdentity.generate(kem);
  registry = await startNoiseRegistry({
    environmentId: ENVIRONMENT_ID,
    registrationId: REGISTRATION_ID,
    validate: (request) => validate(request),
  });
  executor = createExecutor();
  endpoint = serveRelay(executor, {
    remote: registry.url,
    environmentId: ENVIRONMENT_ID,
    bearerToken: TOKEN,
    log: pino({ level: 'trace', base: null }, { write: (line) => void lines.push(line) }),
    streamTiming: { ...defaultStreamTiming, authorisationMs },
  });
  socket = await registry.rendezvous.sockets.first();
  harness = new HandHarness({
    socket,
    kem,
    identity,
    executorKey: publicKeyFromJson(registry.of('register')[0]?.body.executor_public_key),
    environmentId: ENVIRONMENT_ID,
    registrationId: REGISTRATION_ID,
  });
}

async function stop(): Promise<void> {
  await endpoint.drain();
  await executor.drain();
  await registry.close();
}

beforeAll(() => start(AUTHORISATION_MS));
afterAll(stop);
/** Whatever a test did, nothing of it is kept. */
afterEach(async () => {
  harness.leave();
  await vi.waitUntil(() => streams() === 0);
  validate = () => granted;
  lines = [];
  questionsBefore = registry.of('validate').length;
});

/** What the registry was asked in this test. */
const questions = () => registry.of('validate').slice(questionsBefore);

/** Streams that the executor has now. */
function streams(): number {
  const connection = executor.actor.getSnapshot().children[connectionActorId(ENVIRONMENT_ID)] as ConnectionActor;
  return connection.getSnapshot().context.streams.length;
}

/** What an operator is told of a stream at the log's usual level. */
function toldOf(streamId: string): readonly Record<string, unknown>[] {
  return lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line.streamId === streamId && Number(line.level) >= 30);
}

/** Everything that must never be in a log, as it is and as it might be encoded. */
function expectNoSecretInLog(...more: readonly Uint8Array[]): void {
  const log = lines.join('');
  for (const secret of [TOKEN, AUTHORIZATION]) {
    expect(log).not.toContain(secret);
    expect(log).not.toContain(Buffer.from(secret).toString('base64').slice(0, 16));
  }
  for (const bytes of [identity.publicKey.dh, ...more]) {
    for (const encoding of ['hex', 'base64'] as const) {
      expect(log).not.toContain(Buffer.from(bytes.subarray(0, 24)).toString(encoding));
    }
  }
  // Bytes that were logged as they are would be such lists.
  expect(log).not.toMatch(/"data":\[|"0":\d+,"1":\d+/);
}

async function initialized(stream: RecordStream): Promise<RecordStream> {
  stream.send({ id: 1, method: 'initialize', params: { clientName: 'hand', resumeSessionId: null } });
  await stream.messages.first(({ id }) => id === 1);
  stream.send({ method: 'initialized' });
  return stream;
}

let asked = 100;
async function works(stream: RecordStream): Promise<void> {
  const id = ++asked;
  stream.send({ id, method: 'fs/getMetadata', params: { path: 'file:///' } });
  expect(await stream.messages.first((message) => message.id === id)).toMatchObject({ result: { isDirectory: true } });
}

/** A stream that was there before and must notice nothing. */
async function bystander(): Promise<RecordStream> {
  return initialized(await (await harness.greet()).open());
}

const altered = (place: number) => (message: Uint8Array) => {
  const copy = Uint8Array.from(message);
  copy[place] = (copy[place] as number) ^ 1;
  return copy;
};
const data = (payload: Uint8Array): Frame['body'] => {
  return { kind: 'data', seq: 0, segmentIndex: 0, segmentCount: 1, payload };
};

describe('our executor refuses a handshake', () => {
  const greetings: readonly (readonly [string, Parameters<HandHarness['greet']>[0], RegExp])[] = [
    ['of another stream', { boundTo: { streamId: 'another' } }, /does not open/],
    ['of another environment', { boundTo: { environmentId: 'box2' } }, /does not open/],
    ['of another registration', { boundTo: { registrationId: 'registration-6' } }, /does not open/],
    ['whose encapsulated key was altered', { alter: altered(5) }, /does not open/],
    ['whose ephemeral key was altered', { alter: altered(1100) }, /does not open/],
    ['whose identity was altered', { alter: altered(2400) }, /does not open/],
    ['whose authorization was altered', { alter: altered(3560) }, /does not open/],
    ['that was cut short', { alter: (message) => message.subarray(0, MESSAGE_1_BYTES - 1) }, /has 3567 bytes, not/],
    ['without an authorization', { alter: (message) => message.subarray(0, MESSAGE_1_BYTES) }, /does not open/],
    ['of one byte', { alter: () => Uint8Array.of(1) }, /has 1 bytes, not/],
    [
      'with too long an authorization',
      { alter: (message) => Buffer.concat([message, randomBytes(AUTHORIZATION_BYTES)]) },
      /bytes, not 3568 to 7664/,
    ],
    ['larger than any Noise message', { alter: () => randomBytes(100_000) }, /has 100000 bytes, not/],
    // What another suite of the same lengths would look like.
    ['of nothing it knows', { alter: (message) => randomBytes(message.length) }, /does not open/],
  ];

  it.each(greetings)('%s', async (_, greeting, why) => {
    const other = await bystander();
    const before = streams();
    const greeted = await harness.greet({ authorization: AUTHORIZATION, ...greeting });
    expect(await greeted.reset()).toBe(PROTOCOL_ERROR_REASON);
    // Asked only about the bystander.
    expect(questions()).toHaveLength(1);
    expect(toldOf(greeted.streamId)).toMatchObject([{ level: 40, reason: expect.stringMatching(why) }]);
    expectNoSecretInLog();
    expect(streams()).toBe(before);
    await works(other);
    // The name is free again, for one that is right.
    await works(await initialized(await (await harness.greet({ streamId: greeted.streamId })).open()));
  });

  const verdicts: readonly (readonly [string, NoiseReply, RegExp])[] = [
    ['refuses its authorization', refused, /does not know this harness/],
    ['fails', { status: 500, body: { error: { message: AUTHORIZATION } } }, /answered 500/],
    ['is not found', { status: 404, body: {} }, /answered 404/],
    ['says nothing about it', { status: 200, body: {} }, /does not know this harness/],
    ['answers with nonsense', { status: 200, body: 'valid' }, /does not know this harness/],
    ['will not say whether it is true', { status: 200, body: { valid: 'true' } }, /does not know this harness/],
  ];

  it.each(verdicts)('when the registry %s', async (_, reply, why) => {
    const other = await bystander();
    const before = streams();
    validate = () => reply;
    const greeted = await harness.greet({ authorization: AUTHORIZATION });
    expect(await greeted.reset()).toBe(PROTOCOL_ERROR_REASON);
    expect(questions()[1]?.body).toMatchObject({ harness_key_authorization: AUTHORIZATION });
    expect(toldOf(greeted.streamId)).toMatchObject([{ level: 40, reason: expect.stringMatching(why) }]);
    expectNoSecretInLog();
    expect(streams()).toBe(before);
    await works(other);
    validate = () => granted;
    await works(await bystander());
  });

  it('and says so authenticated when the registry refuses the executor itself', async () => {
    const other = await bystander();
    validate = () => ({ status: 401, body: { error: { code: 'unauthorized', message: AUTHORIZATION } } });
    const greeted = await harness.greet({ authorization: AUTHORIZATION });
    await expect(greeted.open()).rejects.toMatchObject({ code: 'noise_credential_rejected' });
    expect(toldOf(greeted.streamId)).toMatchObject([{ level: 50, msg: expect.stringContaining('give it a new one') }]);
    expectNoSecretInLog();
    expect(streams()).toBe(1);
    await works(other);
    // There is no stream behind that answer.
    greeted.say(data(randomBytes(100)));
    expect(await greeted.reset()).toBe(PROTOCOL_ERROR_REASON);
  });
});

describe('our executor asks a registry that does not answer', () => {
  it('until its time is over', async () => {
    const other = await bystander();
    validate = () => new Promise(() => {});
    const greeted = await harness.greet({ authorization: AUTHORIZATION });
    expect(await greeted.reset()).toBe(PROTOCOL_ERROR_REASON);
    expect(toldOf(greeted.streamId)).toMatchObject([{ level: 40, reason: 'authorisation_timeout' }]);
    expectNoSecretInLog();
    expect(streams()).toBe(1);
    await works(other);
  });

  it('about 32 harnesses at a time; others wait in line, and are refused when that takes too long', async () => {
    const other = await bystander();
    const answers: ((reply: NoiseReply) => void)[] = [];
    validate = () => new Promise((resolve) => void answers.push(resolve));
    const greeted: GreetedStream[] = [];
    for (let count = 0; count < 34; count += 1) greeted.push(await harness.greet({ authorization: AUTHORIZATION }));
    await vi.waitUntil(() => answers.length === 32, { timeout: 10_000 });
    await works(other);
    expect(answers).toHaveLength(32);
    // A place is free: the next in line is asked about.
    answers[0]?.(granted);
    await vi.waitUntil(() => answers.length === 33);
    await works(await initialized(await (greeted[0] as GreetedStream).open()));
    // The others are not answered.
    const last = greeted[33] as GreetedStream;
    expect(await last.reset()).toBe(PROTOCOL_ERROR_REASON);
    expect(toldOf(last.streamId)).toMatchObject([{ level: 40, reason: 'authorisation_timeout' }]);
    for (const each of greeted.slice(1)) await each.reset();
    expect(streams()).toBe(2);
    await works(other);
    // There is room again.
    validate = () => granted;
    await works(await bystander());
    expectNoSecretInLog();
  });

  it.each<[string, Frame['body']]>([
    ['data', data(randomBytes(100))],
    ['another handshake', { kind: 'handshake', payload: randomBytes(MESSAGE_1_BYTES + 10) }],
  ])('and gives up when the harness sends %s meanwhile', async (_, body) => {
    const other = await bystander();
    let answer: (reply: NoiseReply) => void = () => {};
    validate = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const greeted = await harness.greet({ authorization: AUTHORIZATION });
    await vi.waitUntil(() => questions().length === 2);
    greeted.say(body);
    expect(await greeted.reset()).toBe(PROTOCOL_ERROR_REASON);
    expect(toldOf(greeted.streamId)).toMatchObject([{ level: 40, reason: 'handshake_incomplete' }]);
    expect(streams()).toBe(1);
    // The answer comes too late to mean anything.
    answer(granted);
    await works(other);
    expect(greeted.answers.items.map(({ kind }) => kind)).toEqual(['reset']);
    expectNoSecretInLog();
  });

  it('and forgets about it when the harness leaves', async () => {
    const other = await bystander();
    validate = () => new Promise(() => {});
    const greeted = await harness.greet({ authorization: AUTHORIZATION });
    await vi.waitUntil(() => questions().length === 2);
    greeted.say({ kind: 'reset', reason: 'gone' });
    await vi.waitUntil(() => streams() === 1);
    await works(other);
    expect(greeted.answers.items).toEqual([]);
  });
});

describe('our executor, when nobody has shaken hands,', () => {
  it('answers data with a reset and serves nothing', async () => {
    const other = await bystander();
    const message = JSON.stringify({ id: 1, method: 'initialize', params: { clientName: AUTHORIZATION } });
    expect(await harness.sayUngreeted(data(Buffer.from(message)))).toEqual({
      kind: 'reset',
      reason: PROTOCOL_ERROR_REASON,
    });
    expect(streams()).toBe(1);
    expectNoSecretInLog();
    await works(other);
  });
});

describe('our executor on a stream that is open', () => {
  it('takes no notice of another handshake', async () => {
    const greeted = await harness.greet();
    const stream = await initialized(await greeted.open());
    greeted.say({ kind: 'handshake', payload: randomBytes(MESSAGE_1_BYTES + 10) });
    await works(stream);
    expect(greeted.answers.items.filter(({ kind }) => kind === 'reset')).toEqual([]);
    expect(questions()).toHaveLength(1);
  });

  it.each<[string, Uint8Array]>([
    ['that does not open', randomBytes(60)],
    ['too short to be one', randomBytes(3)],
    ['longer than a record', randomBytes(70_000)],
  ])('ends it for a record %s', async (_, payload) => {
    const other = await bystander();
    const greeted = await harness.greet();
    await greeted.open();
    greeted.say(data(payload));
    expect(await greeted.reset()).toBe(PROTOCOL_ERROR_REASON);
    expect(toldOf(greeted.streamId)).toMatchObject([{ level: 40 }]);
    expect(streams()).toBe(1);
    expectNoSecretInLog(payload);
    await works(other);
  });
});

describe('our executor with 128 streams', () => {
  // Their handshakes queue for one thread, on a machine that may do other things too.
  beforeAll(async () => {
    await stop();
    await start(defaultStreamTiming.authorisationMs);
    questionsBefore = 0;
  });

  it('has taken them all at once while one was running, and refuses one more until one has ended', async () => {
    const running = await bystander();
    const greeted = await Promise.all(Array.from({ length: 127 }, () => harness.greet()));
    await works(running);
    const opened = await Promise.all(greeted.map((each) => each.open()));
    for (const stream of opened) await works(await initialized(stream));
    expect(streams()).toBe(defaultLimits.encryptedStreams);

    const tooMany = await harness.greet();
    expect(await tooMany.reset()).toBe('too_many_streams');
    expect(toldOf(tooMany.streamId)).toMatchObject([{ level: 40, reason: 'too_many_streams' }]);
    await works(running);

    greeted[0]?.say({ kind: 'reset', reason: 'done' });
    await vi.waitUntil(() => streams() === 127);
    await works(await initialized(await (await harness.greet({ streamId: randomUUID() })).open()));
    expectNoSecretInLog();
  });
});
