/**
 * The chart of one relay stream, at either end: which profile it speaks, what it waits for, how it ends (DESIGN §4, §5).
 * It decides; what its words mean is in stream-setup.ts, its part that sends in stream-sending.ts, and every effect
 * leaves through the port of its input.
 */
import { newDuplicateFilter } from './protocol/duplicate-filter.js';
import { newNoiseOrder } from './protocol/noise-order.js';
import { emptyReceiveWindow } from './protocol/receive-window.js';
import { emptySendWindow } from './protocol/send-window.js';
import { FIRST_RELEASE_SEQ } from './protocol/sequence.js';
import { handshaking } from './stream-handshaking.js';
import { cleartext, noise } from './stream-releases.js';
import { sending } from './stream-sending.js';
import { streamSetup } from './stream-setup.js';

export const streamMachine = streamSetup.createMachine({
  id: 'stream',
  description: 'One relay stream at one end: a JSON-RPC connection carried in frames over a shared socket.',
  context: ({ input }) => ({
    ...input,
    send: emptySendWindow,
    receive: emptyReceiveWindow,
    ackDebt: 0,
    releaseSeq: FIRST_RELEASE_SEQ,
    filter: newDuplicateFilter,
    order: newNoiseOrder,
    gapAt: newDuplicateFilter.complete,
    answer: undefined,
    early: [],
    announcements: 0,
    peerWindow: input.limits.windowSegments,
    asks: 0,
    ownWindow: undefined,
    carrier: 'attached',
    lostAt: 0,
    resumedAt: 0,
    armedFor: 0,
    excused: false,
    jitter: 0,
    counters: { framesReceived: 0, duplicates: 0, retransmitted: 0, probes: 0 },
    end: { streamId: input.streamId, kind: 'reset', reason: 'internal_error', initiator: 'local' },
  }),
  output: ({ context }) => context.end,
  initial: 'opening',
  states: {
    opening: {
      description: 'Which profile both ends speak is being settled.',
      initial: 'choosing',
      states: {
        choosing: {
          description: 'An executor knows from the first frame, a harness has to find out, or to agree on keys first.',
          always: [
            { guard: 'isEncryptedByHarness', target: '#stream.opening.handshaking.greeting' },
            { guard: 'isEncryptedByPeer', target: '#stream.opening.handshaking.reading' },
            { guard: 'profileIsUnknown', target: 'announcing' },
            { guard: 'speaksReliable', target: '#stream.reliable' },
            { target: '#stream.cleartext' },
          ],
        },
        announcing: {
          description:
            'resume with the capability field was sent, and is repeated until the peer shows its profile. What is sent meanwhile is numbered and kept, but neither cut nor sent again.',
          entry: 'announce',
          after: { announceInterval: { target: 'announcing', reenter: true } },
          on: {
            flush: { actions: 'sendUnconfirmed' },
            'reader.paused': { actions: 'closeWindow' },
            'reader.resumed': { actions: 'openWindow' },
            frames: [
              { guard: 'peerIsReliable', target: '#stream.reliable', actions: ['becomeReliable', 'receiveReliable'] },
              { target: '#stream.cleartext', actions: ['becomeCleartext', 'receiveCleartext'] },
            ],
            'stream.close': { target: '#stream.closed', actions: 'noteClosed' },
          },
        },
        handshaking,
      },
    },
    cleartext,
    noise,
    reliable: {
      description: 'Both ends are signalbox: segments, acknowledgements on every frame, retransmission.',
      type: 'parallel',
      states: {
        carrier: {
          description: 'Whether there is a socket, and a peer on it.',
          initial: 'attached',
          states: {
            attached: {
              description:
                'Frames flow. A peer whose own carrier was replaced says so with resume, and gets what it missed.',
              on: {
                frames: { actions: 'receiveReliable' },
                'carrier.lost': { target: 'interrupted', actions: ['loseCarrier', 'forgetRoundTrip'] },
              },
            },
            interrupted: {
              description:
                'The socket was lost. Nothing is forgotten until the grace is over; time this end slept does not count.',
              initial: 'away',
              after: {
                graceTime: [
                  { guard: 'sleptPastGrace', target: 'interrupted', reenter: true, actions: 'startGraceAnew' },
                  { target: '#stream.reset', actions: 'noteExpiry' },
                ],
              },
              on: { 'carrier.lost': { target: '.away', actions: ['loseCarrier', 'forgetRoundTrip'] } },
              states: {
                away: {
                  description: 'There is no socket: nothing is sent, and sources stop as what waits here grows.',
                  always: { guard: 'hasCarrier', target: 'resuming' },
                  on: { 'carrier.back': { target: 'resuming', actions: ['resume', 'sendUnasked'] } },
                },
                resuming: {
                  description:
                    'There is a new socket, and resume was sent on it; it is repeated until the peer is heard.',
                  after: { announceInterval: { target: 'resuming', reenter: true, actions: 'announce' } },
                  on: {
                    frames: [
                      {
                        guard: 'peerIsHeard',
                        target: '#stream.reliable.carrier.attached',
                        actions: 'receiveReliable',
                      },
                      { actions: 'receiveReliable' },
                    ],
                  },
                },
              },
            },
          },
        },
        receiving: {
          description: 'What the peer sends, and what it acknowledges.',
          initial: 'inOrder',
          states: {
            inOrder: {
              description: 'Every segment received so far has been delivered.',
              always: { guard: 'hasGap', target: 'gapped' },
            },
            gapped: {
              description: 'A segment is missing; later ones are held, and each arrival is acknowledged at once.',
              always: { guard: 'gapIsFilled', target: 'inOrder' },
            },
          },
        },
        sending,
        reading: {
          description: 'Whether whoever reads the messages keeps up.',
          initial: 'taking',
          states: {
            taking: {
              description: 'The peer may fill the window.',
              always: { guard: 'readerIsFull', target: 'refusing' },
              on: { 'reader.paused': { actions: 'closeWindow' } },
            },
            refusing: {
              description: 'Every frame tells the peer to send nothing new; what is under way is still taken.',
              entry: 'acknowledge',
              on: { 'reader.resumed': { target: 'taking', actions: ['openWindow', 'acknowledge'] } },
            },
          },
        },
        acking: {
          description: 'When the peer learns what was received, if nothing sent carries it first.',
          initial: 'quiet',
          states: {
            quiet: {
              description: 'The peer has been told of everything received.',
              always: { guard: 'owesAck', target: 'delayed' },
            },
            delayed: {
              description: 'One segment waits to be acknowledged by a frame that is going out anyway.',
              after: { ackDelay: { target: 'quiet', actions: 'acknowledge' } },
              always: [
                { guard: 'owesNothing', target: 'quiet' },
                { guard: 'owesTwo', target: 'due' },
              ],
            },
            due: {
              description: 'Two segments or more wait: one more turn for an answer to carry it, then it goes alone.',
              after: { oneTurn: { target: 'quiet', actions: 'acknowledge' } },
              always: { guard: 'owesNothing', target: 'quiet' },
            },
          },
        },
        ending: {
          description: 'Whether this end wants to stop.',
          initial: 'serving',
          states: {
            serving: {
              description: 'The stream is in use.',
              on: { 'stream.close': 'draining' },
            },
            draining: {
              description: 'Closing as soon as everything sent is acknowledged, or when the peer takes too long.',
              always: { guard: 'isDrained', target: '#stream.closed', actions: 'noteClosed' },
              after: { drainTime: { target: '#stream.closed', actions: 'noteClosed' } },
            },
          },
        },
      },
    },
    closed: {
      description: 'Ended in good order by this end.',
      entry: 'tellPeer',
      type: 'final',
    },
    reset: {
      description: 'Ended at once, by either end, with a reason.',
      entry: 'tellPeer',
      type: 'final',
    },
  },
  on: {
    'peer.reset': { target: '.reset', actions: 'noteReset' },
    'protocol.violated': { target: '.reset', actions: 'noteReset' },
    'stream.reset': { target: '.reset', actions: 'noteReset' },
    'frame.rejected': { target: '.reset', actions: 'noteReset' },
    'carrier.lost': { target: '.reset', actions: 'noteReset' },
  },
});
