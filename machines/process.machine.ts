/**
 * The life of one child process, from the request to start it until its id is free again (jsonrpc.md §4).
 * It decides when exit and end are announced, and when the group is asked to end or killed; output never passes
 * through it. What it decides is done by `ProcessEffects`, which live in src and must not throw.
 */
import { assign, or, raise, setup, stateIn } from 'xstate';

export interface ProcessEffects {
  /** SIGKILL to the whole process group; before it is there, it must never run or be killed at once. */
  killGroup(): void;
  /** Any signal to the whole process group. */
  signalGroup(signal: NodeJS.Signals): void;
  /** SIGTERM to the whole process group, also to members that are stopped. */
  askGroup(): void;
  /** Until `unwatchGroup`: say `group.ended`, later, once nothing of the group runs; also when that is so already. */
  watchGroup(): void;
  unwatchGroup(): void;
  /** Stop reading the child's output, whoever still holds the other end. */
  abandonStreams(): void;
  announceExited(exitCode: number): void;
  announceClosed(): void;
}

export interface ProcessInput {
  readonly processId: string;
  /** How long a closed process can still be read and keeps its id. */
  readonly retentionMs: number;
  readonly effects: ProcessEffects;
}

export interface ProcessContext extends ProcessInput {
  /** Milliseconds the group has between being asked to end and being killed. */
  readonly graceMs: number;
}

export type ProcessEvent =
  | { readonly type: 'process.spawned' }
  | { readonly type: 'process.failed' }
  | { readonly type: 'process.exited'; readonly exitCode: number }
  /** `graceMs` absent: kill at once. */
  | { readonly type: 'process.terminate'; readonly graceMs?: number }
  | { readonly type: 'process.signal'; readonly signal: NodeJS.Signals }
  | { readonly type: 'process.discard' }
  | { readonly type: 'group.killed' }
  | { readonly type: 'group.ended' }
  | { readonly type: 'streams.ended' };

/** After a kill, how long output already on its way may still arrive before the streams are given up. */
const KILLED_STREAM_GRACE_MS = 50;
/** How long a discarded process may take to die before nobody waits for it any more. */
const DISCARD_GRACE_MS = 1_000;

