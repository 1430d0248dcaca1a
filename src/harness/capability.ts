/**
 * What an executor must say it can do before it is asked to (docs/extensions.md): one that cannot would ignore the
 * request, or part of it, without a word.
 */
import { SignalboxError } from '../../proto/signalbox-error.js';
import type { EnvironmentInfo } from './environment-info.js';

/** As `environment/info` names them. */
export type Capability =
  | 'signalboxCloseStdin'
  | 'signalboxKeptSessions'
  | 'signalboxProcessList'
  | 'signalboxResize'
  | 'signalboxRetainBytes'
  | 'signalboxSignals'
  | 'signalboxTellsSignals'
  | 'signalboxTerminateGrace';

/** The executor does not announce what was asked of it; nothing was sent. */
export class UnsupportedError extends SignalboxError {
  readonly capability: Capability;

  constructor(capability: Capability, what: string, version: string | undefined) {
    const release = version === undefined ? '' : ` (release ${version})`;
    super('unsupported_by_executor', `the executor${release} cannot ${what}: it needs one of signalbox for that`, {
      scope: 'stream',
      initiator: 'local',
    });
    this.capability = capability;
  }
}

/** Throws UnsupportedError; `what` completes "the executor cannot …". */
export function requireCapability(environment: EnvironmentInfo, capability: Capability, what: string): void {
  if (environment.capabilities.has(capability)) return;
  throw new UnsupportedError(capability, what, environment.version);
}
