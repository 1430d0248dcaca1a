/**
 * The library: sessions for people who write harnesses, and the programs as calls for people who embed them.
 */
export { LocateError } from '../machines/connection-types.js';
export { HarnessError } from '../machines/harness.machine.js';
export { defaultLimits, type Limits } from '../proto/limits.js';
export { SignalboxError } from '../proto/signalbox-error.js';
export { type RunExecutorOptions, runExecutor } from './executor/run-executor.js';
export { type Capability, UnsupportedError } from './harness/capability.js';
export { type ConnectOptions, connect } from './harness/connect.js';
export type { EnvironmentInfo } from './harness/environment-info.js';
export type { Harness } from './harness/harness.js';
export type { KeptSession, KeptSessions } from './harness/kept-sessions.js';
export type { DirectoryEntry, FileMetadata, RemoteFiles } from './harness/remote-files.js';
export type {
  ProcessExit,
  ProcessListing,
  ProcessOptions,
  RemoteProcess,
  Signal,
  TerminalSize,
} from './harness/remote-process.js';
export { RemoteError } from './harness/rpc-client.js';
export type { Faults } from './rendezvous/faults.js';
export { type Rendezvous, RendezvousError, type RendezvousOptions, startRendezvous } from './rendezvous/rendezvous.js';
export { harnessUrl } from './rendezvous/socket-url.js';
export type { IssuedToken, TokenRole, TokenStore } from './rendezvous/token.js';
export { FileTokenStore, MemoryTokenStore } from './rendezvous/token-store.js';
