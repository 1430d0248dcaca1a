/**
 * What puts a copied file in its place (docs/extensions.md: fs/rename, fs/symlink, fs/setAttributes).
 */
import { chmodSync, lstatSync, lutimesSync, renameSync, symlinkSync } from 'node:fs';
import { callSystem } from './os-error.js';

export interface Attributes {
  /** The twelve bits of chmod(2). A link has none: it is left alone. */
  readonly mode?: number;
  /** Milliseconds since 1970. */
  readonly modifiedAtMs?: number;
}

/** Atomic; what is at the destination is replaced as rename(2) replaces it. */
export function rename(source: string, destination: string): void {
  callSystem(() => renameSync(source, destination));
}

/** `target` is what the link says, and need not be there. */
export function symlink(target: string, path: string): void {
  callSystem(() => symlinkSync(target, path));
}

/** Of the path itself, also where it is a link. */
export function setAttributes(path: string, { mode, modifiedAtMs }: Attributes): void {
  const isLink = callSystem(() => lstatSync(path)).isSymbolicLink();
  if (mode !== undefined && !isLink) callSystem(() => chmodSync(path, mode));
  if (modifiedAtMs === undefined) return;
  const seconds = modifiedAtMs / 1000;
  callSystem(() => lutimesSync(path, seconds, seconds));
}
