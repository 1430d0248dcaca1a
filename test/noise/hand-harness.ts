/**
 * A harness that is played by a test, handshake by handshake: it can say at any point what no harness would. In the
 * profile of releases, which announce nothing and repeat nothing.
 */
import { randomUUID } from 'node:crypto';
import { type Frame, type FrameBody, plainFrame } from '../../proto/frame.js';
import type { NoiseIdentity } from '../../src/noise/identity.js';
import { InitiatorHandshake } from '../../src/noise/initiator-handshake.js';
import type { Kem } from '../../src/noise/kem.js';
import type { NoisePublicKey } from '../../src/noise/public-key.js';
import { AwaitedList } from '../stand-ins/awaited-list.js';
import type { PeerSocket } from '../stand-ins/fake-rendezvous.js';
import { RecordStream } from './record-stream.js';

export interface HandHarnessOptions {
  readonly socket: Pick<PeerSocket, 'send' | 'onFrame'>;
  readonly kem: Kem;
  readonly identity: NoiseIdentity;
  readonly executorKey: NoisePublicKey;
  readonly environmentId: string;
  readonly registrationId: string;
}

/** What a handshake is made with, where it is not what the harness was told. */
export interface Greeting {
  readonly authorization?: string;
  readonly streamId?: string;
  readonly boundTo?: { readonly environmentId?: string; readonly registrationId?: string; readonly streamId?: string };
  /** Changes message 1 on its way. */
  readonly alter?: (message: Uint8Array) => Uint8Array;
}

/** A stream on which message 1 was sent. */
export class GreetedStream {
  readonly streamId: string;
  /** What the executor says on it. */
  readonly answers = new AwaitedList<FrameBody>('answers', ({ kind }) => kind);
  readonly #socket: HandHarnessOptions['socket'];
  readonly #handshake: InitiatorHandshake;
  #stream: RecordStream | undefined;

  constructor(socket: HandHarnessOptions['socket'], streamId: string, handshake: InitiatorHandshake) {
    this.streamId = streamId;
    this.#socket = socket;
    this.#handshake = handshake;
    socket.onFrame((frame) => {
      if (frame.streamId !== streamId) return;
      this.answers.push(frame.body);
      this.#stream?.receive(frame);
    });
  }

  say(body: FrameBody): void {
    this.#socket.send(plainFrame(this.streamId, body));
  }

  /** Why it was reset. */
  async reset(): Promise<string> {
    const body = await this.answers.first(({ kind }) => kind === 'reset');
    return body.kind === 'reset' ? body.reason : '';
  }

  /** The channel, once there is an answer. Rejects when the executor ends the stream, or says that it may not serve it. */
  async open(): Promise<RecordStream> {
    const answer = await this.answers.first(({ kind }) => kind === 'handshake' || kind === 'reset');
    if (answer.kind !== 'handshake') throw new Error(`the executor answered with ${JSON.stringify(answer)}`);
    const stream = new RecordStream(this.#socket, this.streamId, await this.#handshake.finish(answer.payload));
    // What came while the answer was read.
    for (const body of this.answers.items) stream.receive(plainFrame(this.streamId, body));
    this.#stream = stream;
    return stream;
  }
}

export class HandHarness {
  readonly #options: HandHarnessOptions;
  readonly #greeted: GreetedStream[] = [];

  constructor(options: HandHarnessOptions) {
    this.#options = options;
  }

  /** Ends every stream there was. */
  leave(): void {
    for (const stream of this.#greeted.splice(0)) stream.say({ kind: 'reset', reason: 'left' });
  }

  async greet(greeting: Greeting = {}): Promise<GreetedStream> {
    const { socket, kem, identity, executorKey, environmentId, registrationId } = this.#options;
    const { streamId = randomUUID(), authorization = 'allowed', alter = (message) => message } = greeting;
    const binding = { environmentId, registrationId, streamId, ...greeting.boundTo };
    const handshake = await InitiatorHandshake.begin({ identity, executorKey, binding, authorization, kem });
    const stream = new GreetedStream(socket, streamId, handshake);
    this.#greeted.push(stream);
    stream.say({ kind: 'resume', nextSeq: 0 });
    stream.say({ kind: 'handshake', payload: alter(handshake.message) });
    return stream;
  }

  /** Something on a stream that was never greeted; resolves with the first answer. */
  async sayUngreeted(body: FrameBody, streamId: string = randomUUID()): Promise<FrameBody> {
    const { socket } = this.#options;
    const answers = new AwaitedList<Frame>('answers', ({ body: { kind } }) => kind);
    socket.onFrame((frame) => {
      if (frame.streamId === streamId) answers.push(frame);
    });
    socket.send(plainFrame(streamId, body));
    return (await answers.first()).body;
  }
}
