/**
 * The chart of the harness end: from an address to a session that takes requests, what becomes of it when its transport
 * is lost for good, and how it ends (DESIGN §4). Opening a transport and asking `initialize` are actors that src
 * provides; requests themselves do not pass here.
 */
import { assign, fromPromise, setup } from 'xstate';
import { SignalboxError } from '../proto/signalbox-error.js';
import { backoffMs } from './protocol/backoff.js';

/** The session could not be had, or was lost. The message is for the user. */
export class HarnessError extends SignalboxError {
  constructor(
    code:
      | 'unreachable'
      /** Trying again is of no use before somebody has done what the message says. */
      | 'refused'
      | 'initialize_failed'
      | 'initialize_timeout'
      | 'transport_lost'
      | 'session_lost'
      /** Somebody else is attached to the session that was asked for. */
      | 'session_attached'
      | 'fate_unknown'
      | 'output_lost'
      | 'closed',
    message: string,
    options: { initiator?: 'local' | 'peer'; cause?: unknown } = {},
  ) {
    super(code, message, { scope: 'connection', initiator: options.initiator ?? 'peer', cause: options.cause });
  }
}

export interface Initialized {
  readonly sessionId: string;
  /** As `environment/info` gives it; releases before 0.156 send none. */
  readonly environmentInfo?: unknown;
}

