/**
 * Why a child was not started, where the spawn broker and not the operating system says so.
 */
import { SignalboxError } from '../../../proto/signalbox-error.js';
import { OsError } from '../os-error.js';
import type { Failed } from './helper-message.js';

type SpawnBrokerErrorCode = 'spawn_helper_unavailable' | 'spawn_helper_lost' | 'spawn_pipes_failed' | 'spawn_cancelled';

export class SpawnBrokerError extends SignalboxError {
  constructor(code: SpawnBrokerErrorCode, message: string) {
    super(code, message, { scope: 'stream', initiator: 'local' });
  }

  static unavailable(): SpawnBrokerError {
    return new SpawnBrokerError(
      'spawn_helper_unavailable',
      'no process can be started now: the helper that starts them is not running; the log of the executor says why',
    );
  }

  static lost(): SpawnBrokerError {
    return new SpawnBrokerError(
      'spawn_helper_lost',
      'the spawn helper ended while it started this process: whether it ran is not known; look before starting it again',
    );
  }

  static noPipes(reason: string): SpawnBrokerError {
    return new SpawnBrokerError('spawn_pipes_failed', `no pipes for the process could be made: ${reason}`);
  }

  static cancelled(): SpawnBrokerError {
    return new SpawnBrokerError('spawn_cancelled', 'the process was not wanted any more before it was started');
  }
}

/** What the helper was told, as the same refusal is thrown where there is no helper in between. */
export function asSpawnFailure({ errno, code, message }: Omit<Failed, 'op' | 'id'>): Error {
  if (errno !== undefined) return new OsError(errno);
  return code === undefined ? new Error(message) : Object.assign(new TypeError(message), { code });
}
