/**
 * What may be shown of an event beside its type: sizes, numbers, codes. A field that is not read here is not shown.
 */
import type { AnyEventObject } from 'xstate';
import { LocateError, type Location } from '../../machines/connection-types.js';
import type { HandshakeAnswer } from '../../machines/stream-types.js';
import type { Frame } from '../../proto/frame.js';
import { definite } from './context-facts.js';
import { errorFacts } from './error-facts.js';
import type { Facts } from './record.js';
import { shownReason } from './shown-words.js';

const nothing: Facts = {};

const readers: Readonly<Record<string, (event: never) => Facts>> = {
  frames: ({ frames }: { readonly frames: readonly Frame[] }) => ({
    frames: frames.length,
    bytes: frames.reduce((sum, { body }) => sum + ('payload' in body ? body.payload.length : 0), 0),
  }),
  flush: ({ messages }: { readonly messages: readonly Uint8Array[] }) => ({
    messages: messages.length,
    bytes: messages.reduce((sum, message) => sum + message.length, 0),
    // What a replay has to send: as many messages of the same sizes.
    sizes: sizesText(messages.map(({ length }) => length)),
  }),
  'stream.arrived': ({ frame }: { readonly frame: Frame }) => ({ stream: frame.streamId, kind: frame.body.kind }),
  'stream.open': ({ streamId }: { readonly streamId: string }) => ({ stream: streamId }),
  'stream.reset': reasonOf,
  'frame.rejected': reasonOf,
  'peer.reset': reasonOf,
  'protocol.violated': reasonOf,
  'transport.ended': reasonOf,
  'socket.closed': ({ code }: { readonly code: number }) => ({ code }),
  'socket.refused': ({ status }: { readonly status: number }) => ({ status }),
  'process.exited': ({ exitCode }: { readonly exitCode: number }) => ({ exitCode }),
  'process.signal': ({ signal }: { readonly signal: string }) => ({ signal }),
  'xstate.done.actor.locate': ({ output }: { readonly output: Location }) => ({
    renewable: output.isRenewable === true,
  }),
  'xstate.done.actor.greet': ({ output }: { readonly output: Uint8Array }) => ({ bytes: output.length }),
  'xstate.done.actor.authorise': ({ output }: { readonly output: HandshakeAnswer }) => ({
    bytes: output.message.length,
    admitted: output.admitted,
  }),
  'process.terminate': ({ graceMs }: { readonly graceMs?: number }) => definite({ graceMs }),
};

function reasonOf({ reason }: { readonly reason: string }): Facts {
  return { reason: shownReason(reason) };
}

/** `3,500*2`: 3, 500 and 500. */
function sizesText(sizes: readonly number[]): string {
  const runs: { readonly size: number; times: number }[] = [];
  for (const size of sizes) {
    const last = runs.at(-1);
    if (last?.size === size) last.times += 1;
    else runs.push({ size, times: 1 });
  }
  return runs.map(({ size, times }) => (times === 1 ? String(size) : `${size}*${times}`)).join();
}

export function eventFacts(event: AnyEventObject): Facts {
  const { type } = event;
  if (Object.hasOwn(readers, type)) return read(type, event);
  if (!type.startsWith('xstate.error.')) return nothing;
  const { error } = event as { readonly error?: unknown };
  const { name, code, message } = errorFacts(error);
  const { final, retryAfterMs } = error instanceof LocateError ? error : {};
  return definite({ name, code, message, final, retryAfterMs });
}

/** An event that is not what its type says crashes whoever gets it, which is to be seen, and not whoever looks on. */
function read(type: string, event: AnyEventObject): Facts {
  try {
    return readers[type]?.(event as never) ?? nothing;
  } catch {
    return nothing;
  }
}
