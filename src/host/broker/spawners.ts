/**
 * Who forks children here: the spawn broker where this system can have it, else this process itself.
 */
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Logger, silentLog } from '../../observe/log.js';
import { spawnChildProcess } from '../child-process.js';
import type { SpawnChild } from '../host-child.js';
import { callSystem } from '../os-error.js';
import { findProgram } from '../program-lookup.js';
import { spawnPty } from '../pty.js';
import { BrokeredChild } from './brokered-child.js';
import { BrokeredPty } from './brokered-pty.js';
import { SpawnBroker } from './spawn-broker.js';

export interface Spawners {
  readonly piped: SpawnChild;
  readonly terminal: SpawnChild;
  /** No child is wanted any more. */
  close(): void;
}

/** Forks in this process: blocks it for the time of a fork, and gives children socket pairs. */
export const directSpawners: Spawners = { piped: spawnChildProcess, terminal: spawnPty, close: () => {} };

export function brokeredSpawners(log: Logger = silentLog): Spawners {
  try {
    findProgram('mkfifo', '/', process.env.PATH);
    callSystem(() => accessSync(tmpdir(), constants.W_OK | constants.X_OK));
  } catch (error) {
    log.warn({ err: error, folder: tmpdir() }, 'no spawn broker: it needs mkfifo and a folder for temporary files');
    return directSpawners;
  }
  const broker = new SpawnBroker({ log });
  const setsid = findSetsid();
  return {
    piped: (spec, listener) => new BrokeredChild(broker, spec, listener),
    // Only Linux lets a session take its terminal this way.
    terminal: setsid === undefined ? spawnPty : (spec, listener) => new BrokeredPty(broker, setsid, spec, listener),
    close: () => broker.close(),
  };
}

function findSetsid(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return findProgram('setsid', '/', process.env.PATH);
  } catch {
    return undefined;
  }
}
