/**
 * The chart of the harness end: from an address to a session that takes requests, and how that ends (DESIGN §4).
 * Opening a transport and asking `initialize` are actors that src provides; requests themselves do not pass here.
 */
import { assign, fromPromise, setup } from 'xstate';
import { SignalboxError } from '../proto/signalbox-error.js';

/** The session could not be had, or was lost. The message is for the user. */
export class HarnessError extends SignalboxError {
  constructor(
    code: 'unreachable' | 'initialize_failed' | 'initialize_timeout' | 'transport_lost' | 'closed',
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
}

interface HarnessContext extends HarnessInput {
  readonly session: Initialized | undefined;
  readonly error: Error | undefined;
}

export type HarnessEvent =
  /** The stream or socket under the session is gone. */
  { readonly type: 'transport.ended'; readonly reason: string } | { readonly type: 'harness.close' };

const NOT_PROVIDED = 'the harness chart runs only with its openTransport and initialize actors provided';
const openTransport = fromPromise<void>(() => Promise.reject(new Error(NOT_PROVIDED)));
const initialize = fromPromise<Initialized>(() => Promise.reject(new Error(NOT_PROVIDED)));
const closeTransport = fromPromise<void>(() => Promise.reject(new Error(NOT_PROVIDED)));

export const harnessMachine = setup({
  types: {
    context: {} as HarnessContext,
    events: {} as HarnessEvent,
    input: {} as HarnessInput,
  },
  actors: { openTransport, initialize, closeTransport },
  actions: {
    noteSession: assign({ session: (_, session: Initialized) => session }),
    noteError: assign({ error: (_, { error }: { error: unknown }) => asError(error) }),
  },
  delays: {
    initializeTime: ({ context }) => context.initializeMs,
  },
}).createMachine({
  id: 'harness',
  description: 'A JSON-RPC session with an executor, from the side that asks.',
  context: ({ input }) => ({ ...input, session: undefined, error: undefined }),
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
        'transport.ended': {
          target: 'failed',
          actions: { type: 'noteError', params: ({ event }) => ({ error: lost(event.reason) }) },
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
