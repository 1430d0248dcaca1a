/**
 * Our responder on a fake rendezvous, for real harnesses: what they say over their channels is handed, as it is, to an
 * executor on a plain WebSocket, and back.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type Frame, plainFrame } from '../../proto/frame.js';
import { NoiseIdentity } from '../../src/noise/identity.js';
import type { OpenedKem } from '../../src/noise/kem.js';
import { openKem } from '../../src/noise/open-kem.js';
import { type NoisePublicKey, publicKeyToJson } from '../../src/noise/public-key.js';
import { ResponderHandshake } from '../../src/noise/responder-handshake.js';
import { AwaitedList } from '../stand-ins/awaited-list.js';
import type { PeerSocket } from '../stand-ins/fake-rendezvous.js';
import { type NoiseRegistry, startNoiseRegistry } from './noise-registry.js';
import { RecordStream, type RpcMessage } from './record-stream.js';

export const ENVIRONMENT_ID = 'box1';
const REGISTRATION_ID = 'registration-9';

export interface HarnessGreeting {
  readonly streamId: string;
  readonly harnessKey: NoisePublicKey;
  readonly authorization: string;
}

export type Answer = 'accept' | 'reset' | 'reject_credential';

export interface NoiseBridge {
  readonly registry: NoiseRegistry;
  /** Every handshake that opened. */
  readonly greetings: AwaitedList<HarnessGreeting>;
  /** What harnesses said over their channels. */
  readonly said: AwaitedList<RpcMessage>;
  /** What went wrong here; a test expects this to be empty. */
  readonly failures: unknown[];
  close(): Promise<void>;
}

/** `answers` are for the next handshakes, one each; then all are accepted. */
export async function startNoiseBridge(
  executorUrl: string,
  authorization: string,
  answers: Answer[] = [],
): Promise<NoiseBridge> {
  const kem = openKem();
  const identity = await NoiseIdentity.generate(kem);
  const registry = await startNoiseRegistry({
    environmentId: ENVIRONMENT_ID,
    registrationId: REGISTRATION_ID,
    executorKey: publicKeyToJson(identity.publicKey),
    authorization,
  });
  const bridge = new Bridge(executorUrl, identity, kem, registry, answers);
  const known = new Set<PeerSocket>();
  const { sockets } = registry.rendezvous;
  const push = sockets.push.bind(sockets);
  sockets.push = (socket) => {
    push(socket);
    known.add(socket);
    bridge.attach(socket);
  };
  return bridge;
}

class Bridge implements NoiseBridge {
  readonly greetings = new AwaitedList<HarnessGreeting>('greetings', ({ streamId }) => streamId);
  readonly said = new AwaitedList<RpcMessage>('messages', (message) => JSON.stringify(message));
  readonly failures: unknown[] = [];
  readonly #plain = new Set<WebSocket>();

  constructor(
    readonly executorUrl: string,
    readonly identity: NoiseIdentity,
    readonly kem: OpenedKem,
    readonly registry: NoiseRegistry,
    readonly answers: Answer[],
  ) {}

  attach(socket: PeerSocket): void {
    let stream: RecordStream | undefined;
    // One after another: a handshake takes a while, and records must wait for it.
    let work: Promise<void> = Promise.resolve();
    socket.onFrame((frame) => {
      work = work
        .then(async () => {
          if (frame.body.kind === 'handshake') stream = await this.#greet(socket, frame);
          else stream?.receive(frame);
        })
        .catch((error: unknown) => void this.failures.push(error));
    });
  }

  async close(): Promise<void> {
    for (const plain of this.#plain) plain.terminate();
    await this.registry.close();
    await this.kem.close();
  }

  async #greet(socket: PeerSocket, { streamId, body }: Frame): Promise<RecordStream | undefined> {
    if (body.kind !== 'handshake') throw new Error('not a handshake');
    const binding = { environmentId: ENVIRONMENT_ID, registrationId: REGISTRATION_ID, streamId };
    const { identity, kem } = this;
    const handshake = await ResponderHandshake.read(body.payload, { identity, binding, kem });
    this.greetings.push({ streamId, harnessKey: handshake.harnessKey, authorization: handshake.authorization });
    const answer = this.answers.shift() ?? 'accept';
    if (answer === 'reset') {
      handshake.discard();
      socket.reset(streamId, 'noise_relay_protocol_error');
      return undefined;
    }
    if (answer === 'reject_credential') {
      socket.send(plainFrame(streamId, { kind: 'handshake', payload: await handshake.rejectCredential() }));
      return undefined;
    }
    const { message, channel } = await handshake.accept();
    const stream = new RecordStream(socket, streamId, channel);
    const plain = new WebSocket(this.executorUrl, { perMessageDeflate: false });
    this.#plain.add(plain);
    await once(plain, 'open');
    plain.on('message', (text: Buffer) => stream.send(JSON.parse(text.toString('utf8')) as RpcMessage));
    const push = stream.messages.push.bind(stream.messages);
    stream.messages.push = (said) => {
      push(said);
      this.said.push(said);
      plain.send(JSON.stringify(said));
    };
    void socket.closed.then(() => plain.close());
    socket.send(plainFrame(streamId, { kind: 'handshake', payload: message }));
    return stream;
  }
}
