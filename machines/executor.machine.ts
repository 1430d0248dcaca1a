/**
 * The root of the daemon: it owns every session, whichever transport carries it, and every connection to a rendezvous.
 * A child that crashes is stopped and forgotten; the others never notice.
 */
import { type DoneActorEvent, type ErrorActorEvent, enqueueActions, setup } from 'xstate';
import { connectionMachine } from './connection.machine.js';
import type { ConnectionInput } from './connection-types.js';
import { type SessionEffects, sessionMachine } from './session.machine.js';

export interface ExecutorEffects {
  /** A session is gone; `error` when its actor crashed. */
  sessionEnded(sessionId: string, error?: unknown): void;
}

export interface ExecutorInput {
  readonly detachedMs: number;
  readonly retentionMs: number;
  readonly keptRetentionMs: number;
  readonly effects: ExecutorEffects;
}

export interface ExecutorContext extends ExecutorInput {
  /** Ids of its session actors alive. */
  readonly sessions: readonly string[];
}

export type ExecutorEvent =
  | { readonly type: 'session.open'; readonly sessionId: string; readonly effects: SessionEffects }
  | { readonly type: 'connection.open'; readonly connectionId: string; readonly input: ConnectionInput }
  | { readonly type: 'executor.drain' }
  | DoneActorEvent
  | ErrorActorEvent;

const SESSION_PREFIX = 'session:';
/** The longest a drain takes, so that a daemon told to stop is gone within two seconds. */
const DRAIN_DEADLINE_MS = 1_500;

/** The id under which the root supervises a connection to a rendezvous. */
export function connectionActorId(connectionId: string): string {
  return `connection:${connectionId}`;
}

export function sessionActorId(sessionId: string): string {
  return SESSION_PREFIX + sessionId;
}

export const executorMachine = setup({
  types: {
    context: {} as ExecutorContext,
    input: {} as ExecutorInput,
    events: {} as ExecutorEvent,
  },
  actors: { session: sessionMachine, connection: connectionMachine },
  actions: {
    spawnSession: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'session.open') return;
      const { sessionId, effects } = event;
      const { detachedMs, retentionMs, keptRetentionMs } = context;
      enqueue.spawnChild('session', {
        id: sessionActorId(sessionId),
        input: { sessionId, effects, detachedMs, retentionMs, keptRetentionMs },
      });
      enqueue.assign({ sessions: [...context.sessions, sessionActorId(sessionId)] });
    }),
    spawnConnection: enqueueActions(({ event, enqueue }) => {
      if (event.type !== 'connection.open') return;
      enqueue.spawnChild('connection', { id: connectionActorId(event.connectionId), input: event.input });
    }),
    forgetChild: enqueueActions(({ context, event, enqueue }) => {
      if (!('actorId' in event)) return;
      enqueue.stopChild(event.actorId);
      if (!event.actorId.startsWith(SESSION_PREFIX)) return;
      enqueue.assign({ sessions: context.sessions.filter((id) => id !== event.actorId) });
      const sessionId = event.actorId.slice(SESSION_PREFIX.length);
      context.effects.sessionEnded(sessionId, 'error' in event ? event.error : undefined);
    }),
    endSessions: enqueueActions(({ context, enqueue }) => {
      for (const id of context.sessions) enqueue.sendTo(id, { type: 'session.end' });
    }),
  },
  guards: {
    hasNoSession: ({ context }) => context.sessions.length === 0,
  },
  delays: { drainDeadline: DRAIN_DEADLINE_MS },
}).createMachine({
  id: 'executor',
  description: 'The daemon: every session and every connection, whichever carries which.',
  context: ({ input }) => ({ ...input, sessions: [] }),
  initial: 'running',
  on: {
    'xstate.done.actor.*': { actions: 'forgetChild' },
    'xstate.error.actor.*': { actions: 'forgetChild' },
  },
  states: {
    running: {
      description: 'Sessions are opened and served.',
      on: {
        'session.open': { actions: 'spawnSession' },
        'connection.open': { actions: 'spawnConnection' },
        'executor.drain': 'draining',
      },
    },
    draining: {
      description: 'No new session; every process is being killed and waited for.',
      entry: 'endSessions',
      always: { guard: 'hasNoSession', target: 'stopped' },
      after: { drainDeadline: 'stopped' },
    },
    stopped: {
      description: 'Nothing is left to serve.',
      type: 'final',
    },
  },
});
