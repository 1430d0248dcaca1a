/**
 * node-pty's native half. Its JavaScript half is not used: it sets TERM and PWD, and it loses the last output of
 * programs that end quickly.
 */
import { createRequire } from 'node:module';

export interface NativePty {
  /** Both descriptors are non-blocking, and inherited by whatever is forked from here. */
  open(columns: number, rows: number): { readonly master: number; readonly slave: number; readonly pty: string };
  /** Of the master's descriptor. Throws when that is no terminal any more. */
  resize(descriptor: number, columns: number, rows: number): void;
  fork(
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helper: string,
    exited: (code: number, signal: number) => void,
  ): { readonly fd: number; readonly pid: number; readonly pty: string };
}

let native: NativePty | undefined;

export function loadNativePty(): NativePty {
  if (native !== undefined) return native;
  const require = createRequire(import.meta.url);
  const { requireBinary } = require('@lydell/node-pty/requireBinary.js') as { requireBinary(name: string): NativePty };
  native = requireBinary('pty.node');
  return native;
}

/** What macOS needs to fork on a terminal; elsewhere nothing. */
export function ptyForkHelper(): string {
  if (process.platform !== 'darwin') return '';
  return createRequire(import.meta.url).resolve(`@lydell/node-pty-darwin-${process.arch}/spawn-helper`);
}
