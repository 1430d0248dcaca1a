/**
 * The JSON-RPC lifecycle of one session (jsonrpc.md §3): what may be called, who is attached, and when it is over.
 * It outlives its connection and owns its processes. It knows no message, socket or file.
 */
import { assign, type DoneActorEvent, type ErrorActorEvent, enqueueActions, setup } from 'xstate';
import { type ProcessEffects, processMachine } from './process.machine.js';

export interface SessionEffects {
  /** Nobody is attached any more: output goes to the retained log only. */
  detached(): void;
  /** A process is gone from the session and its id is free; `error` when its actor crashed. */
  processEnded(processId: string, error?: unknown): void;
}

export interface SessionInput {
  readonly sessionId: string;
  /** How long a detached session waits to be resumed. */
  readonly detachedMs: number;
  /** How long a closed process can still be read; */
  readonly retentionMs: number;
  /** one of a session that is kept: whoever started it comes back later. */
  readonly keptRetentionMs: number;
  readonly effects: SessionEffects;
}

export interface SessionContext extends SessionInput {
  /** Ids of its process actors alive. */
  readonly processes: readonly string[];
  /** Its processes are to go on without anybody attached. */
  readonly kept: boolean;
}

export type SessionEvent =
  | { readonly type: 'session.initialize' }
  | { readonly type: 'session.initialized' }
  | { readonly type: 'session.resume' }
  | { readonly type: 'session.keep'; readonly keep: boolean }
  | { readonly type: 'session.abandon' }
  | { readonly type: 'session.end' }
  | { readonly type: 'transport.closed' }
  | { readonly type: 'process.start'; readonly processId: string; readonly effects: ProcessEffects }
  | DoneActorEvent
  | ErrorActorEvent;

const PROCESS_PREFIX = 'process:';
/** How long the end of a session waits for its killed processes. */
const ENDING_GRACE_MS = 1_200;

export function processActorId(processId: string): string {
  return PROCESS_PREFIX + processId;
}

const sessionSetup = setup({
  types: {
    context: {} as SessionContext,
    input: {} as SessionInput,
    events: {} as SessionEvent,
  },
  actors: { process: processMachine },
  actions: {
    announceDetached: ({ context }) => context.effects.detached(),
    spawnProcess: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'process.start') return;
      const { processId, effects } = event;
      enqueue.spawnChild('process', {
        id: processActorId(processId),
        input: { processId, effects, retentionMs: context.kept ? context.keptRetentionMs : context.retentionMs },
      });
      enqueue.assign({ processes: [...context.processes, processActorId(processId)] });
    }),
    forgetProcess: enqueueActions(({ context, event, enqueue }) => {
      if (!('actorId' in event)) return;
      const processId = event.actorId.slice(PROCESS_PREFIX.length);
      enqueue.stopChild(event.actorId);
      enqueue.assign({ processes: context.processes.filter((id) => id !== event.actorId) });
      context.effects.processEnded(processId, 'error' in event ? event.error : undefined);
    }),
    noteKept: assign({ kept: ({ event, context }) => (event.type === 'session.keep' ? event.keep : context.kept) }),
    discardProcesses: enqueueActions(({ context, enqueue }) => {
      for (const id of context.processes) enqueue.sendTo(id, { type: 'process.discard' });
    }),
  },
  guards: {
    hasNoProcess: ({ context }) => context.processes.length === 0,
    isKept: ({ context }) => context.kept && context.processes.length > 0,
  },
  delays: {
    detachedDeadline: ({ context }) => context.detachedMs,
    endingGrace: ENDING_GRACE_MS,
  },
});

export const sessionMachine = sessionSetup.createMachine({
  id: 'session',
  description: 'A JSON-RPC session at the executor, from the first request to the last of its processes.',
  context: ({ input }) => ({ ...input, processes: [], kept: false }),
  initial: 'awaitingInitialize',
  on: {
    'xstate.done.actor.*': { actions: 'forgetProcess' },
    'xstate.error.actor.*': { actions: 'forgetProcess' },
    'session.end': '.ending',
  },
  states: {
    awaitingInitialize: {
      description: 'A connection is there and has said nothing yet; nobody knows the session id.',
      on: {
        'session.initialize': 'awaitingInitialized',
        'session.abandon': 'ended',
        'transport.closed': 'ended',
      },
    },
    awaitingInitialized: {
      description: 'The client knows its session id and has not confirmed it; methods are refused.',
      on: {
        'session.initialized': 'ready',
        'transport.closed': [{ guard: 'isKept', target: 'kept' }, { target: 'detached' }],
      },
    },
    ready: {
      description: 'Methods are served.',
      on: {
        'process.start': { actions: 'spawnProcess' },
        'session.keep': { actions: 'noteKept' },
        'transport.closed': [{ guard: 'isKept', target: 'kept' }, { target: 'detached' }],
      },
    },
    detached: {
      description:
        'The connection is lost. Processes go on and their output is retained until somebody resumes or the deadline passes.',
      entry: 'announceDetached',
      after: { detachedDeadline: 'ending' },
      on: { 'session.resume': 'awaitingInitialized' },
    },
    kept: {
      description:
        'The connection has ended, and its processes go on without one, as was asked. Output is retained until somebody comes back, or nothing is left to come back to.',
      entry: 'announceDetached',
      always: { guard: 'hasNoProcess', target: 'detached' },
      on: { 'session.resume': 'awaitingInitialized' },
    },
    ending: {
      description: 'Its processes are being killed; nobody can resume it.',
      entry: 'discardProcesses',
      always: { guard: 'hasNoProcess', target: 'ended' },
      after: { endingGrace: 'ended' },
      on: { 'session.end': undefined },
    },
    ended: {
      description: 'Over: the id is unknown from here on.',
      type: 'final',
    },
  },
});
