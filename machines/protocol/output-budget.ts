/**
 * What the retained output of all processes of one session may cost together: pure arithmetic over their logs.
 * It decides which log gives up how much; reading and writing them is not its business.
 */
import type { OutputLog } from './output-log.js';

export interface OutputBudgetLimits {
  /** Bytes that all logs may cost, with what each chunk costs beside its bytes. */
  readonly mostBytes: number;
  /** Of them, bytes that processes may be promised with `retainBytes`. */
  readonly mostReservedBytes: number;
}

const MIB = 1024 * 1024;
const defaultOutputBudgetLimits: OutputBudgetLimits = { mostBytes: 256 * MIB, mostReservedBytes: 192 * MIB };

interface Account {
  /** Bytes promised; 0 for a log that gives way first. */
  readonly reservedBytes: number;
  ended: boolean;
  cost: number;
}

export class OutputBudget {
  readonly #limits: OutputBudgetLimits;
  /** Oldest first. */
  readonly #accounts = new Map<OutputLog, Account>();
  #cost = 0;
  #reservedBytes = 0;

  constructor(limits: OutputBudgetLimits = defaultOutputBudgetLimits) {
    this.#limits = limits;
  }

  /** What all logs cost now, as far as `changed` was told. */
  get cost(): number {
    return this.#cost;
  }

  /** Bytes that can still be promised. */
  get reservableBytes(): number {
    return this.#limits.mostReservedBytes - this.#reservedBytes;
  }

  /** Takes a log in; `reservedBytes` must not exceed {@link reservableBytes}. */
  add(log: OutputLog, reservedBytes: number): void {
    this.#accounts.set(log, { reservedBytes, ended: false, cost: 0 });
    this.#reservedBytes += reservedBytes;
    this.changed(log);
  }

  /** Its process writes no more: among its like it gives way first. */
  end(log: OutputLog): void {
    const account = this.#accounts.get(log);
    if (account !== undefined) account.ended = true;
  }

  remove(log: OutputLog): void {
    const account = this.#accounts.get(log);
    if (account === undefined) return;
    this.#accounts.delete(log);
    this.#cost -= account.cost;
    this.#reservedBytes -= account.reservedBytes;
  }

  /** To be called after the log has grown; when all together cost too much, some give way. */
  changed(log: OutputLog): void {
    const account = this.#accounts.get(log);
    if (account === undefined) return;
    this.#charge(log, account);
    if (this.#cost > this.#limits.mostBytes) this.#shed();
  }

  #charge(log: OutputLog, account: Account): void {
    this.#cost += log.cost - account.cost;
    account.cost = log.cost;
  }

  /** A quarter more than needed, so that a session at its bound does not look at all its logs for each chunk. */
  #shed(): void {
    const goal = this.#limits.mostBytes * 0.75;
    const accounts = [...this.#accounts].sort(([, a], [, b]) => rank(a) - rank(b));
    for (const [log, account] of accounts) {
      if (this.#cost <= goal) return;
      log.shrink(account.cost - (this.#cost - goal));
      this.#charge(log, account);
    }
  }
}

/** Who was promised nothing gives way before who was, who has ended before who has not; then the oldest. */
function rank({ reservedBytes, ended }: Account): number {
  return (reservedBytes > 0 ? 2 : 0) + (ended ? 0 : 1);
}
