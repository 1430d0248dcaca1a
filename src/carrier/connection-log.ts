/**
 * What a person is told of a connection: that it was lost and why, when the next try comes, and that it is back.
 */
import type { SnapshotFrom } from 'xstate';
import type { connectionMachine } from '../../machines/connection.machine.js';
import type { Logger } from '../observe/log.js';

export class ConnectionLog {
  readonly #log: Logger;
  #lastState = '';
  #wasOnline = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  report(snapshot: SnapshotFrom<typeof connectionMachine>): void {
    const { value, context } = snapshot;
    const isOnline = snapshot.matches({ attached: 'online' });
    const state = isOnline ? 'online' : typeof value === 'string' ? value : Object.keys(value).join();
    if (state === this.#lastState) return;
    this.#lastState = state;
    const { lastFailure, waitMs, streams } = context;
    if (state === 'backingOff') {
      const waiting = streams.length === 0 ? '' : `; streams that wait to go on: ${streams.length}`;
      const why = lastFailure?.message ?? 'not connected';
      this.#log.warn(`${why}; next try in ${Math.round(waitMs / 100) / 10} s${waiting}`);
    } else if (isOnline && this.#wasOnline) {
      this.#log.info(`connected again; streams that go on: ${streams.length}`);
    } else {
      this.#log.debug({ state }, 'connection');
    }
    this.#wasOnline ||= isOnline;
  }
}
