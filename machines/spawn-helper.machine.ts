/**
 * The life of the helper process that forks children for the daemon: started when it is first wanted, and again
 * whenever it ends. Starts that wait, and children that outlive a helper, are the broker's business in src.
 */
import { assign, setup } from 'xstate';
import { backoffMs } from './protocol/backoff.js';

export interface SpawnHelperEffects {
  /** Must answer with `helper.ready` or `helper.gone`, later. */
  startHelper(): void;
  /** SIGKILL; `helper.gone` follows. */
  killHelper(): void;
  /** Close its input: it kills what it still guards, and ends. */
  dismissHelper(): void;
}

export interface SpawnHelperInput {
  readonly effects: SpawnHelperEffects;
}

export interface SpawnHelperContext extends SpawnHelperInput {
  /** Helpers that ended in a row, none of which had proved itself. */
  readonly failures: number;
}

export type SpawnHelperEvent =
  | { readonly type: 'helper.wanted' }
  | { readonly type: 'helper.ready' }
  /** A start has waited too long for its answer. */
  | { readonly type: 'helper.silent' }
  | { readonly type: 'helper.gone' }
  | { readonly type: 'broker.close' };

/** A helper takes 40 ms to start on an idle machine. */
const START_DEADLINE_MS = 10_000;
/** A helper that lived this long ended for a reason of its own; the next one is started at once. */
const PROVEN_MS = 10_000;
const RESTART_TIMING = { firstMs: 50, longestMs: 1_000 };

/** Milliseconds before the next start after so many failures in a row: none after the first. */
export function restartDelayMs(failures: number): number {
  return failures <= 1 ? 0 : backoffMs(failures - 1, 0, RESTART_TIMING);
}

export const spawnHelperMachine = setup({
  types: {
    context: {} as SpawnHelperContext,
    input: {} as SpawnHelperInput,
    events: {} as SpawnHelperEvent,
  },
  actions: {
    startHelper: ({ context }) => context.effects.startHelper(),
    killHelper: ({ context }) => context.effects.killHelper(),
    dismissHelper: ({ context }) => context.effects.dismissHelper(),
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    startDeadline: START_DEADLINE_MS,
    provenTime: PROVEN_MS,
    restartDelay: ({ context }) => restartDelayMs(context.failures),
  },
}).createMachine({
  id: 'spawnHelper',
  description: 'The helper that forks children for the daemon.',
  context: ({ input }) => ({ ...input, failures: 0 }),
  initial: 'absent',
  on: { 'broker.close': '.closed' },
  states: {
    absent: {
      description: 'No child was ever wanted: an idle daemon does without the helper’s memory.',
      on: { 'helper.wanted': 'starting' },
    },
    starting: {
      description: 'Forked, and making its first pipes; starts wait.',
      entry: 'startHelper',
      after: { startDeadline: 'stuck' },
      on: {
        'helper.ready': 'serving',
        'helper.gone': { target: 'backingOff', actions: 'countFailure' },
      },
    },
    stuck: {
      description: 'It did not become ready, or did not answer, in time: it was killed, and its end is waited for.',
      entry: 'killHelper',
      on: { 'helper.gone': { target: 'backingOff', actions: 'countFailure' } },
    },
    serving: {
      description: 'Children are forked as they are asked for.',
      after: { provenTime: { actions: 'forgetFailures' } },
      on: {
        'helper.silent': 'stuck',
        'helper.gone': { target: 'backingOff', actions: 'countFailure' },
      },
    },
    backingOff: {
      description: 'It ended. The next one is started, the later the more ended in a row.',
      after: { restartDelay: 'starting' },
    },
    closed: {
      description: 'The daemon needs no more children.',
      entry: 'dismissHelper',
      type: 'final',
    },
  },
});
