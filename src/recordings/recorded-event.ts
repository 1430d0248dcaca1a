/**
 * Events of connections and streams made again from what a recording tells of them: messages of the same sizes, frames
 * with the same numbers. What was not recorded is zeros.
 */
import { LocateError } from '../../machines/connection-types.js';
import type { Frame, FrameBody } from '../../proto/frame.js';
import { RELIABILITY_RELIABLE } from '../../proto/frame.js';
import { SignalboxError } from '../../proto/signalbox-error.js';
import type { ActorReceivedRecord, Facts, FrameRecord } from '../observe/record.js';

/** Larger than anything that may be sent as one. */
const LARGEST_PAYLOAD = 65 * 1024 * 1024;
const MOST_MESSAGES = 1_000_000;
const FREE_TEXT = /^(\d{1,6}) characters of free text$/;

let zeros = new Uint8Array(64 * 1024);

/** The recording says what no program can have done. */
export class ImpossibleRecord extends Error {}

function payloadOf(bytes: number): Uint8Array {
  if (bytes > LARGEST_PAYLOAD) throw new ImpossibleRecord(`${bytes} bytes are more than a message may have`);
  if (bytes > zeros.length) zeros = new Uint8Array(bytes);
  return zeros.subarray(0, bytes);
}

export function frameOf(record: FrameRecord): Frame {
  const { stream, ack, ackBits, reliable, window } = record;
  return {
    streamId: stream,
    ack,
    ackBits,
    reliability: reliable ? RELIABILITY_RELIABLE : 0,
    ...(window === undefined ? {} : { receiveWindow: window }),
    body: bodyOf(record),
  };
}

function bodyOf(record: FrameRecord): FrameBody {
  const { kind, seq, index = 0, count = 1, nextSeq, bytes = 0 } = record;
  const payload = record.payload === undefined ? payloadOf(bytes) : Buffer.from(record.payload, 'base64');
  switch (kind) {
    case 'data':
      if (seq === undefined) throw new ImpossibleRecord('a data frame without its number');
      return { kind, seq, segmentIndex: index, segmentCount: count, payload };
    case 'handshake':
      return { kind, payload };
    case 'resume':
      if (nextSeq === undefined) throw new ImpossibleRecord('a resume without its number');
      return { kind, nextSeq };
    case 'reset':
      return { kind, reason: reasonOf(record.reason) };
    default:
      return { kind };
  }
}

/** What became of the frames that arrived: an event names how many of them it brings. */
export interface Arrived {
  /** The frames of a `frames` event. */
  batch(count: number): readonly Frame[];
  /** The frame of a `stream.arrived` event. */
  first(): Frame;
}

type Sent = { readonly type: string };

/** An event as it was sent. Throws {@link ImpossibleRecord}. */
export function eventOf({ event, facts }: ActorReceivedRecord, arrived: Arrived): Sent {
  switch (event) {
    case 'frames':
      return { type: event, ...{ frames: arrived.batch(numberOf(facts, 'frames')) } };
    case 'stream.arrived':
      return { type: event, ...{ frame: arrived.first() } };
    case 'flush':
      return { type: event, ...{ messages: sizesOf(facts.sizes).map(payloadOf) } };
    case 'stream.open':
      return { type: event, ...{ streamId: textOf(facts, 'stream') } };
    case 'stream.reset':
    case 'frame.rejected':
      return { type: event, ...{ reason: reasonOf(facts.reason) } };
    case 'socket.closed':
      return { type: event, ...{ code: numberOf(facts, 'code'), reason: '' } };
    case 'socket.refused':
      return { type: event, ...{ status: numberOf(facts, 'status'), message: '' } };
    case 'xstate.done.actor.locate':
      return done(event, { url: 'recorded:', isRenewable: facts.renewable === true });
    case 'xstate.done.actor.greet':
      return done(event, payloadOf(numberOf(facts, 'bytes')));
    case 'xstate.done.actor.authorise':
      return done(event, { message: payloadOf(numberOf(facts, 'bytes')), admitted: facts.admitted === true });
    default:
      if (event.startsWith('xstate.done.actor.')) return done(event, undefined);
      if (event.startsWith('xstate.error.actor.')) return failed(event, facts);
      return { type: event };
  }
}

function done(type: string, output: unknown): Sent {
  return { type, ...{ output, actorId: type.slice('xstate.done.actor.'.length) } };
}

function failed(type: string, facts: Facts): Sent {
  return { type, ...{ error: errorOf(facts), actorId: type.slice('xstate.error.actor.'.length) } };
}

function errorOf({ name, code, message, final, retryAfterMs }: Facts): Error {
  const text = String(message ?? '');
  if (typeof final === 'boolean') {
    return new LocateError(String(code), text, { final, retryAfterMs: Number(retryAfterMs ?? 0) });
  }
  if (code !== undefined) return new SignalboxError(String(code), text, { scope: 'connection', initiator: 'peer' });
  return Object.assign(new Error(text), { name: String(name ?? 'Error') });
}

/** Free text was counted and not recorded. */
function reasonOf(reason: Facts[string] | undefined): string {
  const text = String(reason ?? '');
  const [, length] = FREE_TEXT.exec(text) ?? [];
  return length === undefined ? text : '?'.repeat(Number(length));
}

/** `3,500*2` is 3, 500 and 500. */
function sizesOf(text: Facts[string] | undefined): number[] {
  if (typeof text !== 'string') throw new ImpossibleRecord('a flush without the sizes of its messages');
  const sizes: number[] = [];
  if (text === '') return sizes;
  for (const run of text.split(',')) {
    const [, size, times = '1'] = /^(\d{1,9})(?:\*(\d{1,7}))?$/.exec(run) ?? [];
    if (size === undefined || sizes.length + Number(times) > MOST_MESSAGES) {
      throw new ImpossibleRecord(`sizes that cannot be read: ${run.slice(0, 40)}`);
    }
    for (let time = 0; time < Number(times); time += 1) sizes.push(Number(size));
  }
  return sizes;
}

function numberOf(facts: Facts, name: string): number {
  const value = facts[name];
  if (typeof value === 'number') return value;
  throw new ImpossibleRecord(`no number ${name}`);
}

function textOf(facts: Facts, name: string): string {
  const value = facts[name];
  if (typeof value === 'string') return value;
  throw new ImpossibleRecord(`no word ${name}`);
}
