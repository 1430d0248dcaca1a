/**
 * Which requests may be asked again when nobody knows whether the first was served: those that change nothing, and
 * those that do nothing the second time. All others are reported, never repeated.
 */
import type { EnvironmentInfo } from './environment-info.js';

const READING: ReadonlySet<string> = new Set([
  'environment/info',
  'environment/status',
  'fs/canonicalize',
  'fs/getMetadata',
  'fs/hash',
  'fs/list',
  'fs/readDirectory',
  'fs/readFile',
  'fs/stat',
  'fs/walk',
  'process/list',
  'process/read',
]);

/** The second time they find it done. */
const SETTLED: ReadonlySet<string> = new Set([
  'fs/setAttributes',
  'process/closeStdin',
  'process/resize',
  'process/terminate',
]);

/** As `environment` announces it; without one, the executor is not known yet. */
export function isRepeatable(method: string, environment: EnvironmentInfo | undefined): boolean {
  if (READING.has(method) || SETTLED.has(method)) return true;
  // A repeated writeId is answered and not written again (jsonrpc.md §4.5); the first releases do not read it.
  return method === 'process/write' && environment?.capabilities.has('signalboxCloseStdin') === true;
}
