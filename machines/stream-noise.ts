/**
 * What one event does to an encrypted stream whose peer is a release (relay.md §7), computed on plain values as in
 * stream-steps.ts. Records are numbered like the messages of a release in the clear; here they are put in order, and
 * what is in them is nobody's business in this folder.
 */
import type { DataBody, Frame } from '../proto/frame.js';
import { putInOrder } from './protocol/noise-order.js';
import { count, type Step, type StreamFact } from './stream-steps.js';
import type { StreamContext } from './stream-types.js';

const nothing: readonly never[] = [];

/** A batch received in the noise profile: records in their order, each once. */
export function receiveNoise(context: StreamContext, frames: readonly Frame[]): Step {
  const bodies: DataBody[] = [];
  let fact: StreamFact | undefined;
  for (const { body } of frames) {
    if (body.kind === 'reset') {
      fact = { type: 'peer.reset', reason: body.reason };
      break;
    }
    if (body.kind === 'data') bodies.push(body);
    // A harness has its answer already; at an executor anybody on the way may have sent it (W5).
    if (body.kind === 'handshake' && context.role === 'harness') {
      fact = { type: 'protocol.violated', reason: 'handshake_repeated' };
      break;
    }
  }
  const { order, records, duplicates, violation } = putInOrder(context.order, bodies);
  if (violation) fact = { type: 'protocol.violated', reason: violation.code };
  const counters = count(context, { framesReceived: frames.length, duplicates });
  return { patch: { order, counters }, frames: nothing, messages: records, ...(fact ? { fact } : {}) };
}
