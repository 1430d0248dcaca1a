/**
 * The parts of the stream's chart in which the peer is a release (relay.md §4, §7): in the clear, or encrypted. Both
 * send each frame once and acknowledge nothing, so they differ only in how frames are taken. Words in stream-setup.ts.
 */
import { streamSetup } from './stream-setup.js';

const gaps = streamSetup.createStateConfig({
  initial: 'complete',
  states: {
    complete: {
      description: 'No frame is known to be missing; of a peer that does not count none ever is.',
      always: { guard: 'frameIsMissing', target: 'gapped' },
    },
    gapped: {
      description:
        'A later frame came and an earlier one did not. The peer will not send it again, so after a while somebody waits for nothing, and is told.',
      entry: 'noteGap',
      always: [
        { guard: 'nothingIsMissing', target: 'complete' },
        { guard: 'anotherIsMissing', target: 'gapped', reenter: true },
      ],
      after: {
        stalledGapTime: [
          // What is not read cannot be missed.
          { guard: 'readerIsFull', target: 'gapped', reenter: true },
          { target: '#stream.reset', actions: 'noteStall' },
        ],
      },
    },
  },
});

/** What both do about everything but the frames that arrive. */
const common = {
  flush: { actions: 'sendToRelease' },
  'stream.close': { target: '#stream.closed', actions: 'noteClosed' },
  'reader.paused': { actions: ['closeWindow', 'readSocketAsTold'] },
  'reader.resumed': { actions: ['openWindow', 'readSocketAsTold'] },
} as const;

export const cleartext = streamSetup.createStateConfig({
  ...gaps,
  description:
    'The peer is a release in the clear: one frame a message, in arrival order, no acknowledgements. Nothing is ever cut or sent again.',
  entry: 'readSocketAsTold',
  // Or a reader that ended while it had enough would stop the socket for whoever comes after it.
  exit: 'readSocketAgain',
  on: { ...common, frames: { actions: 'receiveCleartext' } },
});

export const noise = streamSetup.createStateConfig({
  ...gaps,
  description:
    'The peer is a release, and what is said is encrypted: one frame a record, in the order of their numbers, no acknowledgements. Nothing is ever sent again.',
  entry: 'readSocketAsTold',
  exit: 'readSocketAgain',
  on: { ...common, frames: { actions: 'receiveNoise' } },
});