export interface HarnessInput {
  /** How long an executor may take to answer `initialize`. */
  readonly initializeMs: number;
  /** How long a session may take to be had again on another transport; 0: it ends with its transport. */
  readonly recoverMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

interface HarnessContext extends HarnessInput {
  readonly session: Initialized | undefined;
  readonly error: Error | undefined;
  /** Tries to recover since the session was last ready. */
  readonly tries: number;
  /** Wait before the next of them. */
  readonly waitMs: number;
}

export type HarnessEvent =
  /** The stream or socket under the session is gone; `final` when the session went with it. */
  | { readonly type: 'transport.ended'; readonly reason: string; readonly final?: boolean }
  | { readonly type: 'harness.close' };

/** Between two tries to recover; an executor may not have noticed yet that the old transport is gone. */
const RECOVERY = { firstMs: 250, longestMs: 5000 };

const NOT_PROVIDED = 'the harness chart runs only with its openTransport and initialize actors provided';
const openTransport = fromPromise<void>(() => Promise.reject(new Error(NOT_PROVIDED)));
const initialize = fromPromise<Initialized>(() => Promise.reject(new Error(NOT_PROVIDED)));
const resumeSession = fromPromise<void, Initialized>(() => Promise.reject(new Error(NOT_PROVIDED)));
const catchUp = fromPromise<void>(() => Promise.reject(new Error(NOT_PROVIDED)));
const closeTransport = fromPromise<void>(() => Promise.reject(new Error(NOT_PROVIDED)));

export const harnessMachine = setup({
  types: {
    context: {} as HarnessContext,
    events: {} as HarnessEvent,
    input: {} as HarnessInput,
  },
  actors: { openTransport, initialize, resumeSession, catchUp, closeTransport },
  actions: {
    noteSession: assign({ session: (_, session: Initialized) => session }),
    noteError: assign({ error: (_, { error }: { error: unknown }) => asError(error) }),
    // The loss itself is what the user is told, with the newest reason why it could not be mended.
    noteFailedTry: assign(({ context }, { error }: { error: unknown }) => ({
      error: unmended(context.error, asError(error)),
      tries: context.tries + 1,
      waitMs: backoffMs(context.tries + 1, context.random(), RECOVERY),
    })),
    forgetLoss: assign({ error: undefined, tries: 0 }),
  },
  guards: {
    mayRecover: ({ context, event }) =>
      context.recoverMs > 0 && context.session !== undefined && !('final' in event && event.final === true),
    isSessionLost: (_, { error }: { error: unknown }) => error instanceof HarnessError && error.code === 'session_lost',
  },
  delays: {
    recoverTime: ({ context }) => context.recoverMs,
    retryTime: ({ context }) => context.waitMs,
    initializeTime: ({ context }) => context.initializeMs,
  },
}).createMachine({
  id: 'harness',
  description: 'A JSON-RPC session with an executor, from the side that asks.',
  context: ({ input }) => ({ ...input, session: undefined, error: undefined, tries: 0, waitMs: 0 }),
  initial: 'connecting',
  states: {
    connecting: {
      description: 'The transport is being opened: a relay stream or a plain WebSocket.',
      invoke: {
        id: 'openTransport',
        src: 'openTransport',
        onDone: 'initializing',
        onError: { target: 'failed', actions: { type: 'noteError', params: ({ event }) => event } },
      },
      on: {
        'harness.close': 'closing',
        // It was open and ended again before this chart heard of either.
        'transport.ended': {
          target: 'failed',
          actions: { type: 'noteError', params: ({ event }) => ({ error: lost(event.reason) }) },
        },
      },
    },
    initializing: {
      description: 'initialize has been asked; nothing else may be until it is answered.',
      invoke: {
        id: 'initialize',
        src: 'initialize',
        onDone: { target: 'ready', actions: { type: 'noteSession', params: ({ event }) => event.output } },
        onError: { target: 'failed', actions: { type: 'noteError', params: ({ event }) => event } },
      },
      after: {
        initializeTime: {
          target: 'failed',
          actions: { type: 'noteError', params: { error: unanswered() } },
        },
      },
      on: {
        'harness.close': 'closing',
        'transport.ended': {
          target: 'failed',
          actions: { type: 'noteError', params: ({ event }) => ({ error: lost(event.reason) }) },
        },
      },
    },
    ready: {
      description: 'Requests are sent and answered.',
      on: {
        'harness.close': 'closing',
        'transport.ended': [
          {
            guard: 'mayRecover',
            target: 'recovering',
            actions: { type: 'noteError', params: ({ event }) => ({ error: lost(event.reason) }) },
          },
          {
            target: 'failed',
            actions: { type: 'noteError', params: ({ event }) => ({ error: lost(event.reason) }) },
          },
        ],
      },
    },
    recovering: {
      description:
        'The transport is lost for good. The executor keeps the session for a while: it is resumed on another one. Requests wait.',
      initial: 'reopening',
      after: { recoverTime: 'failed' },
      on: {
        'harness.close': { target: 'closing', actions: 'forgetLoss' },
        'transport.ended': {
          target: '.waiting',
          actions: { type: 'noteFailedTry', params: ({ event }) => ({ error: lost(event.reason) }) },
        },
      },
      states: {
        reopening: {
          description: 'Another transport is being opened.',
          invoke: {
            id: 'reopenTransport',
            src: 'openTransport',
            onDone: 'resuming',
            onError: { target: 'waiting', actions: { type: 'noteFailedTry', params: ({ event }) => event } },
          },
        },
        resuming: {
          description: 'initialize with the id of the session was asked.',
          invoke: {
            id: 'resumeSession',
            src: 'resumeSession',
            input: ({ context }) => context.session ?? { sessionId: '' },
            onDone: 'catchingUp',
            onError: [
              {
                guard: { type: 'isSessionLost', params: ({ event }) => event },
                target: '#harness.failed',
                actions: { type: 'noteFailedTry', params: ({ event }) => event },
              },
              { target: 'waiting', actions: { type: 'noteFailedTry', params: ({ event }) => event } },
            ],
          },
          after: {
            initializeTime: { target: 'waiting', actions: { type: 'noteFailedTry', params: { error: unanswered() } } },
          },
        },
        catchingUp: {
          description: 'What the processes printed meanwhile is read back.',
          invoke: {
            id: 'catchUp',
            src: 'catchUp',
            onDone: { target: '#harness.ready', actions: 'forgetLoss' },
            onError: { target: 'waiting', actions: { type: 'noteFailedTry', params: ({ event }) => event } },
          },
        },
        waiting: {
          description: 'The try failed; the next one comes later each time.',
          after: { retryTime: 'reopening' },
        },
      },
    },
    closing: {
      description: 'What was sent is being acknowledged, then the transport ends.',
      invoke: { id: 'closeTransport', src: 'closeTransport', onDone: 'closed', onError: 'closed' },
    },
    closed: { description: 'Ended because its user wanted to.', type: 'final' },
    failed: { description: 'Ended against the will of its user; the error says why.', type: 'final' },
  },
});

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function unanswered(): HarnessError {
  return new HarnessError(
    'initialize_timeout',
    'the executor did not answer in time: is one running for this environment, and does it speak the same relay profile?',
  );
}

function lost(reason: string): HarnessError {
  return new HarnessError('transport_lost', `the session with the executor is lost: ${reason}`);
}

/** Said once, however often it was tried: the loss stays, and of the tries the newest. */
function unmended(loss: Error | undefined, failure: Error): HarnessError {
  const first = loss?.cause instanceof HarnessError ? loss.cause : loss;
  const code = failure instanceof HarnessError && failure.code === 'session_lost' ? 'session_lost' : 'transport_lost';
  const message =
    first === undefined ? failure.message : `${first.message}; it could not be had again: ${failure.message}`;
  return new HarnessError(code, message, { cause: first ?? failure });
}
