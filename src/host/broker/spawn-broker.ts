/**
 * Forks children through a helper process, so that the daemon's loop never waits for a fork, and gives them real
 * pipes. Hands starts to the helper, and when that ends: starts that surely never ran go to the next helper, those
 * that may have run are found again or fail, and running children are watched from here.
 * The helper's own life is `HelperKeeper`'s, the order of starts is `StartQueue`'s, and what a child's streams
 * carry is its owner's business.
 */
import { constants, tmpdir } from 'node:os';
import { type Logger, silentLog } from '../../observe/log.js';
import { type ChildEnd, signalGroup } from '../host-child.js';
import { Fork, type ForkHandle, type ForkListener, type ForkRequest } from './fork.js';
import { type HelperEnd, HelperKeeper, type HelperUser } from './helper-keeper.js';
import type { HelperReport, PipesMade } from './helper-message.js';
import type { HelperProcess } from './helper-process.js';
import { findStarted } from './lost-starts.js';
import { OrphanWatch } from './orphan-watch.js';
import { PipePool } from './pipe-pool.js';
import { asSpawnFailure, SpawnBrokerError } from './spawn-broker-error.js';
import { StartQueue } from './start-queue.js';

/** Told as they are; any other error in making pipes would be mistaken for one of the program's own. */
const OUT_OF_DESCRIPTORS: readonly unknown[] = [constants.errno.EMFILE, constants.errno.ENFILE];

export interface SpawnBrokerOptions {
  readonly log?: Logger;
  /** Where pipes are made and removed again: a folder this user may write to. */
  readonly pipeRoot?: string;
}

export class SpawnBroker implements HelperUser {
  readonly #log: Logger;
  readonly #pipeRoot: string;
  readonly #keeper: HelperKeeper;
  readonly #pool = new PipePool();
  readonly #orphans = new OrphanWatch();
  /** All that are not over, by id. */
  readonly #forks = new Map<number, Fork>();
  readonly #starts = new StartQueue((fork) => this.#expire(fork));
  #makingPipes = false;
  /** The last pipes could not be made: none are asked for until another child is wanted. */
  #pipesRefused = false;
  #lastId = 0;

  constructor({ log = silentLog, pipeRoot = tmpdir() }: SpawnBrokerOptions = {}) {
    this.#log = log;
    this.#pipeRoot = pipeRoot;
    this.#keeper = new HelperKeeper(pipeRoot, log, this);
  }

  /** Undefined while there is none. */
  get helperPid(): number | undefined {
    return this.#keeper.helper?.pid;
  }

  fork(request: ForkRequest, listener: ForkListener): ForkHandle {
    const fork = new Fork(++this.#lastId, request, listener);
    if (this.#keeper.isClosed) {
      setImmediate(() => listener.failed(SpawnBrokerError.cancelled()));
      return { signalGroup: () => {}, release: () => {} };
    }
    this.#forks.set(fork.id, fork);
    this.#starts.add(fork);
    if (this.#forks.size === 1) this.#keeper.helper?.hold(true);
    this.#pipesRefused = false;
    this.#keeper.tell('helper.wanted');
    this.#pump();
    return {
      signalGroup: (signal) => this.#signal(fork, signal),
      release: () => {
        fork.released = true;
        this.#forgetIfDone(fork);
      },
    };
  }

  /** Ends the helper, which kills what it still guards. Starts not done fail. */
  close(): void {
    this.#keeper.tell('broker.close');
    for (const fork of this.#starts.all) this.#fail(fork, SpawnBrokerError.cancelled());
    this.#orphans.stop();
    this.#pool.clear();
  }

  helperStarted(helper: HelperProcess): void {
    helper.hold(this.#forks.size > 0);
    this.#makingPipes = true;
    helper.send({ op: 'pipes', ...this.#pool.first });
  }

  // ---- starts

  #pump(): void {
    const helper = this.#keeper.serving;
    if (helper === undefined) return;
    for (let next = this.#starts.next; next !== undefined; next = this.#starts.next) {
      const piped = next.request.terminal === undefined;
      if (piped && !this.#pool.has(2, next.wantsInput ? 1 : 0)) break;
      this.#send(helper, next);
    }
    this.#refill(helper);
  }

  #send(helper: HelperProcess, fork: Fork): void {
    if (fork.request.terminal === undefined) {
      const stdin = fork.wantsInput ? this.#pool.takeInput() : null;
      fork.ends = { stdin, stdout: this.#pool.takeOutput(), stderr: this.#pool.takeOutput() };
    }
    this.#starts.begin(fork);
    helper.send(fork.message);
  }

  #refill(helper: HelperProcess): void {
    if (this.#makingPipes || this.#pipesRefused) return;
    const piped = this.#starts.waitingForPipes;
    const shortage = this.#pool.shortage(piped.length, piped.filter(({ wantsInput }) => wantsInput).length);
    if (shortage === undefined) return;
    this.#makingPipes = true;
    helper.send({ op: 'pipes', ...shortage });
  }

  #expire(fork: Fork): void {
    if (fork.state === 'sent') {
      this.#log.error({ pid: this.helperPid }, 'the spawn helper does not answer and is ended');
      this.#keeper.tell('helper.silent');
      return;
    }
    this.#fail(fork, SpawnBrokerError.unavailable());
  }

  #signal(fork: Fork, signal: NodeJS.Signals): void {
    if (fork.pid !== 0) {
      // Its group may outlive it, and its streams.
      signalGroup(fork.pid, signal, fork.state !== 'running');
    } else if (signal === 'SIGKILL' && fork.state === 'waiting') {
      this.#fail(fork, SpawnBrokerError.cancelled());
    } else if (signal === 'SIGKILL') {
      fork.unwanted = true;
    }
  }

  // ---- what the helper reports

  take(report: HelperReport): void {
    switch (report.op) {
      case 'pipes':
        this.#takePipes(report);
        break;
      case 'pipesFailed':
        this.#noPipes(
          OUT_OF_DESCRIPTORS.includes(report.errno) ? asSpawnFailure(report) : SpawnBrokerError.noPipes(report.message),
        );
        this.#helperReady();
        break;
      case 'begun':
        this.#withFork(report.id, (fork) => {
          fork.begun = true;
        });
        break;
      case 'started':
        this.#withFork(report.id, (fork) => this.#started(fork, report.pid));
        break;
      case 'failed':
        this.#withFork(report.id, (fork) => this.#fail(fork, asSpawnFailure(report)));
        break;
      case 'exited':
        this.#withFork(report.id, (fork) => this.#exited(fork, report));
        break;
    }
  }

  #takePipes(made: PipesMade): void {
    this.#makingPipes = false;
    try {
      this.#pool.add(made);
    } catch (error) {
      this.#noPipes(error);
    }
    this.#keeper.helper?.send({ op: 'opened' });
    this.#helperReady();
  }

