/**
 * Whether a child in a sandbox seems to have failed because of it (jsonrpc.md §4.3, §8), as the releases guess: by
 * its exit code and words in its output. Pure.
 */

/** In lower case; the releases look for exactly these. */
const DENIAL_WORDS = [
  'operation not permitted',
  'permission denied',
  'read-only file system',
  'seccomp',
  'sandbox',
  'landlock',
  'failed to write file',
];
/** Ended by a filter of system calls: 128 + SIGSYS. */
const KILLED_BY_FILTER = 159;

/** `output` gives what is retained of it, in order; asked only when it matters. */
export function looksDenied(exitCode: number, output: () => readonly { readonly bytes: Uint8Array }[]): boolean {
  if (exitCode === 0) return false;
  if (exitCode === KILLED_BY_FILTER) return true;
  const bytes = Buffer.concat(output().map((chunk) => chunk.bytes));
  const words = bytes.toString('latin1').toLowerCase();
  return DENIAL_WORDS.some((word) => words.includes(word));
}
