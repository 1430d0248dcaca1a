/**
 * Keeps a helper process there while it is wanted: does what `spawnHelperMachine` decides, and tells the broker what
 * became of it. What is said to the helper, and what its end means for children, is the broker's business.
 */
import { type ActorRefFrom, createActor } from 'xstate';
import type { Clock } from '../../../machines/clock.js';
import {
  restartDelayMs,
  type SpawnHelperEffects,
  type SpawnHelperEvent,
  spawnHelperMachine,
} from '../../../machines/spawn-helper.machine.js';
import type { Logger } from '../../observe/log.js';
import { realClock } from '../../observe/real-clock.js';
import type { HelperReport } from './helper-message.js';
import { HelperProcess } from './helper-process.js';
import { removeLeftovers } from './pipe-folders.js';

export interface HelperUser {
  /** It runs, and is to make its first pipes. */
  helperStarted(helper: HelperProcess): void;
  take(report: HelperReport): void;
  /** Once, after its last report. It must answer with `helper.gone` when it has picked up what was left. */
  helperGone(end: HelperEnd): void;
}

export interface HelperEnd {
  /** Undefined when it could not even be started. */
  readonly pid: number | undefined;
  readonly how: string;
  readonly lastWords: string;
}

/** Nothing the chart waits for may keep a program from ending; starts under way do. */
const quietClock: Clock = {
  ...realClock,
  setTimeout: (callback, delayMs) => (realClock.setTimeout(callback, delayMs) as NodeJS.Timeout).unref(),
};

export class HelperKeeper implements SpawnHelperEffects {
  readonly #log: Logger;
  readonly #pipeRoot: string;
  readonly #user: HelperUser;
  readonly #actor: ActorRefFrom<typeof spawnHelperMachine>;
  #helper: HelperProcess | undefined;

  constructor(pipeRoot: string, log: Logger, user: HelperUser) {
    this.#pipeRoot = pipeRoot;
    this.#log = log;
    this.#user = user;
    this.#actor = createActor(spawnHelperMachine, { clock: quietClock, input: { effects: this } });
    this.#actor.start();
  }

  /** Undefined while there is none. */
  get helper(): HelperProcess | undefined {
    return this.#helper;
  }

  /** The helper, once children can be asked of it. */
  get serving(): HelperProcess | undefined {
    return this.#actor.getSnapshot().matches('serving') ? this.#helper : undefined;
  }

  get isStarting(): boolean {
    return this.#actor.getSnapshot().matches('starting');
  }

  get isClosed(): boolean {
    return this.#actor.getSnapshot().status !== 'active';
  }

  /** Milliseconds until there is another one, after an end. */
  get restartDelayMs(): number {
    return restartDelayMs(this.#actor.getSnapshot().context.failures);
  }

  tell(type: SpawnHelperEvent['type']): void {
    if (!this.isClosed) this.#actor.send({ type });
  }

  // ---- what the chart decides

  startHelper(): void {
    removeLeftovers(this.#pipeRoot).catch((error: unknown) => {
      this.#log.debug({ err: error }, 'could not look for pipes left over by a crash');
    });
    try {
      const helper = new HelperProcess(this.#pipeRoot, {
        report: (report) => this.#user.take(report),
        gone: (how, lastWords) => this.#gone(helper, how, lastWords),
      });
      this.#helper = helper;
      this.#user.helperStarted(helper);
    } catch (error) {
      // Out of processes or descriptors; the chart must hear of it later, not while it acts.
      setImmediate(() => this.#gone(undefined, String(error), ''));
    }
  }

  killHelper(): void {
    this.#helper?.kill();
  }

  dismissHelper(): void {
    this.#helper?.dismiss();
  }

  #gone(helper: HelperProcess | undefined, how: string, lastWords: string): void {
    if (helper !== this.#helper) return;
    this.#helper = undefined;
    this.#user.helperGone({ pid: helper?.pid, how, lastWords });
  }
}
