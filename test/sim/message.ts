/**
 * The messages of a simulated run: what the harness asks and what the executor answers, each with a place in its stream
 * and bytes that can be told from all others. Whoever takes one finds out at once whether a byte of it was altered.
 */
import { seededRandom } from '../stand-ins/seeded-random.js';

export type MessageKind = 'request' | 'output' | 'answer';

export interface Message {
  readonly kind: MessageKind;
  /** Number of the request among all of the run; outputs and answers carry that of their request. */
  readonly request: number;
  /** Place among the messages of its stream and direction, from 0. */
  readonly order: number;
  /** What the executor is to do about a request. */
  readonly work: Work;
}

export interface Work {
  readonly delayMs: number;
  readonly outputs: number;
  /** Bytes of each output, beyond its header. */
  readonly outputBytes: number;
  readonly answerBytes: number;
}

export const noWork: Work = { delayMs: 0, outputs: 0, outputBytes: 0, answerBytes: 0 };

const KINDS: readonly MessageKind[] = ['request', 'output', 'answer'];
/** Eight numbers of four bytes. */
const HEADER_BYTES = 32;
const LONGEST_FILLER_BYTES = 512 * 1024;

/** Fillers are cut out of this, each message at a place of its own. */
const noise = makeNoise(2 * LONGEST_FILLER_BYTES);

/** `fillerBytes` counts what follows the header. */
export function encodeMessage({ kind, request, order, work }: Message, fillerBytes: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + fillerBytes);
  const numbers = [
    KINDS.indexOf(kind),
    request,
    order,
    work.delayMs,
    work.outputs,
    work.outputBytes,
    work.answerBytes,
    fillerBytes,
  ];
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, index * 4);
  bytes.set(fillerOf(request, order, fillerBytes), HEADER_BYTES);
  return bytes;
}

/** Undefined for bytes that nobody sent like this. */
export function decodeMessage(message: Uint8Array): Message | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const number = (index: number) => bytes.readUInt32LE(index * 4);
  const kind = KINDS[number(0)];
  const [request, order, fillerBytes] = [number(1), number(2), number(7)];
  if (kind === undefined || bytes.length !== HEADER_BYTES + fillerBytes) return undefined;
  if (!bytes.subarray(HEADER_BYTES).equals(fillerOf(request, order, fillerBytes))) return undefined;
  const work = { delayMs: number(3), outputs: number(4), outputBytes: number(5), answerBytes: number(6) };
  return { kind, request, order, work };
}

function fillerOf(request: number, order: number, bytes: number): Buffer {
  const start = (request * 7919 + order * 104_729) % LONGEST_FILLER_BYTES;
  return noise.subarray(start, start + bytes);
}

function makeNoise(bytes: number): Buffer {
  const random = seededRandom(0x5eed);
  const words = new Uint32Array(bytes / 4);
  for (let index = 0; index < words.length; index += 1) words[index] = random() * 2 ** 32;
  return Buffer.from(words.buffer);
}
