/**
 * What one event does to a stream whose peer is a release (relay.md §4): one frame a message, nothing kept, nothing cut.
 * Computed on plain values, as in stream-steps.ts.
 */
import { type Frame, type FrameBody, plainFrame } from '../proto/frame.js';
import { DuplicateFilterDraft } from './protocol/duplicate-filter.js';
import { emptySendWindow } from './protocol/send-window.js';
import { nextReleaseSeq } from './protocol/sequence.js';
import { count, type Step, type StreamFact } from './stream-steps.js';
import type { StreamContext } from './stream-types.js';

const nothing: readonly never[] = [];

/** A batch received in the cleartext profile: arrival order, one message a frame (relay.md §4.2). */
export function receiveCleartext(context: StreamContext, frames: readonly Frame[]): Step {
  const messages: Uint8Array[] = [];
  const filter = new DuplicateFilterDraft(context.filter);
  let duplicates = 0;
  let fact: StreamFact | undefined;
  for (const { body } of frames) {
    if (body.kind === 'reset') {
      fact = { type: 'peer.reset', reason: body.reason };
      break;
    }
    if (body.kind !== 'data') continue;
    if (filter.isDuplicate(body.seq)) duplicates += 1;
    else messages.push(body.payload);
  }
  const counters = count(context, { framesReceived: frames.length, duplicates });
  return { patch: { filter: filter.finish(), counters }, frames: nothing, messages, ...(fact ? { fact } : {}) };
}

/** Messages to send in the cleartext profile: never segmented, never kept. */
export function sendCleartext(context: StreamContext, messages: readonly Uint8Array[]): Step {
  let seq = context.releaseSeq;
  const frames = messages.map((payload) => {
    const body: FrameBody = { kind: 'data', seq, segmentIndex: 0, segmentCount: 1, payload };
    seq = nextReleaseSeq(seq);
    return plainFrame(context.streamId, body);
  });
  return { patch: { releaseSeq: seq }, frames, messages: nothing };
}

/** The peer turned out to be a release, which has taken what it got; only what no frame carries yet is left to send. */
export function becomeCleartext(context: StreamContext): Step {
  const { send } = context;
  const waiting = send.queue.map((queued) => queued.message);
  const sent = { ...context, releaseSeq: nextReleaseSeq(send.nextSeq - 1) };
  const step = sendCleartext(sent, waiting);
  return { ...step, patch: { ...step.patch, profile: 'cleartext', send: emptySendWindow } };
}
