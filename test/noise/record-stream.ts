/**
 * One stream of encrypted records on a fake rendezvous' socket, in the profile of releases: records in order, numbered
 * from 0, without acknowledgement. It is what joins the channel, the order and the frames in these tests.
 */
import { type NoiseOrder, newNoiseOrder, putInOrder } from '../../machines/protocol/noise-order.js';
import { type Frame, plainFrame } from '../../proto/frame.js';
import type { NoiseChannel } from '../../src/noise/noise-channel.js';
import { AwaitedList } from '../stand-ins/awaited-list.js';
import type { PeerSocket } from '../stand-ins/fake-rendezvous.js';

export type RpcMessage = Record<string, unknown>;

export class RecordStream {
  /** Messages of the peer, as they were opened. */
  readonly messages = new AwaitedList<RpcMessage>('messages', (message) => JSON.stringify(message));
  readonly resets = new AwaitedList<string>('resets', String);
  readonly #socket: Pick<PeerSocket, 'send'>;
  readonly #streamId: string;
  readonly #channel: NoiseChannel;
  #order: NoiseOrder = newNoiseOrder;

  constructor(socket: Pick<PeerSocket, 'send'>, streamId: string, channel: NoiseChannel) {
    this.#socket = socket;
    this.#streamId = streamId;
    this.#channel = channel;
  }

  /** Takes the next frame that came for the stream. */
  receive({ body }: Frame): void {
    if (body.kind === 'reset') this.resets.push(body.reason);
    if (body.kind !== 'data') return;
    const { expected } = this.#order;
    const { order, records, violation } = putInOrder(this.#order, [body]);
    if (violation) throw new Error(violation.message);
    this.#order = order;
    for (const [place, record] of records.entries()) {
      for (const message of this.#channel.open(record, expected + place)) {
        this.messages.push(JSON.parse(Buffer.from(message).toString('utf8')) as RpcMessage);
      }
    }
  }

  send(message: RpcMessage): void {
    let seq = this.#channel.sealer.next;
    for (const payload of this.#channel.seal(Buffer.from(JSON.stringify(message)))) {
      this.#socket.send(plainFrame(this.#streamId, { kind: 'data', seq, segmentIndex: 0, segmentCount: 1, payload }));
      seq += 1;
    }
  }
}
