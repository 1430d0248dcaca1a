/**
 * What this host is, as `environment/info` tells it (jsonrpc.md §5). Gathered once: none of it changes while we run.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir, hostname, platform, tmpdir, userInfo } from 'node:os';
import { basename } from 'node:path';
import type { Environment } from './env-policy.js';
import { toFileUri } from './paths.js';
import { isBubblewrapThere } from './sandbox/bubblewrap.js';

export interface EnvironmentInfo {
  readonly shell: { readonly name: string; readonly path: string };
  readonly executorVersion: string;
  readonly providerId: string;
  /** This and the folders below: file URIs. */
  readonly cwd: string;
  readonly userHomeDir: string;
  readonly platformOs: string;
  readonly prependPathDirs: readonly string[];
  readonly temporaryDirectories: readonly string[];
  readonly tempDir: string;
  readonly capabilities: Readonly<Record<string, boolean>>;
}

/**
 * What clients of releases gate on; each is true only when it works here. Names with `signalbox` are our own.
 */
const CAPABILITIES: Readonly<Record<string, boolean>> = {
  networkProxyLaunch: false,
  networkProxyReviewDomains: false,
  credentialMasking: false,
  credentialMaskingCustomProviders: false,
  capabilityDiscoverySandbox: false,
  fsWatchMissing: true,
  capabilityDiscoveryV2: false,
  environmentConfigRead: true,
  httpHeaderEnvVars: false,
  fileWriteStreaming: true,
  shellSnapshotV2: false,
  windowsMxc: false,
  linuxRootWritePreservesDevices: false,
  linuxApprovedRootWritePreservesRestrictions: false,
  signalboxCloseStdin: true,
  signalboxProcessList: true,
  signalboxResize: true,
  signalboxKeptSessions: true,
  signalboxRetainBytes: true,
  signalboxSignals: true,
  signalboxTellsSignals: true,
  signalboxTerminateGrace: true,
};

export interface EnvironmentOptions {
  readonly cwd: string;
  readonly env: Environment;
  readonly version: string;
}

export function describeEnvironment({ cwd, env, version }: EnvironmentOptions): EnvironmentInfo {
  const shell = env.SHELL || loginShell();
  return {
    shell: { name: basename(shell), path: shell },
    executorVersion: version,
    providerId: `sha256:${hostIdentity()}`,
    cwd: toFileUri(cwd),
    userHomeDir: toFileUri(env.HOME || homedir()),
    platformOs: platform() === 'darwin' ? 'macos' : platform(),
    prependPathDirs: [],
    temporaryDirectories: [],
    tempDir: toFileUri(env.TMPDIR || tmpdir()),
    capabilities: { ...CAPABILITIES, sandboxedFileStreaming: isBubblewrapThere(env.PATH) },
  };
}

function loginShell(): string {
  return userInfo().shell || '/bin/sh';
}

/** Tells hosts apart and stays the same over restarts, without telling the machine id itself. */
function hostIdentity(): string {
  return createHash('sha256').update(`${machineId()}\n${hostname()}\n${userInfo().uid}`).digest('hex');
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return '';
  }
}