  #helperReady(): void {
    if (this.#keeper.isStarting) {
      for (const { id, pid, state } of this.#forks.values()) {
        if (pid !== 0) this.#keeper.helper?.send({ op: 'guard', id, pid, exited: state === 'exited' });
      }
      this.#keeper.tell('helper.ready');
    }
    this.#pump();
  }

  /** Out of descriptors, as a rule: those that wait for pipes cannot be served now. */
  #noPipes(error: unknown): void {
    this.#makingPipes = false;
    this.#pipesRefused = true;
    this.#log.warn({ err: error, folder: this.#pipeRoot }, 'no pipes could be made for new processes');
    for (const fork of this.#starts.waitingForPipes) this.#fail(fork, error);
  }

  #started(fork: Fork, pid: number): void {
    if (fork.state !== 'sent') return;
    this.#starts.remove(fork);
    fork.state = 'running';
    fork.pid = pid;
    const { ends } = fork;
    fork.ends = undefined;
    fork.listener.started(pid, ends);
    if (fork.unwanted) signalGroup(pid, 'SIGKILL', false);
    this.#pump();
  }

  #exited(fork: Fork, end: ChildEnd | undefined): void {
    if (fork.state !== 'running') return;
    fork.state = 'exited';
    // Start and end may be reported in one breath: whoever waits for the start is served first.
    setImmediate(() => {
      fork.listener.exited(end);
      this.#forgetIfDone(fork);
    });
  }

  #fail(fork: Fork, error: unknown): void {
    if (fork.state !== 'waiting' && fork.state !== 'sent') return;
    this.#starts.remove(fork);
    fork.closeEnds();
    this.#forget(fork);
    fork.listener.failed(error);
    this.#pump();
  }

  #forgetIfDone(fork: Fork): void {
    if (fork.state !== 'exited' || !fork.released) return;
    this.#keeper.helper?.sendSoon({ op: 'release', id: fork.id });
    this.#forget(fork);
  }

  #forget(fork: Fork): void {
    fork.state = 'over';
    this.#forks.delete(fork.id);
    if (this.#forks.size === 0) this.#keeper.helper?.hold(false);
  }

  // ---- the end of a helper

  helperGone(end: HelperEnd): void {
    this.#makingPipes = false;
    this.#pool.clear();
    if (this.#keeper.isClosed) return;
    const running = [...this.#forks.values()].filter(({ state }) => state === 'running');
    const { underWay } = this.#starts;
    const neverRan = underWay.filter(({ begun }) => !begun);
    for (const fork of running) this.#watch(fork);
    this.#findAgain(underWay.filter(({ begun }) => begun));
    this.#startAgain(neverRan);
    this.#keeper.tell('helper.gone');
    const { restartDelayMs: delayMs } = this.#keeper;
    this.#log.warn(
      { ...end, running: running.length, underWay: underWay.length, delayMs },
      'the spawn helper ended; its children go on, and another one is started',
    );
  }

  #watch(fork: Fork): void {
    this.#orphans.add(fork.pid, (end) => this.#exited(fork, end));
  }

  #startAgain(forks: readonly Fork[]): void {
    for (const fork of forks) fork.closeEnds();
    this.#starts.again(forks);
    for (const fork of forks) if (fork.unwanted) this.#fail(fork, SpawnBrokerError.cancelled());
  }

  /**
   * Whoever was forked has its streams by now: the helper's last report was read only after every copy of its
   * descriptors was closed, which the fork's own exec does last.
   */
  #findAgain(forks: readonly Fork[]): void {
    const found = findStarted(forks);
    for (const fork of forks) {
      const pid = found.get(fork);
      if (pid === undefined) {
        this.#fail(fork, SpawnBrokerError.lost());
      } else {
        this.#started(fork, pid);
        this.#watch(fork);
      }
    }
  }

  #withFork(id: number, act: (fork: Fork) => void): void {
    const fork = this.#forks.get(id);
    if (fork !== undefined) act(fork);
  }
}
