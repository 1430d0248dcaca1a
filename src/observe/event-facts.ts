/**
 * What may be shown of an event beside its type: sizes, numbers, codes. A field that is not read here is not shown.
 */
import type { AnyEventObject } from 'xstate';
import type { Frame } from '../../proto/frame.js';
import { definite } from './context-facts.js';
import { errorFacts } from './error-facts.js';
import type { Facts } from './record.js';
import { shownReason } from './shown-words.js';

const nothing: Facts = {};
/** A flush of more messages is told by its first sizes and its sum. */
const MOST_SIZES = 64;

const readers: Readonly<Record<string, (event: never) => Facts>> = {
  frames: ({ frames }: { readonly frames: readonly Frame[] }) => ({
    frames: frames.length,
    bytes: frames.reduce((sum, { body }) => sum + ('payload' in body ? body.payload.length : 0), 0),
  }),
  flush: ({ messages }: { readonly messages: readonly Uint8Array[] }) => ({
    messages: messages.length,
    bytes: messages.reduce((sum, message) => sum + message.length, 0),
    // What a replay has to send: as many messages of the same sizes.
    sizes: messages
      .slice(0, MOST_SIZES)
      .map(({ length }) => length)
      .join(),
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
  'process.terminate': ({ graceMs }: { readonly graceMs?: number }) => definite({ graceMs }),
};

function reasonOf({ reason }: { readonly reason: string }): Facts {
  return { reason: shownReason(reason) };
}

export function eventFacts(event: AnyEventObject): Facts {
  const { type } = event;
  if (Object.hasOwn(readers, type)) return read(type, event);
  if (!type.startsWith('xstate.error.')) return nothing;
  const { name, code, message } = errorFacts((event as { readonly error?: unknown }).error);
  return definite({ name, code, message });
}

/** An event that is not what its type says crashes whoever gets it, which is to be seen, and not whoever looks on. */
function read(type: string, event: AnyEventObject): Facts {
  try {
    return readers[type]?.(event as never) ?? nothing;
  } catch {
    return nothing;
  }
}