export const processMachine = setup({
  types: {
    context: {} as ProcessContext,
    input: {} as ProcessInput,
    events: {} as ProcessEvent,
  },
  actions: {
    killGroup: ({ context }) => context.effects.killGroup(),
    reportKill: raise({ type: 'group.killed' }),
    askGroup: ({ context }) => context.effects.askGroup(),
    watchGroup: ({ context }) => context.effects.watchGroup(),
    unwatchGroup: ({ context }) => context.effects.unwatchGroup(),
    signalGroup: ({ context }, params: { signal: NodeJS.Signals }) => context.effects.signalGroup(params.signal),
    rememberGrace: assign({ graceMs: (_, params: { graceMs: number }) => params.graceMs }),
    abandonStreams: ({ context }) => context.effects.abandonStreams(),
    announceExited: ({ context }, params: { exitCode: number }) => context.effects.announceExited(params.exitCode),
    announceClosed: ({ context }) => context.effects.announceClosed(),
  },
  guards: {
    hasLeaderExited: stateIn({ live: { leader: 'exited' } }),
    isLeaderOutlived: stateIn({ live: { leader: { asked: 'outlived' } } }),
    isLeaderGone: or(['hasLeaderExited', 'isLeaderOutlived']),
    hasGrace: ({ event }) => event.type === 'process.terminate' && event.graceMs !== undefined,
  },
  delays: {
    killedStreamGrace: KILLED_STREAM_GRACE_MS,
    discardGrace: DISCARD_GRACE_MS,
    terminationGrace: ({ context }) => context.graceMs,
    retention: ({ context }) => context.retentionMs,
  },
}).createMachine({
  id: 'process',
  description: 'A child process, from the request to start it until its id is free again.',
  context: ({ input }) => ({ ...input, graceMs: 0 }),
  initial: 'starting',
  states: {
    starting: {
      description: 'Asked of the operating system; there is nothing to read, write or kill yet.',
      on: {
        'process.spawned': 'live',
        'process.failed': 'ended',
        'process.terminate': 'aborting',
        'process.discard': 'unwanted',
      },
    },
    aborting: {
      description: 'Terminated before it was there: it is killed as soon as the operating system hands it over.',
      on: {
        'process.spawned': { target: ['live.leader.killed', 'live.streams.lingering'] },
        'process.failed': 'ended',
        'process.discard': 'unwanted',
      },
    },
    unwanted: {
      description: 'Its session ended before it was there: nobody will be told, but it must not survive.',
      entry: 'killGroup',
      after: { discardGrace: 'ended' },
      on: {
        'process.spawned': 'discarded',
        'process.failed': 'ended',
      },
    },
    live: {
      description: 'The child, its output streams, or both are there. Closed only when both are done.',
      type: 'parallel',
      on: {
        'process.discard': [
          { guard: 'isLeaderGone', target: 'ended', actions: ['killGroup', 'abandonStreams'] },
          { target: 'discarded' },
        ],
      },
      onDone: 'closed',
      states: {
        leader: {
          description: 'The child itself, which leads its own session and process group.',
          initial: 'running',
          states: {
            running: {
              description: 'Running; it can be signalled and terminated.',
              on: {
                'process.exited': {
                  target: 'exited',
                  actions: { type: 'announceExited', params: ({ event }) => ({ exitCode: event.exitCode }) },
                },
                'process.terminate': [
                  {
                    guard: 'hasGrace',
                    target: 'asked',
                    actions: { type: 'rememberGrace', params: ({ event }) => ({ graceMs: event.graceMs ?? 0 }) },
                  },
                  { target: 'killed' },
                ],
                'process.signal': {
                  actions: { type: 'signalGroup', params: ({ event }) => ({ signal: event.signal }) },
                },
              },
            },
            asked: {
              description:
                'Its group has been told to end and may take its time; what still runs after the grace is killed.',
              entry: 'askGroup',
              initial: 'ending',
              after: {
                terminationGrace: [
                  { guard: 'isLeaderOutlived', target: 'exited', actions: ['killGroup', 'reportKill'] },
                  { target: 'killed' },
                ],
              },
              on: {
                'process.terminate': [
                  { guard: 'hasGrace' },
                  { guard: 'isLeaderOutlived', target: 'exited', actions: ['killGroup', 'reportKill'] },
                  { target: 'killed' },
                ],
                'process.signal': {
                  actions: { type: 'signalGroup', params: ({ event }) => ({ signal: event.signal }) },
                },
              },
              states: {
                ending: {
                  description: 'The child itself still runs.',
                  on: {
                    'process.exited': {
                      target: 'outlived',
                      actions: { type: 'announceExited', params: ({ event }) => ({ exitCode: event.exitCode }) },
                    },
                  },
                },
                outlived: {
                  description: 'The child has ended and is announced; others of its group have the rest of the grace.',
                  entry: 'watchGroup',
                  exit: 'unwatchGroup',
                  on: { 'group.ended': '#process.live.leader.exited' },
                },
              },
            },
            killed: {
              description: 'Its group has been killed; the operating system has not reported its end yet.',
              entry: ['killGroup', 'reportKill'],
              on: {
                'process.exited': {
                  target: 'exited',
                  actions: { type: 'announceExited', params: ({ event }) => ({ exitCode: event.exitCode }) },
                },
              },
            },
            exited: {
              description: 'Ended and announced; descendants may still hold its output streams.',
              type: 'final',
            },
          },
        },
        streams: {
          description: 'Its output, up to the end of every stream.',
          initial: 'open',
          states: {
            open: {
              description: 'Somebody may still write: the child or a descendant.',
              on: {
                'streams.ended': 'ended',
                'group.killed': 'lingering',
                'process.terminate': { guard: 'hasLeaderExited', target: 'lingering' },
              },
            },
            lingering: {
              description:
                'The group was killed, or nobody wants more: what is on its way is read, then the streams are given up, whoever holds them.',
              after: { killedStreamGrace: { target: 'ended', actions: 'abandonStreams' } },
              on: { 'streams.ended': 'ended' },
            },
            ended: {
              description: 'Nothing more can come.',
              type: 'final',
            },
          },
        },
      },
    },
    closed: {
      description: 'Exit and end of output are announced. It can still be read, and its id stays taken.',
      entry: 'announceClosed',
      after: { retention: 'ended' },
      on: { 'process.discard': 'ended' },
    },
    discarded: {
      description: 'Its session is over: the group is killed, nobody reads, and only its death is waited for.',
      entry: ['killGroup', 'abandonStreams'],
      after: { discardGrace: 'ended' },
      on: { 'process.exited': 'ended' },
    },
    ended: {
      description: 'Forgotten: the id is free.',
      type: 'final',
    },
  },
});
