/**
 * What frames mean while an encrypted stream shakes hands (relay.md §7.3, §7.4), computed on plain values as in
 * stream-steps.ts. No cryptography: messages 1 and 2 are bytes here.
 */
import { type Frame, type FrameBody, isReliable } from '../proto/frame.js';
import { reliableFrame } from './stream-frames.js';
import type { Step, StreamFact } from './stream-steps.js';
import type { StreamContext } from './stream-types.js';

const nothing: readonly never[] = [];

/** Frames that may come behind message 2 before it has been read: as many as a release may send unasked. */
const MOST_EARLY_FRAMES = 64;

/**
 * Message 1, and before it a `resume` of no number, as every harness begins; both announce that this end is reliable,
 * which a release does not read.
 */
export function greetingFrames(context: StreamContext, greeting: Uint8Array): Frame[] {
  const bodies: FrameBody[] = [
    { kind: 'resume', nextSeq: 0 },
    { kind: 'handshake', payload: greeting },
  ];
  return bodies.map((body) => reliableFrame(context, context.receive, body));
}

/** Asks an executor of ours to say again what it may have answered; a release does not listen. */
export function askForAnswer(context: StreamContext): Step {
  const frame = reliableFrame(context, context.receive, { kind: 'heartbeat' });
  return { patch: { announcements: context.announcements + 1 }, frames: [frame], messages: nothing };
}

/** Whether message 2 is in the batch, with nothing before it that ends the stream. */
export function isAnswered(frames: readonly Frame[]): boolean {
  return firstSaying(frames)?.body.kind === 'handshake';
}

/** Message 2 has come: its frame tells the profile of the executor. */
export function noteAnswer(frames: readonly Frame[]): Step {
  const answer = firstSaying(frames);
  if (answer?.body.kind !== 'handshake') return { patch: {}, frames: nothing, messages: nothing };
  return {
    patch: {
      profile: isReliable(answer) ? 'reliable' : 'noise',
      answer: answer.body.payload,
      early: frames.slice(frames.indexOf(answer) + 1),
    },
    frames: nothing,
    messages: nothing,
  };
}

/** Frames behind message 2, which is still being read. */
export function holdEarly(context: StreamContext, frames: readonly Frame[]): Step {
  const early = [...context.early, ...frames];
  const tooMany = early.length > MOST_EARLY_FRAMES;
  const fact: StreamFact = { type: 'protocol.violated', reason: 'handshake_incomplete' };
  return { patch: { early: tooMany ? [] : early }, frames: nothing, messages: nothing, ...(tooMany ? { fact } : {}) };
}

/** Frames before there is a channel, but for message 2 at a harness: a reset ends it, and nothing else may be said. */
export function receiveUnopened({ role, profile }: StreamContext, frames: readonly Frame[]): Step {
  // A handshake that comes twice is its network's doing where the peer is known to be patient with networks.
  const isRepeated = role === 'executor' && profile === 'reliable';
  const body = firstSaying(isRepeated ? frames.filter((frame) => frame.body.kind !== 'handshake') : frames)?.body;
  const step = { patch: {}, frames: nothing, messages: nothing };
  if (body === undefined) return step;
  const fact: StreamFact =
    body.kind === 'reset'
      ? { type: 'peer.reset', reason: body.reason }
      : { type: 'protocol.violated', reason: 'handshake_incomplete' };
  return { ...step, fact };
}

/** resume, ack and heartbeat say nothing here. */
function firstSaying(frames: readonly Frame[]): Frame | undefined {
  return frames.find(({ body }) => body.kind === 'handshake' || body.kind === 'data' || body.kind === 'reset');
}
