/**
 * What a confined child or file operation may do, after every special kind of a request became a path of this host.
 * It asks nothing of the file system: mount-plan.ts does.
 */
import { SignalboxError } from '../../../proto/signalbox-error.js';

export type Access = 'none' | 'read' | 'write';

export interface Grant {
  /** Absolute; `/` is everything. */
  readonly path: string;
  readonly access: Access;
}

export interface SandboxPolicy {
  /** The narrowest path that holds a file decides; for the same path `none` before `write` before `read`. */
  readonly grants: readonly Grant[];
  /** The folders programs of the system need are readable. */
  readonly platformFolders: boolean;
  /** False: no network, and no socket that leads out of the sandbox. */
  readonly network: boolean;
}

/** The request cannot be enforced as it is. Nothing was run. */
export class SandboxPolicyError extends SignalboxError {
  constructor(message: string) {
    super('sandbox_policy_unenforceable', message, { scope: 'stream', initiator: 'peer' });
  }
}

/** Every file as it is: file operations need no confinement. */
export function allowsAllFiles({ grants }: SandboxPolicy): boolean {
  return grants.some(({ path, access }) => path === '/' && access === 'write') && grants.every(isWrite);
}

/** Programs of the system, the shell among them, can be run. */
export function showsPlatform({ grants, platformFolders }: SandboxPolicy): boolean {
  return platformFolders || grants.some(({ path, access }) => path === '/' && access !== 'none');
}

/** Reading needs no confinement. */
export function allowsAllReading({ grants }: SandboxPolicy): boolean {
  return grants.some(({ path, access }) => path === '/' && access !== 'none') && grants.every(isNotNone);
}

function isNotNone({ access }: Grant): boolean {
  return access !== 'none';
}

function isWrite({ access }: Grant): boolean {
  return access === 'write';
}
